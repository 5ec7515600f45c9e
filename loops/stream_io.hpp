// StreamIo: who tells a stream that bytes have come, and sends what waits.
#pragma once

#include "write_queue.hpp"

#include <gyre/socket.hpp>

#include <cstddef>
#include <system_error>

namespace gyre::detail {

/// Whose stream it is. Called in turn, behind what the loop had queued: never from within a call.
class StreamClient {
public:
    StreamClient() = default;
    StreamClient(const StreamClient&) = delete;
    StreamClient& operator=(const StreamClient&) = delete;

    /// There is something to read: once for each poll that finds it.
    virtual void on_readable() = 0;
    /// The system has room: for a StreamIo that leaves the sending to its client.
    virtual void on_writable() = 0;
    /// What start_sending() took has been sent, or failed.
    virtual void on_sent(const std::error_code& error) = 0;

protected:
    ~StreamClient() = default;
};

/// A stream's place in the loop. Every loop has one over watch_fd(), which leaves reading and
/// sending to its client; a backend with something of its own makes that by make_stream_io().
class StreamIo {
public:
    StreamIo() = default;
    StreamIo(const StreamIo&) = delete;
    StreamIo& operator=(const StreamIo&) = delete;
    virtual ~StreamIo() = default;

    virtual void start_reading() = 0;
    virtual void stop_reading() noexcept = 0;

    /// Something waits in the queue: takes it, or calls on_writable() until stop_sending().
    /// Does nothing where it is at it already.
    virtual void start_sending(WriteQueue& unsent) = 0;
    /// Calls the client no more about sending; what was taken is as good as dropped.
    virtual void stop_sending() noexcept = 0;
    /// Bytes that were taken and not sent.
    [[nodiscard]] virtual std::size_t in_flight() const noexcept { return 0; }
    /// Why it could send no more, where the client is yet to be told.
    [[nodiscard]] virtual std::error_code error() const noexcept { return {}; }

    /// The end of it, and of the descriptor: the last call.
    virtual void close(Socket& descriptor) noexcept = 0;
};

}  // namespace gyre::detail
