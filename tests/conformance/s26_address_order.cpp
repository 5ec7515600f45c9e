// Section 26: the order of addresses, by the examples of RFC 6724.
#include "../../runtime/address_order.hpp"
#include "support.hpp"

#include <map>

namespace {

// "DESTINATION<SOURCE[/BITS] …" in a server's order; gives the destinations as sorted.
std::string sorted(const std::vector<std::pair<std::string, std::string>>& pairs,
                   std::span<const detail::AddressPolicy> policy) {
    std::vector<SocketAddress> addresses;
    std::map<std::string, detail::AddressSource> sources;
    for (const auto& [to, from] : pairs) {
        addresses.push_back(SocketAddress::ip(to, 0));
        if (!from.empty()) {
            const std::size_t slash = from.find('/');
            sources[addresses.back().host()] = detail::AddressSource(
                SocketAddress::ip(from.substr(0, slash), 0),
                slash == std::string::npos ? 0 : std::stoi(from.substr(slash + 1)));
        }
    }
    detail::sort_addresses(addresses, policy, [&sources](const SocketAddress& address) {
        return sources[address.host()];
    });
    std::string text;
    for (const SocketAddress& each : addresses) {
        text += (text.empty() ? "" : " ") + each.host();
    }
    return text;
}

}  // namespace

TEST_CASE("getaddrinfo: the order of RFC 6724, section 10.2 (S320)") {
    const auto rfc = detail::rfc_6724_policy();
    struct Case {
        std::vector<std::pair<std::string, std::string>> pairs;
        const char* order;
    };
    const std::vector<Case> cases = {
        // Prefer matching scope.
        {{{"198.51.100.121", "169.254.13.78"}, {"2001:db8:1::1", "2001:db8:1::2"}},
         "2001:db8:1::1 198.51.100.121"},
        {{{"2001:db8:1::1", "fe80::1"}, {"198.51.100.121", "198.51.100.117"}},
         "198.51.100.121 2001:db8:1::1"},
        // Prefer higher precedence.
        {{{"10.1.2.3", "10.1.2.4"}, {"2001:db8:1::1", "2001:db8:1::2"}}, "2001:db8:1::1 10.1.2.3"},
        // Prefer smaller scope.
        {{{"2001:db8:1::1", "2001:db8:1::2"}, {"fe80::1", "fe80::2"}}, "fe80::1 2001:db8:1::1"},
        // Longest matching prefix.
        {{{"2001:db8:1::1", "2001:db8:1::2"}, {"2001:db8:3ffe::1", "2001:db8:3f44::2"}},
         "2001:db8:1::1 2001:db8:3ffe::1"},
        {{{"2001:db8:3ffe::1", "2001:db8:3f44::2"}, {"2001:db8:1::1", "2001:db8:1::2"}},
         "2001:db8:1::1 2001:db8:3ffe::1"},
        // Prefer matching label.
        {{{"2002:c633:6401::1", "2002:c633:6401::2"}, {"2001:db8:1::1", "2002:c633:6401::2"}},
         "2002:c633:6401::1 2001:db8:1::1"},
        {{{"2002:c633:6401::1", "2002:c633:6401::2"}, {"2001:db8:1::1", "2001:db8:1::2"}},
         "2001:db8:1::1 2002:c633:6401::1"},
        // Avoid what cannot be reached.
        {{{"2001:db8:1::1", ""}, {"192.0.2.1", "192.0.2.2"}}, "192.0.2.1 2001:db8:1::1"},
        // Unique local addresses come behind IPv4 …
        {{{"fd00::1", "fd00::2"}, {"192.0.2.1", "192.0.2.2"}}, "192.0.2.1 fd00::1"},
        // … and equals keep their order.
        {{{"192.0.2.9", "10.0.0.1/8"}, {"192.0.2.1", "10.0.0.1/8"}, {"192.0.2.5", "10.0.0.1/8"}},
         "192.0.2.9 192.0.2.1 192.0.2.5"},
    };
    for (const Case& each : cases) {
        CHECK(sorted(each.pairs, rfc) == each.order);
    }
}

TEST_CASE("getaddrinfo: within an IPv4 network the nearer address comes first (S320)") {
    const std::vector<std::pair<std::string, std::string>> pairs = {{"10.0.0.200", "10.0.0.1/24"},
                                                                    {"10.0.0.3", "10.0.0.1/24"}};
    CHECK(sorted(pairs, detail::rfc_6724_policy()) == "10.0.0.3 10.0.0.200");
    CHECK(sorted(pairs, detail::system_policy()) == "10.0.0.3 10.0.0.200");
}
