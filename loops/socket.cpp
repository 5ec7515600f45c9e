#include "transfer.hpp"

#include <gyre/errors.hpp>
#include <gyre/socket.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gyre {

namespace {

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

[[noreturn]] void fail(int error, const std::string& what, const SocketAddress& address) {
    fail(error, what + " " + address.to_string());
}

int native_family(SocketAddress::Family family) noexcept {
    switch (family) {
        case SocketAddress::Family::ipv4:
            return AF_INET;
        case SocketAddress::Family::ipv6:
            return AF_INET6;
        case SocketAddress::Family::local:
            return AF_UNIX;
        default:
            return AF_UNSPEC;
    }
}

int native_kind(Socket::Kind kind) noexcept {
    return (kind == Socket::Kind::stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

const ::sockaddr* native(const SocketAddress& address) noexcept {
    return static_cast<const ::sockaddr*>(address.native());
}

::socklen_t native_size(const SocketAddress& address) noexcept {
    return static_cast<::socklen_t>(address.native_size());
}

bool would_wait(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

template <class F>
std::optional<std::size_t> transfer(const char* what, F call) {
    std::error_code error;
    const auto count = detail::transfer(error, call);
    if (error) {
        fail(error.value(), what);
    }
    return count;
}

struct NativeAddress {
    ::sockaddr_storage storage{};
    ::socklen_t size = sizeof(::sockaddr_storage);

    ::sockaddr* get() noexcept { return reinterpret_cast<::sockaddr*>(&storage); }
    [[nodiscard]] SocketAddress address() const noexcept {
        return SocketAddress::from_native(&storage, size);
    }
};

}  // namespace

Socket::Socket(int fd) : fd_(fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        fd_ = -1;
        fail(errno, "socket " + std::to_string(fd));
    }
}

Socket Socket::open(SocketAddress::Family family, Kind kind) {
    const int fd = ::socket(native_family(family), native_kind(kind), 0);
    if (fd < 0) {
        fail(errno, "socket");
    }
    Socket made;
    made.fd_ = fd;
    return made;
}

std::pair<Socket, Socket> Socket::pair(Kind kind) {
    int fds[2];
    if (::socketpair(AF_UNIX, native_kind(kind), 0, fds) != 0) {
        fail(errno, "socketpair");
    }
    std::pair<Socket, Socket> made;
    made.first.fd_ = fds[0];
    made.second.fd_ = fds[1];
    return made;
}

void Socket::close() noexcept {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

void Socket::bind(const SocketAddress& address) {
    if (::bind(fd_, native(address), native_size(address)) != 0) {
        fail(errno, "bind", address);
    }
}

void Socket::listen(int backlog) {
    if (::listen(fd_, backlog) != 0) {
        fail(errno, "listen", local_address());
    }
}

bool Socket::connect(const SocketAddress& address) {
    if (::connect(fd_, native(address), native_size(address)) == 0) {
        return true;
    }
    // Interrupted, it goes on all the same; so does one that nobody waited for to the end.
    if (errno == EINPROGRESS || errno == EINTR || errno == EALREADY) {
        return false;
    }
    fail(errno, "connect", address);
}

void Socket::check_connected(const SocketAddress& address) {
    int error = 0;
    ::socklen_t size = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        fail(error, "connect", address);
    }
}

std::optional<Socket> Socket::accept(SocketAddress* peer) {
    for (;;) {
        NativeAddress from;
        const int fd = ::accept4(fd_, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            Socket made;
            made.fd_ = fd;
            if (peer != nullptr) {
                *peer = from.address();
            }
            return made;
        }
        if (would_wait(errno)) {
            return std::nullopt;
        }
        // ECONNABORTED: it was gone before it was taken.
        if (errno != EINTR && errno != ECONNABORTED) {
            fail(errno, "accept", local_address());
        }
    }
}

std::optional<std::size_t> Socket::recv(std::span<char> buffer) {
    return transfer("recv", [&] { return ::recv(fd_, buffer.data(), buffer.size(), 0); });
}

std::optional<std::size_t> Socket::send(std::string_view data) {
    return transfer("send", [&] { return ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL); });
}

std::optional<std::size_t> Socket::recv_from(std::span<char> buffer, SocketAddress& peer) {
    NativeAddress from;
    const auto count = transfer("recvfrom", [&] {
        from.size = sizeof from.storage;
        return ::recvfrom(fd_, buffer.data(), buffer.size(), 0, from.get(), &from.size);
    });
    if (count) {
        peer = from.address();
    }
    return count;
}

std::optional<std::size_t> Socket::send_to(std::string_view data, const SocketAddress& peer) {
    return transfer("sendto", [&] {
        return ::sendto(fd_, data.data(), data.size(), MSG_NOSIGNAL, native(peer),
                        native_size(peer));
    });
}

std::optional<std::size_t> Socket::recv(std::span<char> buffer,
                                        std::error_code& error) const noexcept {
    return detail::transfer(error, [&] { return ::recv(fd_, buffer.data(), buffer.size(), 0); });
}

std::optional<std::size_t> Socket::send(std::span<const std::string_view> parts,
                                        std::error_code& error) const noexcept {
    if (parts.size() == 1) {
        return detail::transfer(
            error, [&] { return ::send(fd_, parts[0].data(), parts[0].size(), MSG_NOSIGNAL); });
    }
    detail::IoVectors vectors(parts);
    ::msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vectors.size();
    return detail::transfer(error, [&] { return ::sendmsg(fd_, &message, MSG_NOSIGNAL); });
}

void Socket::shutdown_write() {
    if (::shutdown(fd_, SHUT_WR) != 0 && errno != ENOTCONN) {
        fail(errno, "shutdown");
    }
}

SocketAddress Socket::local_address() const noexcept {
    NativeAddress own;
    return ::getsockname(fd_, own.get(), &own.size) == 0 ? own.address() : SocketAddress();
}

SocketAddress Socket::peer_address() const noexcept {
    NativeAddress peer;
    return ::getpeername(fd_, peer.get(), &peer.size) == 0 ? peer.address() : SocketAddress();
}

void Socket::check_stream() const {
    int kind = 0;
    ::socklen_t size = sizeof kind;
    if (::getsockopt(fd_, SOL_SOCKET, SO_TYPE, &kind, &size) != 0 || kind != SOCK_STREAM) {
        throw ValueError("a stream socket is expected");
    }
}

void Socket::set_option(int level, int name, int value, const char* what) {
    if (::setsockopt(fd_, level, name, &value, sizeof value) != 0) {
        fail(errno, what);
    }
}

void Socket::set_reuse_address(bool on) {
    set_option(SOL_SOCKET, SO_REUSEADDR, on, "SO_REUSEADDR");
}
void Socket::set_reuse_port(bool on) { set_option(SOL_SOCKET, SO_REUSEPORT, on, "SO_REUSEPORT"); }
void Socket::set_ipv6_only(bool on) { set_option(IPPROTO_IPV6, IPV6_V6ONLY, on, "IPV6_V6ONLY"); }
void Socket::set_broadcast(bool on) { set_option(SOL_SOCKET, SO_BROADCAST, on, "SO_BROADCAST"); }
void Socket::set_send_buffer(int bytes) { set_option(SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF"); }

void Socket::set_nodelay() noexcept {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace gyre
