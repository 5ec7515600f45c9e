// Transport and Protocol: a connection, and what is called when something happens to it.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/socket_address.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace gyre {

class Transport;

/// What every connection tells whoever uses it. asyncio: BaseProtocol.
///
/// In this order: connection_made once, then what the kind of protocol adds, connection_lost once.
/// They are called from the loop, never from within a call on the transport, but for
/// pause_writing(). What leaves one as an exception goes to the exception handler; from a callback
/// about data it also aborts the connection.
class GYRE_API BaseProtocol {
public:
    BaseProtocol() = default;
    BaseProtocol(const BaseProtocol&) = delete;
    BaseProtocol& operator=(const BaseProtocol&) = delete;
    virtual ~BaseProtocol();

    /// The transport stays usable as long as the pointer is kept, even after its end.
    virtual void connection_made(const std::shared_ptr<Transport>& transport);
    /// `error` is null after close(), abort() and the peer's end of file.
    virtual void connection_lost(std::exception_ptr error);
    /// More than the high-water mark waits to be sent: called by write().
    virtual void pause_writing();
    /// No more than the low-water mark waits.
    virtual void resume_writing();
};

/// A connection's bytes as they come. asyncio: Protocol.
class GYRE_API Protocol : public BaseProtocol {
public:
    /// `data` is there during the call only.
    virtual void data_received(std::string_view data);
    /// The peer sends no more. False: the transport closes itself; true: it can still be written.
    virtual bool eof_received();
};

/// The same, read into a buffer of the protocol's own. asyncio: BufferedProtocol.
class GYRE_API BufferedProtocol : public BaseProtocol {
public:
    /// Where the next bytes go: at least one byte.
    virtual std::span<char> get_buffer() = 0;
    /// So many came.
    virtual void buffer_updated(std::size_t count) = 0;
    virtual bool eof_received();
};

/// Marks of the bytes that wait to be sent. Unset: 64 KiB, and a quarter of the other.
struct WriteLimits {
    std::optional<std::size_t> high = {};
    std::optional<std::size_t> low = {};
};

/// One end of a connection: a stream of bytes in both directions.
///
/// Thread rule: the loop's thread. The loop keeps it until connection_lost(); letting go of the
/// pointer closes nothing. asyncio: Transport.
class GYRE_API Transport : public std::enable_shared_from_this<Transport> {
public:
    Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    virtual ~Transport();

    /// Sends at once what the system takes and keeps a copy of the rest. Never waits: see
    /// pause_writing(). Ignored once the transport closes. Throws RuntimeError after write_eof().
    virtual void write(std::string_view data) = 0;
    /// The same for one after the other.
    virtual void writelines(std::span<const std::string_view> parts) = 0;
    void writelines(std::initializer_list<std::string_view> parts) {
        writelines(std::span(parts.begin(), parts.size()));
    }
    /// No more will be written: the peer sees the end of file behind what was.
    virtual void write_eof() = 0;
    [[nodiscard]] virtual bool can_write_eof() const noexcept = 0;

    /// Reads no more, sends what waits, then connection_lost(null).
    virtual void close() = 0;
    /// connection_lost(null) in the next iteration; what waits to be sent is dropped.
    virtual void abort() = 0;
    [[nodiscard]] virtual bool is_closing() const noexcept = 0;

    /// No data_received() until resume_reading(); the peer is held up in time.
    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;
    [[nodiscard]] virtual bool is_reading() const noexcept = 0;

    /// Throws ValueError where the low mark is above the high one.
    virtual void set_write_buffer_limits(WriteLimits limits = {}) = 0;
    [[nodiscard]] virtual std::size_t get_write_buffer_size() const noexcept = 0;
    struct Limits {
        std::size_t low;
        std::size_t high;
    };
    [[nodiscard]] virtual Limits get_write_buffer_limits() const noexcept = 0;

    /// From the next read on.
    virtual void set_protocol(std::shared_ptr<BaseProtocol> protocol) = 0;
    [[nodiscard]] virtual const std::shared_ptr<BaseProtocol>& get_protocol() const noexcept = 0;

    /// Known after the end, too.
    [[nodiscard]] virtual const SocketAddress& sockname() const noexcept = 0;
    [[nodiscard]] virtual const SocketAddress& peername() const noexcept = 0;
    /// "sockname" or "peername"; none for anything else.
    [[nodiscard]] SocketAddress get_extra_info(std::string_view name) const;
    /// −1 after the end.
    [[nodiscard]] virtual int fileno() const noexcept = 0;
};

/// Who else is told about a transport: called after connection_made() and connection_lost().
struct TransportHooks {
    std::function<void()> made;
    std::function<void()> lost;
};

}  // namespace gyre
