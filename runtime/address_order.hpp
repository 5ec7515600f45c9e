// The order in which addresses are tried: RFC 6724, section 6.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/socket_address.hpp>

#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace gyre::detail {

/// Where this machine would send from, to reach an address; no address: it cannot be reached.
struct AddressSource {
    AddressSource() = default;
    AddressSource(const SocketAddress& from, int bits) : address(from), prefix(bits) {}
    SocketAddress address;
    int prefix = 0;  ///< bits of an IPv4 source's network
};

/// A row of the policy table.
struct AddressPolicy {
    std::string_view prefix;
    int bits;
    int precedence;
    int label;
};
[[nodiscard]] GYRE_API std::span<const AddressPolicy> rfc_6724_policy() noexcept;
/// What the system's own getaddrinfo goes by: glibc has the older table of RFC 3484, which prefers
/// fc00::/7 to IPv4.
[[nodiscard]] GYRE_API std::span<const AddressPolicy> system_policy() noexcept;

/// Sorts by the rules 1, 2, 5, 6, 8 and 9; equals keep their order. The others need to know of
/// deprecated addresses, home addresses and tunnels.
GYRE_API void sort_addresses(std::vector<SocketAddress>& addresses,
                             std::span<const AddressPolicy> policy,
                             const std::function<AddressSource(const SocketAddress&)>& source_of);
/// By the system's policy and this machine's sources.
void sort_addresses(std::vector<SocketAddress>& addresses);

}  // namespace gyre::detail
