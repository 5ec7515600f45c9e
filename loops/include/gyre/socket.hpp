// Socket: a descriptor that is owned, and the calls on it that never wait.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/socket_address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace gyre {

/// A socket, non-blocking and closed in programs that this one starts.
///
/// What would have to wait gives nullopt instead; EINTR is not to be seen. Errors are
/// std::system_error with the operation and the address: "connect 127.0.0.1:1: Connection refused".
class GYRE_API Socket {
public:
    enum class Kind : std::uint8_t { stream, datagram };

    Socket() noexcept = default;
    /// Takes over a descriptor, which is made non-blocking.
    explicit Socket(int fd);
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket() { close(); }

    [[nodiscard]] static Socket open(SocketAddress::Family family, Kind kind = Kind::stream);
    /// Two connected ones.
    [[nodiscard]] static std::pair<Socket, Socket> pair(Kind kind = Kind::stream);

    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int fileno() const noexcept { return fd_; }
    /// Gives the descriptor away.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept;

    void bind(const SocketAddress& address);
    void listen(int backlog);
    /// True if it is connected at once; false if it is under way: see check_connected() once it is
    /// writable.
    bool connect(const SocketAddress& address);
    void check_connected(const SocketAddress& address);
    /// A connection that waits.
    [[nodiscard]] std::optional<Socket> accept(SocketAddress* peer = nullptr);

    [[nodiscard]] std::optional<std::size_t> recv(std::span<char> buffer);
    [[nodiscard]] std::optional<std::size_t> send(std::string_view data);
    [[nodiscard]] std::optional<std::size_t> recv_from(std::span<char> buffer, SocketAddress& peer);
    [[nodiscard]] std::optional<std::size_t> send_to(std::string_view data,
                                                     const SocketAddress& peer);
    void shutdown_write();

    /// The same for who wants the error as a value: a connection in use loses its peer every day.
    [[nodiscard]] std::optional<std::size_t> recv(std::span<char> buffer,
                                                  std::error_code& error) const noexcept;
    /// One part behind the other.
    [[nodiscard]] std::optional<std::size_t> send(std::span<const std::string_view> parts,
                                                  std::error_code& error) const noexcept;

    [[nodiscard]] SocketAddress local_address() const noexcept;
    [[nodiscard]] SocketAddress peer_address() const noexcept;

    /// Throws ValueError for a socket of another kind than stream.
    void check_stream() const;

    void set_reuse_address(bool on);
    void set_reuse_port(bool on);
    void set_ipv6_only(bool on);
    void set_broadcast(bool on);
    /// Nothing where the socket is no TCP one.
    void set_nodelay() noexcept;
    void set_send_buffer(int bytes);

private:
    void set_option(int level, int name, int value, const char* what);

    int fd_ = -1;
};

}  // namespace gyre
