// AddressQuery: what getaddrinfo() knows without asking anybody.
#pragma once

#include <gyre/resolver.hpp>
#include <gyre/resolvers.hpp>

#include <string>
#include <vector>

namespace gyre::detail {

/// A question of getaddrinfo(): checked and, if its host is numeric or null, answered when it is
/// made; else it makes the list from the addresses that a Resolver finds.
///
/// Numbers, scopes, services and kinds of sockets are read by the system's own getaddrinfo, which
/// asks no server with AI_NUMERICHOST: so they mean what they mean to every other program.
class AddressQuery {
public:
    /// Throws ResolveError for what is wrong with any host, and for a host that cannot be a name.
    AddressQuery(Host host, const Port& port, AddressOptions options);

    [[nodiscard]] bool answered() const noexcept { return answered_; }
    /// The list, once answered.
    [[nodiscard]] std::vector<AddressInfo> take() { return std::move(infos_); }

    /// What to ask, once.
    [[nodiscard]] NameQuestion take_question();
    [[nodiscard]] std::vector<AddressInfo> combine(const NameAnswer& answer) const;

private:
    [[nodiscard]] std::vector<SocketAddress> wanted(const std::vector<SocketAddress>& found) const;

    std::string name_;
    AddressOptions options_;
    int family_;  // what is asked for
    bool answered_ = false;
    std::vector<AddressInfo> infos_;  // the answer, or the kinds of sockets for any address
};

/// A ResolveError with the system's text.
[[noreturn]] void throw_resolve_error(int code, const std::string& what);

}  // namespace gyre::detail
