// DatagramTransport and DatagramProtocol: messages, each on its own.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/socket_address.hpp>
#include <gyre/transport.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <string_view>

namespace gyre {

class DatagramTransport;

/// What a datagram endpoint tells whoever uses it. Called as a BaseProtocol is; pause_writing() and
/// resume_writing() too. asyncio: DatagramProtocol.
class GYRE_API DatagramProtocol {
public:
    DatagramProtocol() = default;
    DatagramProtocol(const DatagramProtocol&) = delete;
    DatagramProtocol& operator=(const DatagramProtocol&) = delete;
    virtual ~DatagramProtocol();

    virtual void connection_made(const std::shared_ptr<DatagramTransport>& transport);
    /// `data` is there during the call only.
    virtual void datagram_received(std::string_view data, const SocketAddress& sender);
    /// A datagram could not be sent, or the system says that an earlier one did not arrive.
    virtual void error_received(std::exception_ptr error);
    virtual void connection_lost(std::exception_ptr error);
    virtual void pause_writing();
    virtual void resume_writing();
};

/// A socket for datagrams.
///
/// Thread rule: the loop's thread. The loop keeps it until connection_lost().
/// asyncio: DatagramTransport.
class GYRE_API DatagramTransport : public std::enable_shared_from_this<DatagramTransport> {
public:
    DatagramTransport() = default;
    DatagramTransport(const DatagramTransport&) = delete;
    DatagramTransport& operator=(const DatagramTransport&) = delete;
    virtual ~DatagramTransport();

    /// Sends one datagram, an empty one too, or queues it while the system has no room. Without an
    /// address, and never with another one, where the endpoint has a remote address: ValueError
    /// then. Errors go to error_received().
    virtual void sendto(std::string_view data, const SocketAddress& peer = {}) = 0;

    /// Sends what is queued, then connection_lost(null).
    virtual void close() = 0;
    virtual void abort() = 0;
    [[nodiscard]] virtual bool is_closing() const noexcept = 0;

    /// Each queued datagram counts for 8 bytes more than it has.
    virtual void set_write_buffer_limits(WriteLimits limits = {}) = 0;
    [[nodiscard]] virtual std::size_t get_write_buffer_size() const noexcept = 0;

    [[nodiscard]] virtual const SocketAddress& sockname() const noexcept = 0;
    [[nodiscard]] virtual const SocketAddress& peername() const noexcept = 0;
    [[nodiscard]] virtual int fileno() const noexcept = 0;
};

}  // namespace gyre
