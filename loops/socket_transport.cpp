#include "socket_transport.hpp"

#include <utility>

namespace gyre::detail {

SocketTransport::SocketTransport(EventLoop& loop, Socket socket,
                                 std::shared_ptr<BaseProtocol> protocol, TransportHooks hooks)
    : DescriptorTransport(loop, std::move(socket), std::move(protocol), std::move(hooks)) {
    descriptor().set_nodelay();
    set_names(descriptor().local_address(), descriptor().peer_address());
}

SocketTransport::~SocketTransport() = default;

std::optional<std::size_t> SocketTransport::receive(std::span<char> buffer,
                                                    std::error_code& error) {
    return descriptor().recv(buffer, error);
}

std::optional<std::size_t> SocketTransport::transmit(std::span<const std::string_view> parts,
                                                     std::error_code& error) {
    return descriptor().send(parts, error);
}

void SocketTransport::shut_down_writing() { descriptor().shutdown_write(); }

std::string SocketTransport::far_end() const { return peername().to_string(); }

std::string SocketTransport::name() const {
    return sockname().to_string() + " -> " + peername().to_string();
}

}  // namespace gyre::detail
