#include "server_state.hpp"

#include <gyre/errors.hpp>
#include <gyre/server.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace gyre {

namespace detail {

namespace {

// Of every address of the hosts, each once.
Coro<std::vector<SocketAddress>> addresses_of(std::vector<std::string> hosts, Port port,
                                              ServerOptions options) {
    AddressOptions wanted;
    wanted.family = options.family;
    wanted.type = SOCK_STREAM;
    wanted.flags = options.flags | AI_PASSIVE;
    std::vector<SocketAddress> addresses;
    for (const std::string& host : hosts) {
        const Host where = host.empty() ? Host() : Host(host);
        std::vector<AddressInfo> found = co_await getaddrinfo(where, port, wanted);
        for (const AddressInfo& each : found) {
            if (std::find(addresses.begin(), addresses.end(), each.address) == addresses.end()) {
                addresses.push_back(each.address);
            }
        }
    }
    co_return addresses;
}

Socket bound_socket(const SocketAddress& address, const ServerOptions& options) {
    Socket socket = Socket::open(address.family());
    if (address.family() != SocketAddress::Family::local) {
        socket.set_reuse_address(options.reuse_address);
    }
    if (options.reuse_port) {
        socket.set_reuse_port(true);
    }
    if (address.family() == SocketAddress::Family::ipv6) {
        socket.set_ipv6_only(true);
    }
    socket.bind(address);
    return socket;
}

// A socket file that nobody listens on any more is in the way.
void remove_stale(const std::string& path) {
    struct stat status {};
    if (!path.empty() && path.front() != '\0' && ::stat(path.c_str(), &status) == 0 &&
        S_ISSOCK(status.st_mode)) {
        ::unlink(path.c_str());
    }
}

Server serve(MakeProtocol make, std::vector<Socket> sockets, const ServerOptions& options) {
    auto state = std::make_shared<ServerState>(get_running_loop(), std::move(make),
                                               std::move(sockets), options);
    if (options.start_serving) {
        try {
            state->start();
        } catch (...) {
            state->close();  // what listens already
            throw;
        }
    }
    return Server(std::move(state));
}

}  // namespace

Coro<Server> listen_on(MakeProtocol make, std::vector<std::string> hosts, Port port,
                       ServerOptions options) {
    const std::vector<SocketAddress> addresses =
        co_await addresses_of(std::move(hosts), std::move(port), options);
    if (addresses.empty()) {
        throw std::system_error(std::make_error_code(std::errc::address_not_available),
                                "there is no address to listen on");
    }
    std::vector<Socket> sockets;
    for (const SocketAddress& address : addresses) {
        try {
            sockets.push_back(bound_socket(address, options));
        } catch (const std::system_error& error) {
            // An address of a family that this machine has not: the others will do.
            const bool missing = error.code() == std::errc::address_not_available ||
                                 error.code() == std::errc::address_family_not_supported;
            if (!missing || (sockets.empty() && &address == &addresses.back())) {
                throw;
            }
        }
    }
    co_return serve(std::move(make), std::move(sockets), options);
}

Coro<Server> listen_on_path(MakeProtocol make, std::string path, ServerOptions options) {
    remove_stale(path);
    std::vector<Socket> sockets;
    sockets.push_back(bound_socket(SocketAddress::unix_path(path), options));
    co_return serve(std::move(make), std::move(sockets), options);
}

Coro<Server> listen_on_socket(MakeProtocol make, Socket socket, ServerOptions options) {
    socket.check_stream();
    std::vector<Socket> sockets;
    sockets.push_back(std::move(socket));
    co_return serve(std::move(make), std::move(sockets), options);
}

}  // namespace detail

std::vector<ServerSocket> Server::sockets() const { return state_->sockets(); }
bool Server::is_serving() const noexcept { return state_->is_serving(); }
void Server::close() const { state_->close(); }
void Server::close_clients() const { state_->close_clients(); }
void Server::abort_clients() const { state_->abort_clients(); }
EventLoop& Server::get_loop() const noexcept { return state_->get_loop(); }

Coro<> Server::start_serving() const { return state_->start_serving(state_); }

Coro<> Server::serve_forever() const { return state_->serve_forever(state_); }
Coro<> Server::wait_closed() const { return state_->wait_closed(state_); }

Coro<> Server::enter() const { co_return; }

Coro<> Server::exit(std::exception_ptr /*error*/) const {
    close();
    return wait_closed();
}

}  // namespace gyre
