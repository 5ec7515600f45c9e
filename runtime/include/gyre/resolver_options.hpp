// ResolverOptions: how names are resolved.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/duration.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gyre {

/// For the resolver `cares`; `system` takes none of it. What is given is copied when a resolver or
/// Runner is made of it.
///
/// ```
/// const std::vector<std::string> servers = {"127.0.0.1:5353"};
/// run(app(), {.resolver_options = {.nameservers = servers, .timeout = 500ms}});
/// ```
struct ResolverOptions {
    /// "ADDR" or "ADDR:PORT", an IPv6 one with a port in brackets; none: those of resolv.conf.
    std::span<const std::string> nameservers = {};
    /// How long a server has for its first answer, in whole milliseconds; it is doubled with each
    /// further round through the servers.
    detail::AnyDuration timeout = std::chrono::seconds(2);
    int tries = 3;          ///< rounds through the servers
    bool rotate = false;    ///< each question begins with another server
    std::size_t cache = 0;  ///< how many answers are kept for their time to live; 0: none
    std::string_view resolv_conf = "/etc/resolv.conf";
    std::string_view hosts = "/etc/hosts";
};
static_assert(std::is_trivially_destructible_v<ResolverOptions>);

namespace detail {

/// A copy of the options that owns its strings.
class GYRE_API ResolverSettings {
public:
    ResolverSettings() : ResolverSettings(ResolverOptions()) {}
    explicit ResolverSettings(const ResolverOptions& options);

    std::vector<std::string> nameservers;
    Nanoseconds timeout;
    int tries;
    bool rotate;
    std::size_t cache;
    std::string resolv_conf;
    std::string hosts;
};

}  // namespace detail
}  // namespace gyre
