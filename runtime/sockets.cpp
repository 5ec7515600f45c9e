#include <gyre/detail/fd_ready.hpp>
#include <gyre/sockets.hpp>

#include <optional>

namespace gyre {

Coro<std::size_t> sock_recv_into(Socket& socket, std::span<char> buffer) {
    std::optional<std::size_t> count = socket.recv(buffer);
    while (!count) {
        co_await detail::readable(socket.fileno());
        count = socket.recv(buffer);
    }
    co_return *count;
}

Coro<std::string> sock_recv(Socket& socket, std::size_t count) {
    std::string data(count, '\0');
    const std::size_t received = co_await sock_recv_into(socket, data);
    data.resize(received);
    co_return data;
}

Coro<> sock_sendall(Socket& socket, std::string_view data) {
    while (!data.empty()) {
        const std::optional<std::size_t> sent = socket.send(data);
        if (sent) {
            data.remove_prefix(*sent);
        } else {
            co_await detail::writable(socket.fileno());
        }
    }
}

namespace {

Coro<> send_owned(Socket& socket, std::string data) {
    co_await sock_sendall(socket, std::string_view(data));
}

}  // namespace

Coro<> sock_sendall(Socket& socket, std::string&& data) {
    return send_owned(socket, std::move(data));
}

Coro<> sock_connect(Socket& socket, SocketAddress address) {
    if (!socket.connect(address)) {
        co_await detail::writable(socket.fileno());
        socket.check_connected(address);
    }
}

Coro<std::pair<Socket, SocketAddress>> sock_accept(Socket& socket) {
    SocketAddress peer;
    std::optional<Socket> accepted = socket.accept(&peer);
    while (!accepted) {
        co_await detail::readable(socket.fileno());
        accepted = socket.accept(&peer);
    }
    co_return std::pair<Socket, SocketAddress>(std::move(*accepted), peer);
}

Coro<std::pair<std::string, SocketAddress>> sock_recvfrom(Socket& socket, std::size_t count) {
    std::string data(count, '\0');
    SocketAddress peer;
    std::optional<std::size_t> received = socket.recv_from(data, peer);
    while (!received) {
        co_await detail::readable(socket.fileno());
        received = socket.recv_from(data, peer);
    }
    data.resize(*received);
    co_return std::pair<std::string, SocketAddress>(std::move(data), peer);
}

Coro<std::size_t> sock_sendto(Socket& socket, std::string_view data, SocketAddress peer) {
    std::optional<std::size_t> sent = socket.send_to(data, peer);
    while (!sent) {
        co_await detail::writable(socket.fileno());
        sent = socket.send_to(data, peer);
    }
    co_return *sent;
}

}  // namespace gyre
