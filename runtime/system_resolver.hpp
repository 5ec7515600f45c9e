// SystemResolver: the system's getaddrinfo, in a thread.
#pragma once

#include "local_names.hpp"

#include <gyre/resolvers.hpp>

#include <optional>
#include <string>

namespace gyre::detail {

/// Knows what the system does: mdns, systemd-resolved, any module of nsswitch.conf.
class SystemResolver final : public Resolver {
public:
    SystemResolver() = default;
    /// The names that this machine knows by itself are answered at once.
    explicit SystemResolver(const std::string& hosts) : local_(std::in_place, hosts) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "system"; }
    [[nodiscard]] Coro<NameAnswer> addresses_of(NameQuestion question) override;
    [[nodiscard]] Coro<std::string> name_of(SocketAddress address) override;

private:
    std::optional<LocalNames> local_;
};

}  // namespace gyre::detail
