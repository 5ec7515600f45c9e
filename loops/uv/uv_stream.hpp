// UvStream: a stream over libuv's uv_tcp_t or uv_pipe_t.
#pragma once

#include "../stream_io.hpp"
#include "uv_loop.hpp"

#include <uv.h>

#include <memory>

namespace gyre {

/// libuv's stream says when bytes have come and sends what waits. It is given no buffer to read
/// into: its callback would run ahead of what is queued, and a protocol has to be asked for its
/// buffer, and told what came, in one go and in its turn. So the callback only queues, and the
/// client reads in that turn.
class UvStream final : public detail::StreamIo {
public:
    /// True for what libuv has a stream for, and closes again: no device, not the standard three.
    [[nodiscard]] static bool serves(const Socket& descriptor) noexcept;

    /// Takes over the descriptor. Throws std::system_error.
    UvStream(UvLoop& loop, Socket& descriptor, detail::StreamClient& client);
    ~UvStream() override;

    void start_reading() override;
    void stop_reading() noexcept override;
    void start_sending(detail::WriteQueue& unsent) override;
    void stop_sending() noexcept override;
    [[nodiscard]] std::size_t in_flight() const noexcept override;
    [[nodiscard]] std::error_code error() const noexcept override;
    void close(Socket& descriptor) noexcept override;

private:
    class Stream;
    Stream* stream_;  // frees itself once libuv is done with it
};

}  // namespace gyre
