// getaddrinfo, getnameinfo: the addresses of a name, and the name of an address.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/errors.hpp>
#include <gyre/socket_address.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

/// A name or a numeric address; null is this machine. An empty name is one that nobody has.
class Host {
public:
    Host() = default;
    Host(std::nullptr_t) {}
    Host(std::string name) : text_(std::move(name)) {}
    Host(std::string_view name) : text_(std::in_place, name) {}
    Host(const char* name) {
        if (name != nullptr) {
            text_.emplace(name);
        }
    }

    [[nodiscard]] bool is_null() const noexcept { return !text_; }
    /// Empty for null, too.
    [[nodiscard]] std::string text() const& { return text_.value_or(std::string()); }
    [[nodiscard]] std::string text() && { return std::move(text_).value_or(std::string()); }

private:
    std::optional<std::string> text_;
};

/// A port number, or a service's name; an empty one is 0, and so is none.
class Port {
public:
    Port() = default;
    Port(std::nullptr_t) {}
    template <std::integral N>
    requires(!std::is_same_v<N, bool>) Port(N number)
        : text_(std::to_string(number)), null_(false) {}
    Port(std::string service) : text_(std::move(service)), null_(false) {}
    Port(std::string_view service) : text_(service), null_(false) {}
    Port(const char* service)
        : text_(service == nullptr ? "" : service), null_(service == nullptr) {}

    [[nodiscard]] bool is_null() const noexcept { return null_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    bool null_ = true;
};

/// The system's numbers (AF_INET6, SOCK_STREAM, IPPROTO_TCP, AI_PASSIVE …); 0: any.
struct AddressOptions {
    int family = 0;
    int type = 0;
    int proto = 0;
    int flags = 0;
    bool operator==(const AddressOptions&) const = default;
};
static_assert(std::is_trivially_destructible_v<AddressOptions>);

/// One of the ways to reach a name.
struct AddressInfo {
    AddressInfo() = default;
    int family = 0;
    int type = 0;
    int proto = 0;
    std::string canonname;  ///< with AI_CANONNAME, of the first alone
    SocketAddress address;
};

/// What an address is called.
struct NameInfo {
    NameInfo() = default;
    std::string host;
    std::string service;
};

/// A name was not resolved; the code is one of EAI_…, the text ends with the system's for it.
class GYRE_API ResolveError : public Error {
public:
    ResolveError(int error, const std::string& text);
    ResolveError(const ResolveError&) = default;
    ~ResolveError() override;

    detail::Attribute<int> code;
};

/// The addresses of a host and a port, the best first. A null host is this machine, or with
/// AI_PASSIVE every interface.
///
/// ```
/// std::vector<AddressInfo> found = co_await getaddrinfo("example.org", 443, {.type =
/// SOCK_STREAM});
/// ```
///
/// Completes at once for a numeric address, else when the loop's Resolver has answered. Cancel
/// safety: the await ends at once, and the answer is dropped. Throws ResolveError, also for a port
/// over 65535; std::system_error where the system itself fails. asyncio: loop.getaddrinfo.
[[nodiscard]] GYRE_API Coro<std::vector<AddressInfo>> getaddrinfo(Host host, Port port,
                                                                  AddressOptions options = {});

/// The name and the service of an address; the flags are the system's NI_….
///
/// ```
/// NameInfo info = co_await getnameinfo(SocketAddress::ip("127.0.0.1", 80));  // localhost, http
/// ```
///
/// An address without a name is given as a number, unless the flags have NI_NAMEREQD. Completes
/// when the loop's Resolver has answered; at once with NI_NUMERICHOST. Cancel safety and errors as
/// for getaddrinfo(). asyncio: loop.getnameinfo.
[[nodiscard]] GYRE_API Coro<NameInfo> getnameinfo(SocketAddress address, int flags = 0);
/// The same; a host that is not numeric is a ResolveError.
[[nodiscard]] GYRE_API Coro<NameInfo> getnameinfo(std::string host, Port port, int flags = 0);

}  // namespace gyre
