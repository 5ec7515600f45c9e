#include <gyre/errors.hpp>
#include <gyre/socket_address.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ostream>

namespace gyre {

namespace {

// The bytes of an address, as the system's structure: a copy, for the types must not alias.
template <class T>
T read_as(const SocketAddress& address) noexcept {
    T native{};
    std::memcpy(&native, address.native(), std::min(sizeof native, address.native_size()));
    return native;
}

// The scope of "fe80::1%eth0", by name or number; 0 if there is none of that name.
std::uint32_t scope_of(const std::string& text) noexcept {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, number).ptr == end) {
        return number;
    }
    return ::if_nametoindex(text.c_str());
}

[[noreturn]] void refuse(std::string_view text) {
    throw ValueError("an address like 127.0.0.1:80, [::1]:80 or unix:/path is expected, not '" +
                     std::string(text) + "'");
}

constexpr std::string_view kUnixPrefix = "unix:";

}  // namespace

SocketAddress SocketAddress::from_native(const void* address, std::size_t size) noexcept {
    SocketAddress made;
    made.size_ = static_cast<std::uint32_t>(std::min(size, made.bytes_.size()));
    std::memcpy(made.bytes_.data(), address, made.size_);
    return made;
}

SocketAddress SocketAddress::try_ip(std::string_view host, std::uint16_t port) noexcept {
    const std::size_t percent = host.find('%');
    const std::string address(host.substr(0, percent));
    if (address.find('\0') != std::string::npos) {
        return {};
    }
    ::sockaddr_in v4{};
    if (percent == std::string_view::npos &&
        ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        return from_native(&v4, sizeof v4);
    }
    ::sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        if (percent != std::string_view::npos) {
            v6.sin6_scope_id = scope_of(std::string(host.substr(percent + 1)));
            if (v6.sin6_scope_id == 0) {
                return {};
            }
        }
        return from_native(&v6, sizeof v6);
    }
    return {};
}

SocketAddress SocketAddress::ip(std::string_view host, std::uint16_t port) {
    const SocketAddress made = try_ip(host, port);
    if (!made) {
        throw ValueError("a numeric IPv4 or IPv6 address is expected, not '" + std::string(host) +
                         "'");
    }
    return made;
}

SocketAddress SocketAddress::unix_path(std::string_view path) {
    ::sockaddr_un native{};
    native.sun_family = AF_UNIX;
    // An abstract name ends with its length, and so does none.
    const std::size_t size = path.size() + (path.empty() || path.front() == '\0' ? 0 : 1);
    if (size > sizeof native.sun_path) {
        throw ValueError("a Unix socket's path is expected to have at most " +
                         std::to_string(sizeof native.sun_path - 1) + " bytes, not " +
                         std::to_string(path.size()));
    }
    std::memcpy(native.sun_path, path.data(), path.size());
    return from_native(&native, offsetof(::sockaddr_un, sun_path) + size);
}

SocketAddress SocketAddress::parse(std::string_view text) {
    if (text.starts_with(kUnixPrefix)) {
        std::string path(text.substr(kUnixPrefix.size()));
        if (path.starts_with('@')) {
            path.front() = '\0';
        }
        return unix_path(path);
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        refuse(text);
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        refuse(text);
    }
    std::uint16_t port = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, port);
    const SocketAddress made = try_ip(host, port);
    if (digits.empty() || stopped != end || error != std::errc() || !made ||
        (made.family() == Family::ipv6) != bracketed) {
        refuse(text);
    }
    return made;
}

SocketAddress::Family SocketAddress::family() const noexcept {
    if (size_ < sizeof(::sa_family_t)) {
        return Family::none;
    }
    switch (read_as<::sockaddr>(*this).sa_family) {
        case AF_INET:
            return Family::ipv4;
        case AF_INET6:
            return Family::ipv6;
        case AF_UNIX:
            return Family::local;
        default:
            return Family::none;
    }
}

std::string SocketAddress::host() const {
    char text[INET6_ADDRSTRLEN] = {};
    if (family() == Family::ipv4) {
        const auto native = read_as<::sockaddr_in>(*this);
        return ::inet_ntop(AF_INET, &native.sin_addr, text, sizeof text);
    }
    if (family() != Family::ipv6) {
        return {};
    }
    const auto native = read_as<::sockaddr_in6>(*this);
    std::string host = ::inet_ntop(AF_INET6, &native.sin6_addr, text, sizeof text);
    if (native.sin6_scope_id != 0) {
        char name[IF_NAMESIZE] = {};
        host += '%';
        host += ::if_indextoname(native.sin6_scope_id, name) != nullptr
                    ? std::string(name)
                    : std::to_string(native.sin6_scope_id);
    }
    return host;
}

std::uint16_t SocketAddress::port() const noexcept {
    switch (family()) {
        case Family::ipv4:
            return ntohs(read_as<::sockaddr_in>(*this).sin_port);
        case Family::ipv6:
            return ntohs(read_as<::sockaddr_in6>(*this).sin6_port);
        default:
            return 0;
    }
}

SocketAddress SocketAddress::with_port(std::uint16_t port) const noexcept {
    if (family() == Family::ipv4) {
        auto native = read_as<::sockaddr_in>(*this);
        native.sin_port = htons(port);
        return from_native(&native, sizeof native);
    }
    if (family() == Family::ipv6) {
        auto native = read_as<::sockaddr_in6>(*this);
        native.sin6_port = htons(port);
        return from_native(&native, sizeof native);
    }
    return *this;
}

std::string SocketAddress::path() const {
    constexpr std::size_t start = offsetof(::sockaddr_un, sun_path);
    if (family() != Family::local || size_ <= start) {
        return {};
    }
    const auto* const first = reinterpret_cast<const char*>(bytes_.data()) + start;
    std::string path(first, size_ - start);
    if (path.front() != '\0') {
        path.resize(std::strlen(path.c_str()));  // the kernel may count a zero byte or not
    }
    return path;
}

std::string SocketAddress::to_string() const {
    const std::string port_text = ":" + std::to_string(port());
    switch (family()) {
        case Family::ipv4:
            return host() + port_text;
        case Family::ipv6:
            return "[" + host() + "]" + port_text;
        case Family::local: {
            std::string name = path();
            if (name.starts_with('\0')) {
                name.front() = '@';
            }
            return std::string(kUnixPrefix) + name;
        }
        default:
            return "none";
    }
}

bool SocketAddress::operator==(const SocketAddress& other) const noexcept {
    return (*this <=> other) == std::strong_ordering::equal;
}

std::strong_ordering SocketAddress::operator<=>(const SocketAddress& other) const noexcept {
    if (family() == Family::local && other.family() == Family::local) {
        return path() <=> other.path();
    }
    if (const auto sizes = size_ <=> other.size_; sizes != std::strong_ordering::equal) {
        return sizes;
    }
    return std::memcmp(bytes_.data(), other.bytes_.data(), size_) <=> 0;
}

std::ostream& operator<<(std::ostream& out, const SocketAddress& address) {
    return out << address.to_string();
}

}  // namespace gyre
