// SocketTransport: a connection over a socket.
#pragma once

#include "descriptor_transport.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace gyre::detail {

/// Both directions; semantics are asyncio's _SelectorSocketTransport.
class SocketTransport final : public DescriptorTransport {
public:
    SocketTransport(EventLoop& loop, Socket socket, std::shared_ptr<BaseProtocol> protocol,
                    TransportHooks hooks);
    ~SocketTransport() override;

private:
    std::optional<std::size_t> receive(std::span<char> buffer, std::error_code& error) override;
    std::optional<std::size_t> transmit(std::span<const std::string_view> parts,
                                        std::error_code& error) override;
    void shut_down_writing() override;
    [[nodiscard]] std::string far_end() const override;
    [[nodiscard]] std::string name() const override;
};

}  // namespace gyre::detail
