// connect_read_pipe, connect_write_pipe: one end of a pipe as a transport.
#pragma once

#include <gyre/connections.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/transport.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace gyre {

namespace detail {

enum class PipeEnd : std::uint8_t { reading, writing };

GYRE_API Coro<std::shared_ptr<Transport>> attach_pipe(int fd, PipeEnd end,
                                                      std::shared_ptr<BaseProtocol> protocol);

template <class F>
Coro<std::pair<std::shared_ptr<Transport>, std::shared_ptr<MadeProtocol<F>>>> connect_pipe(
    F factory, int fd, PipeEnd end) {
    std::shared_ptr<MadeProtocol<F>> protocol(std::invoke(factory));
    std::shared_ptr<Transport> transport = co_await attach_pipe(fd, end, protocol);
    co_return std::pair<std::shared_ptr<Transport>, std::shared_ptr<MadeProtocol<F>>>(
        std::move(transport), std::move(protocol));
}

}  // namespace detail

/// Has a protocol, which factory() makes, read from a pipe, FIFO, socket or character device; gives
/// {transport, protocol} after connection_made().
///
/// ```
/// auto made = co_await connect_read_pipe([] { return std::make_shared<Lines>(); }, fd);
/// auto& [transport, protocol] = made;
/// ```
///
/// The end of file closes the transport behind eof_received(), whatever that answers; a terminal
/// whose other end is closed counts as that. Makes the descriptor non-blocking and takes it over.
/// Throws ValueError for a descriptor of another kind, std::system_error for none at all: then it
/// stays the caller's. Cancel safety: the pipe is closed. asyncio: loop.connect_read_pipe.
template <class F>
requires(detail::ProtocolFactory<std::decay_t<F>>)
    [[nodiscard]] auto connect_read_pipe(F&& factory, int fd) {
    return detail::connect_pipe<std::decay_t<F>>(std::forward<F>(factory), fd,
                                                 detail::PipeEnd::reading);
}

/// The same for writing. The transport closes by itself when nobody reads any more:
/// connection_lost(null) where nothing waited to be sent, else with the system's broken_pipe.
/// write_eof() is close(). asyncio: loop.connect_write_pipe.
template <class F>
requires(detail::ProtocolFactory<std::decay_t<F>>)
    [[nodiscard]] auto connect_write_pipe(F&& factory, int fd) {
    return detail::connect_pipe<std::decay_t<F>>(std::forward<F>(factory), fd,
                                                 detail::PipeEnd::writing);
}

}  // namespace gyre
