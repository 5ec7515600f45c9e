// sock_recv and its kin: operations on a socket of one's own, without a transport.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/socket.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gyre {

/// They try at once, and where that would wait, when the loop finds the socket ready: without a
/// wait they take no iteration. The socket, and what a view refers to, must stay until they are
/// done. Cancel safety: nothing is received and lost; of what is sent an unknown part may have
/// gone. One operation in each direction at a time: a second takes the first one's place, which
/// then waits forever. Throws std::system_error.
///
/// ```
/// Socket socket = Socket::open(SocketAddress::Family::ipv4);
/// co_await sock_connect(socket, SocketAddress::ip("127.0.0.1", 80));
/// co_await sock_sendall(socket, "GET / HTTP/1.0\r\n\r\n");
/// std::string answer = co_await sock_recv(socket, 4096);
/// ```
///
/// At most `count` bytes; none at the end of file. asyncio: loop.sock_recv.
[[nodiscard]] GYRE_API Coro<std::string> sock_recv(Socket& socket, std::size_t count);
/// Into a buffer; gives the number of bytes. asyncio: loop.sock_recv_into.
[[nodiscard]] GYRE_API Coro<std::size_t> sock_recv_into(Socket& socket, std::span<char> buffer);
/// Everything, or an error. asyncio: loop.sock_sendall.
[[nodiscard]] GYRE_API Coro<> sock_sendall(Socket& socket, std::string_view data);
[[nodiscard]] inline Coro<> sock_sendall(Socket& socket, const char* text) {
    return sock_sendall(socket, std::string_view(text));
}
/// A string that is given away is kept until it is sent.
[[nodiscard]] GYRE_API Coro<> sock_sendall(Socket& socket, std::string&& data);
/// asyncio: loop.sock_connect.
[[nodiscard]] GYRE_API Coro<> sock_connect(Socket& socket, SocketAddress address);
/// The connection and its peer's address. asyncio: loop.sock_accept.
[[nodiscard]] GYRE_API Coro<std::pair<Socket, SocketAddress>> sock_accept(Socket& socket);
/// One datagram and its sender. asyncio: loop.sock_recvfrom.
[[nodiscard]] GYRE_API Coro<std::pair<std::string, SocketAddress>> sock_recvfrom(Socket& socket,
                                                                                 std::size_t count);
/// One datagram; gives its size. asyncio: loop.sock_sendto.
[[nodiscard]] GYRE_API Coro<std::size_t> sock_sendto(Socket& socket, std::string_view data,
                                                     SocketAddress peer);

}  // namespace gyre
