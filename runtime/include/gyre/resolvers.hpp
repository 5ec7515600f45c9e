// Resolver: who answers getaddrinfo() and getnameinfo() on a loop.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/resolver_options.hpp>
#include <gyre/socket_address.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gyre {

/// What a Resolver is asked: never a numeric address.
struct NameQuestion {
    NameQuestion() = default;
    std::string name;
    int family = 0;  ///< AF_INET, AF_INET6, or 0 for both
    int flags = 0;   ///< of getaddrinfo(); AI_CANONNAME asks for the canonical name
};

/// What it answers.
struct NameAnswer {
    NameAnswer() = default;
    std::vector<SocketAddress> addresses;  ///< the best first; their ports do not count
    std::string canonname;                 ///< empty: the name that was asked for
};

/// Finds the addresses of names. getaddrinfo() does the rest: numbers, services, kinds of sockets.
///
/// Thread rule: the thread of its loop.
class GYRE_API Resolver {
public:
    Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    virtual ~Resolver();

    /// "cares", "system" …
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Throws ResolveError with EAI_NONAME, EAI_NODATA, EAI_AGAIN … A cancelled await must leave
    /// nothing that waits.
    [[nodiscard]] virtual Coro<NameAnswer> addresses_of(NameQuestion question) = 0;
    /// Throws ResolveError with EAI_NONAME for an address without a name.
    [[nodiscard]] virtual Coro<std::string> name_of(SocketAddress address) = 0;

    /// The loop closes: lets go of all that is on it. Called when no task is left.
    virtual void close() noexcept {}
};

/// Makes a resolver for the loop:
///
/// | spec | who answers |
/// |---|---|
/// | `cares` | the hosts file, then the name servers, asked on the loop itself by c-ares |
/// | `system` | the system's getaddrinfo, in a thread of the loop's pool |
///
/// An empty spec means the environment variable GYRE_RESOLVER; without that `cares`, but on a
/// virtual loop the hosts file and then `system`, unless the options name servers. Throws
/// ValueError for another spec and for a name server that is no address.
[[nodiscard]] GYRE_API std::shared_ptr<Resolver> make_resolver(EventLoop& loop,
                                                               std::string_view spec = {},
                                                               const ResolverOptions& options = {});

/// The loop's resolver; made on first use, by make_resolver(), unless one was set.
[[nodiscard]] GYRE_API std::shared_ptr<Resolver> get_resolver(EventLoop& loop);
/// From now on this one answers; null: the default one. Whoever waits gets the former one's answer.
GYRE_API void set_resolver(EventLoop& loop, std::shared_ptr<Resolver> resolver);

namespace detail {
[[nodiscard]] std::shared_ptr<Resolver> make_resolver(EventLoop& loop, std::string_view spec,
                                                      const ResolverSettings& settings);
}  // namespace detail

}  // namespace gyre
