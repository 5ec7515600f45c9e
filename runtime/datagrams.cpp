#include <gyre/datagrams.hpp>
#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/future.hpp>
#include <gyre/sockets.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <exception>
#include <optional>
#include <vector>

namespace gyre {

namespace {

Coro<std::vector<SocketAddress>> resolve(Endpoint endpoint, int family) {
    std::vector<SocketAddress> addresses;
    if (!endpoint.host.empty() || !endpoint.port.text().empty()) {
        AddressOptions wanted;
        wanted.family = family;
        wanted.type = SOCK_DGRAM;
        const Host host = endpoint.host.empty() ? Host() : Host(endpoint.host);
        std::vector<AddressInfo> found = co_await getaddrinfo(host, endpoint.port, wanted);
        for (const AddressInfo& each : found) {
            addresses.push_back(each.address);
        }
    }
    co_return addresses;
}

// A local and a remote address of one family, the first that there is.
std::pair<SocketAddress, SocketAddress> matching(const std::vector<SocketAddress>& locals,
                                                 const std::vector<SocketAddress>& remotes) {
    if (locals.empty() || remotes.empty()) {
        return {locals.empty() ? SocketAddress() : locals.front(),
                remotes.empty() ? SocketAddress() : remotes.front()};
    }
    for (const SocketAddress& local : locals) {
        for (const SocketAddress& remote : remotes) {
            if (local.family() == remote.family()) {
                return {local, remote};
            }
        }
    }
    throw ValueError("can not get address information: the two are of different families");
}

SocketAddress::Family family_of(const SocketAddress& local, const SocketAddress& remote,
                                int family) {
    if (local || remote) {
        return local ? local.family() : remote.family();
    }
    if (family == AF_INET || family == AF_INET6) {
        return family == AF_INET ? SocketAddress::Family::ipv4 : SocketAddress::Family::ipv6;
    }
    throw ValueError("unexpected address family: an address, AF_INET or AF_INET6 is expected");
}

}  // namespace

Coro<std::shared_ptr<DatagramTransport>> detail::open_datagrams(
    std::function<std::shared_ptr<DatagramProtocol>()> make, Endpoint local, Endpoint remote,
    DatagramOptions options) {
    const std::vector<SocketAddress> locals = co_await resolve(std::move(local), options.family);
    const std::vector<SocketAddress> remotes = co_await resolve(std::move(remote), options.family);
    const auto [from, to] = matching(locals, remotes);
    Socket socket = Socket::open(family_of(from, to, options.family), Socket::Kind::datagram);
    if (options.reuse_port) {
        socket.set_reuse_port(true);
    }
    if (options.allow_broadcast) {
        socket.set_broadcast(true);
    }
    if (from) {
        socket.bind(from);
    }
    const SocketAddress peer = to;
    if (peer && !options.allow_broadcast) {
        co_await sock_connect(socket, peer);
    }
    const Future<> made = create_future<>();
    std::shared_ptr<DatagramTransport> transport = get_running_loop().make_datagram_transport(
        std::move(socket), make(), peer, tell(made).made);
    auto waiting = when_made(std::move(transport), made);
    co_return co_await std::move(waiting);
}

}  // namespace gyre
