// Server: listens, and makes a protocol or starts a handler for each connection.
#pragma once

#include <gyre/connections.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/streams.hpp>
#include <gyre/task.hpp>
#include <gyre/transport.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

struct ServerOptions {
    int family = 0;     ///< AF_INET or AF_INET6 alone
    int flags = 0;      ///< of getaddrinfo(), beside AI_PASSIVE
    int backlog = 100;  ///< connections that wait to be accepted
    bool reuse_address = true;
    bool reuse_port = false;
    bool start_serving = true;
    bool cleanup_socket = true;               ///< a Unix server removes its path at the end
    std::size_t limit = kDefaultStreamLimit;  ///< of the readers of start_server()
};
static_assert(std::is_trivially_destructible_v<ServerOptions>);

/// A socket that listens.
class ServerSocket {
public:
    ServerSocket(int fd, const SocketAddress& address) noexcept : fd_(fd), address_(address) {}
    [[nodiscard]] const SocketAddress& getsockname() const noexcept { return address_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return address_.port(); }
    [[nodiscard]] int fileno() const noexcept { return fd_; }

private:
    int fd_;
    SocketAddress address_;
};

namespace detail {
class ServerState;
}

/// What start_server() and create_server() give: a handle. The loop keeps the server until it is
/// closed, or the loop is.
///
/// ```
/// Server server = co_await start_server(handle, "127.0.0.1", 8080);
/// co_await server.serve_forever();
/// ```
///
/// Thread rule: the loop's thread. asyncio: Server.
class GYRE_API Server {
public:
    explicit Server(std::shared_ptr<detail::ServerState> state) noexcept
        : state_(std::move(state)) {}

    /// What it listens on; nothing once it is closed.
    [[nodiscard]] std::vector<ServerSocket> sockets() const;
    [[nodiscard]] bool is_serving() const noexcept;
    /// Accepts connections from now on, if it does not already.
    [[nodiscard]] Coro<> start_serving() const;
    /// Serves until cancelled, then closes and waits. Throws RuntimeError if the server is closed
    /// or another task is in this call.
    [[nodiscard]] Coro<> serve_forever() const;
    /// Listens no more, at once. Connections that were accepted go on.
    void close() const;
    /// Completes when the server is closed and every connection it accepted has ended.
    [[nodiscard]] Coro<> wait_closed() const;
    /// Closes, or aborts, every connection that it accepted.
    void close_clients() const;
    void abort_clients() const;
    [[nodiscard]] EventLoop& get_loop() const noexcept;

    /// For with(): `async with server`, which closes at the end.
    [[nodiscard]] Coro<> enter() const;
    [[nodiscard]] Coro<> exit(std::exception_ptr error) const;

private:
    std::shared_ptr<detail::ServerState> state_;
};

namespace detail {

using MakeProtocol = std::function<std::shared_ptr<BaseProtocol>()>;

GYRE_API Coro<Server> listen_on(MakeProtocol make, std::vector<std::string> hosts, Port port,
                                ServerOptions options);
GYRE_API Coro<Server> listen_on_path(MakeProtocol make, std::string path, ServerOptions options);
GYRE_API Coro<Server> listen_on_socket(MakeProtocol make, Socket socket, ServerOptions options);

/// A handler of streams, made a protocol factory.
template <class F>
class StreamHandler {
public:
    StreamHandler(F handler, std::size_t limit)
        : handler_(std::make_shared<F>(std::move(handler))), limit_(checked_limit(limit)) {}

    std::shared_ptr<BaseProtocol> operator()() const {
        auto state = std::make_shared<StreamState>(limit_);
        state->on_made([handler = handler_, raw = state.get()] {
            const std::shared_ptr<StreamState> stream = raw->shared_from_this();
            serve(handler, StreamReader(stream), StreamWriter(stream));
        });
        return state;
    }

private:
    static void serve(const std::shared_ptr<F>& handler, StreamReader reader, StreamWriter writer) {
        if constexpr (std::is_void_v<decltype(call(*handler, reader, writer))>) {
            call(*handler, reader, writer);
        } else {
            watch_handler(create_task(run(handler, reader, writer)), writer);
        }
    }
    static Coro<> run(std::shared_ptr<F> handler, StreamReader reader, StreamWriter writer) {
        co_await call(*handler, reader, writer);
    }
    // A handler may take them by value or by reference.
    static decltype(auto) call(F& handler, StreamReader& reader, StreamWriter& writer) {
        if constexpr (std::invocable<F&, StreamReader, StreamWriter>) {
            return std::invoke(handler, std::move(reader), std::move(writer));
        } else {
            return std::invoke(handler, reader, writer);
        }
    }
    // A handler that fails is reported, and its connection closed.
    static void watch_handler(const Task<>& task, StreamWriter writer) {
        task.add_done_callback([writer](const Task<>& done) {
            if (done.cancelled()) {
                writer.close();
                return;
            }
            if (const std::exception_ptr error = done.exception()) {
                done.get_loop().call_exception_handler(
                    ExceptionContext("Unhandled exception in client_connected_cb", error));
                writer.close();
            }
        });
    }

    std::shared_ptr<F> handler_;
    std::size_t limit_;
};

template <class F>
concept StreamHandlerFunction = std::invocable<F&, StreamReader, StreamWriter> ||
    std::invocable<F&, StreamReader&, StreamWriter&>;

}  // namespace detail

/// Listens on a host and port and starts handler(reader, writer), a coroutine or a plain function,
/// for each connection.
///
/// ```
/// Coro<> echo(StreamReader reader, StreamWriter writer) {
///     while (true) {
///         std::string data = co_await reader.read(4096);
///         if (data.empty()) break;
///         writer.write(data);
///         co_await writer.drain();
///     }
///     writer.close();
/// }
/// Server server = co_await start_server(echo, "127.0.0.1", 8080);
/// ```
///
/// An empty host is every interface; port 0 one that is free, see Server::sockets(). Completes when
/// it listens. A handler that fails is reported, and its connection closed. Cancel safety: nothing
/// listens. Throws std::system_error that names the address; ResolveError. asyncio: start_server.
template <class F>
requires detail::StreamHandlerFunction<std::decay_t<F>>
[[nodiscard]] auto start_server(F&& handler, std::string host, Port port,
                                ServerOptions options = {}) {
    return detail::listen_on(
        detail::StreamHandler<std::decay_t<F>>(std::forward<F>(handler), options.limit),
        {std::move(host)}, std::move(port), options);
}
/// The same on several hosts.
template <class F>
requires detail::StreamHandlerFunction<std::decay_t<F>>
[[nodiscard]] auto start_server(F&& handler, std::vector<std::string> hosts, Port port,
                                ServerOptions options = {}) {
    return detail::listen_on(
        detail::StreamHandler<std::decay_t<F>>(std::forward<F>(handler), options.limit),
        std::move(hosts), std::move(port), options);
}
/// The same on a socket that is bound already.
template <class F>
requires detail::StreamHandlerFunction<std::decay_t<F>>
[[nodiscard]] auto start_server(F&& handler, Socket socket, ServerOptions options = {}) {
    return detail::listen_on_socket(
        detail::StreamHandler<std::decay_t<F>>(std::forward<F>(handler), options.limit),
        std::move(socket), options);
}
/// The same on a path, or on an abstract name, which begins with a zero byte. A stale socket file
/// is replaced. asyncio: start_unix_server.
template <class F>
requires detail::StreamHandlerFunction<std::decay_t<F>>
[[nodiscard]] auto start_unix_server(F&& handler, std::string path, ServerOptions options = {}) {
    return detail::listen_on_path(
        detail::StreamHandler<std::decay_t<F>>(std::forward<F>(handler), options.limit),
        std::move(path), options);
}

/// Listens on a host and port and calls factory() for the protocol of each connection.
/// asyncio: loop.create_server.
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_server(F&& factory, std::string host, Port port,
                                 ServerOptions options = {}) {
    return detail::listen_on(std::forward<F>(factory), {std::move(host)}, std::move(port), options);
}
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_server(F&& factory, std::vector<std::string> hosts, Port port,
                                 ServerOptions options = {}) {
    return detail::listen_on(std::forward<F>(factory), std::move(hosts), std::move(port), options);
}
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_server(F&& factory, Socket socket, ServerOptions options = {}) {
    return detail::listen_on_socket(std::forward<F>(factory), std::move(socket), options);
}
/// asyncio: loop.create_unix_server.
template <class F>
requires detail::ProtocolFactory<std::decay_t<F>>
[[nodiscard]] auto create_unix_server(F&& factory, std::string path, ServerOptions options = {}) {
    return detail::listen_on_path(std::forward<F>(factory), std::move(path), options);
}

}  // namespace gyre
