#include "address_order.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace gyre::detail {

namespace {

using Bytes = std::array<std::uint8_t, 16>;

constexpr AddressPolicy kRfc6724[] = {
    {"::1", 128, 50, 0},   {"::ffff:0:0", 96, 35, 4}, {"::", 96, 1, 3},
    {"2001::", 32, 5, 5},  {"2002::", 16, 30, 2},     {"3ffe::", 16, 1, 12},
    {"fec0::", 10, 1, 11}, {"fc00::", 7, 3, 13},      {"::", 0, 40, 1},
};
#ifdef __GLIBC__
constexpr AddressPolicy kGlibc[] = {
    {"::1", 128, 50, 0},   {"::ffff:0:0", 96, 10, 4}, {"::", 96, 20, 3},    {"2001::", 32, 40, 7},
    {"2002::", 16, 30, 2}, {"fec0::", 10, 40, 5},     {"fc00::", 7, 40, 6}, {"::", 0, 40, 1},
};
#endif

// An IPv4 address stands for its mapped one.
Bytes bytes_of(const SocketAddress& address) {
    Bytes bytes{};
    if (address.family() == SocketAddress::Family::ipv4) {
        ::sockaddr_in native{};
        std::memcpy(&native, address.native(), sizeof native);
        bytes[10] = bytes[11] = 0xff;
        std::memcpy(&bytes[12], &native.sin_addr, 4);
    } else if (address) {
        ::sockaddr_in6 native{};
        std::memcpy(&native, address.native(), sizeof native);
        std::memcpy(bytes.data(), &native.sin6_addr, 16);
    }
    return bytes;
}

int common_bits(const Bytes& a, const Bytes& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] != b[i]) {
            const auto differing = static_cast<std::uint8_t>(a[i] ^ b[i]);
            return static_cast<int>(i) * 8 + std::countl_zero(differing);
        }
    }
    return 128;
}

int scope_of(const Bytes& bytes, bool ipv4) {
    constexpr int link = 2;
    constexpr int site = 5;
    constexpr int global = 14;
    if (ipv4) {
        return bytes[12] == 127 || (bytes[12] == 169 && bytes[13] == 254) ? link : global;
    }
    if (bytes[0] == 0xff) {
        return bytes[1] & 0xf;
    }
    const bool loopback = bytes == bytes_of(SocketAddress::ip("::1", 0));
    if (loopback || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)) {
        return link;
    }
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0 ? site : global;
}

// One destination, with all that the rules compare.
class Candidate {
public:
    Candidate(const SocketAddress& address, const AddressSource& source,
              std::span<const AddressPolicy> policies, std::size_t place)
        : address_(address), place_(place), reachable_(static_cast<bool>(source.address)) {
        const bool ipv4 = address.family() == SocketAddress::Family::ipv4;
        const Bytes to = bytes_of(address);
        const AddressPolicy& policy = policy_of(to, policies);
        scope_ = scope_of(to, ipv4);
        precedence_ = policy.precedence;
        if (!reachable_) {
            return;
        }
        const Bytes from = bytes_of(source.address);
        same_scope_ = scope_ == scope_of(from, ipv4);
        same_label_ = policy.label == policy_of(from, policies).label;
        const int common = common_bits(to, from);
        // An IPv4 prefix means something within its network alone.
        const bool foreign = ipv4 && (source.prefix == 0 || common < 96 + source.prefix);
        distance_ = foreign ? 0 : 128 - common;
    }

    [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }
    [[nodiscard]] std::size_t place() const noexcept { return place_; }

    [[nodiscard]] bool comes_before(const Candidate& other) const noexcept {
        if (reachable_ != other.reachable_) {
            return reachable_;
        }
        if (same_scope_ != other.same_scope_) {
            return same_scope_;
        }
        if (same_label_ != other.same_label_) {
            return same_label_;
        }
        if (precedence_ != other.precedence_) {
            return precedence_ > other.precedence_;
        }
        if (scope_ != other.scope_) {
            return scope_ < other.scope_;
        }
        return address_.family() == other.address_.family() && distance_ < other.distance_;
    }

private:
    static const AddressPolicy& policy_of(const Bytes& bytes,
                                          std::span<const AddressPolicy> policies) {
        for (const AddressPolicy& each : policies) {
            if (common_bits(bytes, bytes_of(SocketAddress::ip(each.prefix, 0))) >= each.bits) {
                return each;
            }
        }
        return policies.back();
    }

    SocketAddress address_;
    std::size_t place_;
    bool reachable_;
    bool same_scope_ = false;
    bool same_label_ = false;
    int precedence_ = 0;
    int scope_ = 0;
    int distance_ = 0;
};

}  // namespace

std::span<const AddressPolicy> rfc_6724_policy() noexcept { return kRfc6724; }

std::span<const AddressPolicy> system_policy() noexcept {
#ifdef __GLIBC__
    return kGlibc;
#else
    return kRfc6724;
#endif
}

void sort_addresses(std::vector<SocketAddress>& addresses, std::span<const AddressPolicy> policy,
                    const std::function<AddressSource(const SocketAddress&)>& source_of) {
    std::vector<Candidate> candidates;
    candidates.reserve(addresses.size());
    for (const SocketAddress& each : addresses) {
        candidates.emplace_back(each, source_of(each), policy, candidates.size());
    }
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        const bool before = a.comes_before(b);
        return before == b.comes_before(a) ? a.place() < b.place() : before;
    });
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        addresses[i] = candidates[i].address();
    }
}

}  // namespace gyre::detail
