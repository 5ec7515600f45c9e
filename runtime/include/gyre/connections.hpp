// create_connection, open_connection: to a server.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/future.hpp>
#include <gyre/resolver.hpp>
#include <gyre/socket.hpp>
#include <gyre/streams.hpp>
#include <gyre/transport.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

struct ConnectOptions {
    int family = 0;  ///< AF_INET or AF_INET6 alone
    int proto = 0;
    int flags = 0;                  ///< of getaddrinfo()
    SocketAddress local_addr = {};  ///< where to connect from
    /// How long one address has before the next is tried beside it (RFC 8305 recommends 250 ms);
    /// unset: until it fails.
    detail::AnyLimit happy_eyeballs_delay = {};
    /// How many addresses of the first family come before the families take turns; unset: 1 with
    /// a delay, else 0, which leaves the resolver's order.
    std::optional<std::size_t> interleave = {};
    bool all_errors = false;                  ///< an ExceptionGroup of each address's error
    std::size_t limit = kDefaultStreamLimit;  ///< of open_connection()'s reader
};
static_assert(std::is_trivially_destructible_v<ConnectOptions>);

/// Connects to a host and port, trying each of its addresses; gives a reader and a writer.
///
/// ```
/// auto [reader, writer] = co_await open_connection("127.0.0.1", 8080);
/// ```
///
/// Completes once connected. Cancel safety: no socket stays. Throws the address's std::system_error
/// where all failed alike, else one that tells each; ResolveError. asyncio: open_connection.
[[nodiscard]] GYRE_API Coro<StreamPair> open_connection(std::string host, Port port,
                                                        ConnectOptions options = {});
/// Over a socket that is connected already. Throws ValueError for one of datagrams.
[[nodiscard]] GYRE_API Coro<StreamPair> open_connection(Socket socket, ConnectOptions options = {});
/// asyncio: open_unix_connection. An abstract name begins with a zero byte.
[[nodiscard]] GYRE_API Coro<StreamPair> open_unix_connection(std::string path,
                                                             ConnectOptions options = {});

namespace detail {

GYRE_API Coro<Socket> connect_to(std::string host, Port port, ConnectOptions options);
GYRE_API Coro<Socket> connect_to(SocketAddress address);
/// To the first of these addresses that answers.
GYRE_API Coro<Socket> connect_to(std::vector<AddressInfo> addresses, ConnectOptions options);
/// A socket that is connected already. Throws ValueError for one of datagrams.
GYRE_API Coro<Socket> connected(Socket socket);
/// Completes `made` after connection_made().
[[nodiscard]] TransportHooks tell(const Future<>& made);
/// The transport, once `made` is complete; aborts it if it does not come to that.
template <class T>
Coro<std::shared_ptr<T>> when_made(std::shared_ptr<T> transport, Future<> made) {
    std::exception_ptr error;
    try {
        co_await made;
    } catch (...) {
        error = std::current_exception();
    }
    if (error != nullptr) {
        transport->abort();
        std::rethrow_exception(error);
    }
    co_return transport;
}
GYRE_API Coro<std::shared_ptr<Transport>> attach(Socket socket,
                                                 std::shared_ptr<BaseProtocol> protocol);

template <class F>
concept ProtocolFactory = std::invocable<F&> && requires(std::invoke_result_t<F&> made) {
    std::shared_ptr<BaseProtocol>(std::move(made));
};
template <class F>
using MadeProtocol =
    typename decltype(std::shared_ptr(std::declval<std::invoke_result_t<F&>>()))::element_type;

template <class F>
Coro<std::pair<std::shared_ptr<Transport>, std::shared_ptr<MadeProtocol<F>>>> connect_protocol(
    F factory, Coro<Socket> connecting) {
    Socket socket = co_await std::move(connecting);
    std::shared_ptr<MadeProtocol<F>> protocol(std::invoke(factory));
    std::shared_ptr<Transport> transport = co_await attach(std::move(socket), protocol);
    co_return std::pair<std::shared_ptr<Transport>, std::shared_ptr<MadeProtocol<F>>>(
        std::move(transport), std::move(protocol));
}

}  // namespace detail

/// Connects, and calls factory() for a protocol (a shared or unique pointer) to use the connection;
/// gives {transport, protocol} after connection_made(). Otherwise as open_connection().
/// asyncio: loop.create_connection.
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_connection(F&& factory, std::string host, Port port,
                                     ConnectOptions options = {}) {
    return detail::connect_protocol<std::decay_t<F>>(
        std::forward<F>(factory), detail::connect_to(std::move(host), std::move(port), options));
}
/// Over a socket that is connected already. Throws ValueError for one of datagrams.
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_connection(F&& factory, Socket socket) {
    return detail::connect_protocol<std::decay_t<F>>(std::forward<F>(factory),
                                                     detail::connected(std::move(socket)));
}
/// The same for one that was accepted. asyncio: loop.connect_accepted_socket.
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto connect_accepted_socket(F&& factory, Socket socket) {
    return create_connection(std::forward<F>(factory), std::move(socket));
}
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_unix_connection(F&& factory, std::string path) {
    return detail::connect_protocol<std::decay_t<F>>(
        std::forward<F>(factory), detail::connect_to(SocketAddress::unix_path(path)));
}

}  // namespace gyre
