// getaddrinfo: the addresses of a name.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/errors.hpp>
#include <gyre/socket_address.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gyre {

/// A port number, or a service's name; none is 0.
class Port {
public:
    Port() = default;
    template <std::integral N>
    requires(!std::is_same_v<N, bool>) Port(N number) : text_(std::to_string(number)) {}
    Port(std::string service) : text_(std::move(service)) {}
    Port(std::string_view service) : text_(service) {}
    Port(const char* service) : text_(service == nullptr ? "" : service) {}

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

/// The system's numbers (AF_INET6, SOCK_STREAM, IPPROTO_TCP, AI_PASSIVE …); 0: any.
struct AddressOptions {
    int family = 0;
    int type = 0;
    int proto = 0;
    int flags = 0;
};
static_assert(std::is_trivially_destructible_v<AddressOptions>);

/// One of the ways to reach a name.
struct AddressInfo {
    AddressInfo() = default;
    int family = 0;
    int type = 0;
    int proto = 0;
    std::string canonname;
    SocketAddress address;
};

/// A name was not resolved; the code is one of EAI_….
class GYRE_API ResolveError : public Error {
public:
    ResolveError(int error, const std::string& text);
    ResolveError(const ResolveError&) = default;
    ~ResolveError() override;

    detail::Attribute<int> code;
};

/// The addresses of a host and a port, in the system's order. An empty host is this machine, or
/// with AI_PASSIVE every interface.
///
/// ```
/// std::vector<AddressInfo> found = co_await getaddrinfo("example.org", 443, {.type =
/// SOCK_STREAM});
/// ```
///
/// Completes when the system's resolver has answered, in a thread of the loop's pool; at once for a
/// numeric address. Cancel safety: the await ends at once, the question runs on and its answer is
/// dropped. Throws ResolveError. asyncio: loop.getaddrinfo.
[[nodiscard]] GYRE_API Coro<std::vector<AddressInfo>> getaddrinfo(std::string host, Port port,
                                                                  AddressOptions options = {});

}  // namespace gyre
