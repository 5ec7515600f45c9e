#include "address_order.hpp"

#include <gyre/socket.hpp>

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <memory>

namespace gyre::detail {

namespace {

// A datagram socket that is connected sends nothing, but has chosen its own address.
SocketAddress source_of(const SocketAddress& address) {
    const bool ipv4 = address.family() == SocketAddress::Family::ipv4;
    const int fd =
        ::socket(ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return {};
    }
    SocketAddress source;
    // To port 0 some systems refuse to go.
    const SocketAddress target = address.with_port(53);
    if (::connect(fd, static_cast<const ::sockaddr*>(target.native()),
                  static_cast<::socklen_t>(target.native_size())) == 0) {
        ::sockaddr_storage native{};
        ::socklen_t size = sizeof native;
        if (::getsockname(fd, reinterpret_cast<::sockaddr*>(&native), &size) == 0) {
            source = SocketAddress::from_native(&native, size).with_port(0);
        }
    }
    ::close(fd);
    return source;
}

// The IPv4 addresses of this machine, each with how many bits its network has.
std::vector<AddressSource> own_networks() {
    std::vector<AddressSource> networks;
    ::ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) {
        return networks;
    }
    const std::unique_ptr<::ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
    for (const ::ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr != nullptr && each->ifa_netmask != nullptr &&
            each->ifa_addr->sa_family == AF_INET) {
            const auto* mask = reinterpret_cast<const ::sockaddr_in*>(each->ifa_netmask);
            const std::uint32_t bits = mask->sin_addr.s_addr;
            networks.emplace_back(SocketAddress::from_native(each->ifa_addr, sizeof(::sockaddr_in)),
                                  std::popcount(bits));
        }
    }
    return networks;
}

}  // namespace

void sort_addresses(std::vector<SocketAddress>& addresses) {
    if (addresses.size() < 2) {
        return;
    }
    int ipv4 = 0;
    for (const SocketAddress& each : addresses) {
        ipv4 += each.family() == SocketAddress::Family::ipv4 ? 1 : 0;
    }
    // Asking for the networks is dear, and they decide between two of IPv4 alone.
    const std::vector<AddressSource> networks =
        ipv4 < 2 ? std::vector<AddressSource>() : own_networks();
    sort_addresses(addresses, system_policy(), [&networks](const SocketAddress& address) {
        AddressSource source(source_of(address), 0);
        for (const AddressSource& each : networks) {
            if (each.address == source.address) {
                source.prefix = each.prefix;
            }
        }
        return source;
    });
}

}  // namespace gyre::detail
