// AddressQuery: what getaddrinfo() knows without asking anybody.
#pragma once

#include <gyre/resolver.hpp>
#include <gyre/resolvers.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gyre::detail {

/// A question of getaddrinfo(). Answers it if its host is numeric or null; else makes the list from
/// the addresses that a Resolver finds.
///
/// Numbers, scopes, services and kinds of sockets are read by the system's own getaddrinfo, which
/// asks no server with AI_NUMERICHOST: so they mean what they mean to every other program.
class AddressQuery {
public:
    AddressQuery(Host&& host, Port&& port, AddressOptions options)
        : null_(host.is_null()),
          name_(std::move(host).text()),
          port_(std::move(port)),
          options_(options) {}

    /// Checks it; true if that was enough to answer it. Throws ResolveError for what is wrong with
    /// any host, and for a host that cannot be a name.
    [[nodiscard]] bool answered();
    /// The list, once answered.
    [[nodiscard]] std::vector<AddressInfo> take() const { return *infos_; }

    /// What to ask, once.
    [[nodiscard]] NameQuestion take_question();
    [[nodiscard]] std::vector<AddressInfo> combine(const NameAnswer& answer) const;

private:
    bool null_;
    std::string name_;
    Port port_;
    AddressOptions options_;
    int family_ = 0;                       // what is asked for
    std::optional<std::uint16_t> number_;  // the port, where it is one
    // The answer, or the kinds of sockets for any address.
    std::shared_ptr<const std::vector<AddressInfo>> infos_;
};

/// A ResolveError with the system's text.
[[noreturn]] void throw_resolve_error(int code, const std::string& what);

}  // namespace gyre::detail
