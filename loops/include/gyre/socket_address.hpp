// SocketAddress: where a socket is, or is to be.
#pragma once

#include <gyre/detail/api.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace gyre {

/// An IPv4, IPv6 or Unix address, or none.
///
/// ```
/// SocketAddress::ip("::1", 80).to_string()            // "[::1]:80"
/// SocketAddress::parse("127.0.0.1:8080").port()       // 8080
/// SocketAddress::unix_path("/run/chat.sock")
/// ```
///
/// A value: compared and copied as such. asyncio: the address tuples of socket.
class GYRE_API SocketAddress {
public:
    enum class Family : std::uint8_t { none, ipv4, ipv6, local };

    SocketAddress() noexcept = default;

    /// A numeric host, with "%scope" behind an IPv6 one if need be. Throws ValueError for anything
    /// else: names are for getaddrinfo().
    [[nodiscard]] static SocketAddress ip(std::string_view host, std::uint16_t port);
    /// The same, but gives none where it is no numeric address.
    [[nodiscard]] static SocketAddress try_ip(std::string_view host, std::uint16_t port) noexcept;
    /// The address of a Unix socket; one that begins with a zero byte is an abstract name, an
    /// empty one a socket without a name. Throws ValueError if it is too long.
    [[nodiscard]] static SocketAddress unix_path(std::string_view path);
    /// The inverse of to_string(), for an address that is not none. Throws ValueError that says
    /// what was expected.
    [[nodiscard]] static SocketAddress parse(std::string_view text);
    /// Of the system's own structure, a sockaddr of that many bytes.
    [[nodiscard]] static SocketAddress from_native(const void* address, std::size_t size) noexcept;

    [[nodiscard]] Family family() const noexcept;
    [[nodiscard]] explicit operator bool() const noexcept { return size_ != 0; }

    /// "127.0.0.1", "fe80::1%eth0"; empty for a Unix address.
    [[nodiscard]] std::string host() const;
    /// 0 for a Unix address.
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] SocketAddress with_port(std::uint16_t port) const noexcept;
    /// The path or abstract name of a Unix address.
    [[nodiscard]] std::string path() const;

    /// "127.0.0.1:80", "[::1]:80", "unix:/run/chat.sock", "unix:@name"; "none".
    [[nodiscard]] std::string to_string() const;

    /// The system's own structure.
    [[nodiscard]] const void* native() const noexcept { return bytes_.data(); }
    [[nodiscard]] std::size_t native_size() const noexcept { return size_; }

    [[nodiscard]] bool operator==(const SocketAddress& other) const noexcept;
    [[nodiscard]] std::strong_ordering operator<=>(const SocketAddress& other) const noexcept;

private:
    alignas(8) std::array<unsigned char, 128> bytes_{};
    std::uint32_t size_ = 0;
};

GYRE_API std::ostream& operator<<(std::ostream& out, const SocketAddress& address);

}  // namespace gyre
