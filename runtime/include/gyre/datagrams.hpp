// create_datagram_endpoint: to send and receive datagrams.
#pragma once

#include <gyre/connections.hpp>
#include <gyre/coro.hpp>
#include <gyre/datagram.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/resolver.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace gyre {

/// A host and a port; no host is none.
struct Endpoint {
    Endpoint() = default;
    Endpoint(std::string name, Port number) : host(std::move(name)), port(std::move(number)) {}
    std::string host;
    Port port;
};

struct DatagramOptions {
    int family = 0;  ///< AF_INET or AF_INET6; with neither address: which one to open
    bool reuse_port = false;
    bool allow_broadcast = false;  ///< the remote address is only what sendto() takes by itself
};
static_assert(std::is_trivially_destructible_v<DatagramOptions>);

namespace detail {

GYRE_API Coro<std::shared_ptr<DatagramTransport>> open_datagrams(
    std::function<std::shared_ptr<DatagramProtocol>()> make, Endpoint local, Endpoint remote,
    DatagramOptions options);

template <class F, class P>
Coro<std::pair<std::shared_ptr<DatagramTransport>, std::shared_ptr<P>>> datagram_endpoint(
    F factory, Endpoint local, Endpoint remote, DatagramOptions options) {
    std::shared_ptr<P> protocol;
    const auto make = [&factory, &protocol]() -> std::shared_ptr<DatagramProtocol> {
        protocol = std::shared_ptr<P>(std::invoke(factory));
        return protocol;
    };
    auto opening = open_datagrams(make, std::move(local), std::move(remote), options);
    std::shared_ptr<DatagramTransport> transport = co_await std::move(opening);
    co_return std::pair<std::shared_ptr<DatagramTransport>, std::shared_ptr<P>>(
        std::move(transport), std::move(protocol));
}

}  // namespace detail

/// Opens a socket for datagrams, bound to `local` and connected to `remote` where they are given,
/// and calls factory() for its protocol; gives {transport, protocol} after connection_made().
///
/// ```
/// auto [transport, protocol] = co_await create_datagram_endpoint(
///     [] { return std::make_shared<Printer>(); }, Endpoint("127.0.0.1", 9999));
/// ```
///
/// Cancel safety: no socket stays. Throws ValueError without an address and a family, or for
/// addresses of different families; std::system_error; ResolveError.
/// asyncio: loop.create_datagram_endpoint.
template <class F>
[[nodiscard]] auto create_datagram_endpoint(F&& factory, Endpoint local = {}, Endpoint remote = {},
                                            DatagramOptions options = {}) {
    using P = detail::MadeProtocol<std::decay_t<F>>;
    return detail::datagram_endpoint<std::decay_t<F>, P>(std::forward<F>(factory), std::move(local),
                                                         std::move(remote), options);
}

}  // namespace gyre
