// StreamReader, StreamWriter: a connection to read from and write to.
#pragma once

#include <gyre/async_generator.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/stream_drain.hpp>
#include <gyre/detail/stream_read.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/errors.hpp>
#include <gyre/transport.hpp>

#include <cstddef>
#include <exception>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyre {

/// A line's length, and half of what is read ahead, unless said otherwise.
inline constexpr std::size_t kDefaultStreamLimit = std::size_t{64} << 10;

/// Bytes that come, read by the line, by the count or as they are.
///
/// ```
/// while (true) {
///     std::string line = co_await reader.readline();
///     if (line.empty()) break;               // end of file
///     …
/// }
/// ```
///
/// A handle: copies read the same stream. A read begins when it is awaited, which happens once, and
/// stands wherever a Coro<std::string> does: in create_task(), in wait_for(). It completes at once
/// where what it asks for is there, else one iteration after that came. One task at a time may wait
/// in it, another one's attempt is a RuntimeError. Cancel safety: a cancelled read takes no byte.
/// Every read throws the connection's error (std::system_error) once there is one. Thread rule: the
/// loop's thread. asyncio: StreamReader.
class GYRE_API StreamReader {
public:
    /// One that is fed by hand. `limit` bounds a line's length. Throws ValueError for 0.
    explicit StreamReader(std::size_t limit = kDefaultStreamLimit)
        : state_(std::make_shared<detail::StreamState>(limit)) {}
    explicit StreamReader(std::shared_ptr<detail::StreamState> state) noexcept
        : state_(std::move(state)) {}

    /// At most n bytes, at least one; none at the end of file. Without n: everything until then.
    [[nodiscard]] detail::StreamRead read(std::ptrdiff_t n = -1) const {
        return {state_, n < 0 ? Kind::all : Kind::some, n};
    }
    /// Exactly n bytes. Throws IncompleteReadError with those that came, at the end of file.
    [[nodiscard]] detail::StreamRead readexactly(std::ptrdiff_t n) const {
        return {state_, Kind::exactly, n};
    }
    /// A line with its "\n"; at the end of file what is left, or nothing. Throws ValueError for a
    /// line longer than the limit, which is dropped.
    [[nodiscard]] detail::StreamRead readline() const { return {state_, Kind::line}; }
    /// Up to the separator, included; of several, the one that ends first. Throws
    /// IncompleteReadError at the end of file, LimitOverrunError where more than the limit comes
    /// before it: the bytes stay then. ValueError for an empty separator.
    [[nodiscard]] detail::StreamRead readuntil(std::string separator = "\n") const {
        std::vector<std::string> separators;
        separators.push_back(std::move(separator));
        return {state_, std::move(separators)};
    }
    [[nodiscard]] detail::StreamRead readuntil(std::vector<std::string> separators) const {
        return {state_, std::move(separators)};
    }
    /// The lines until the end of file. asyncio: `async for line in reader`.
    [[nodiscard]] AsyncGenerator<std::string> lines() const;

    /// The end of file has come and everything before it was read.
    [[nodiscard]] bool at_eof() const noexcept { return state_->at_eof(); }
    [[nodiscard]] std::exception_ptr exception() const noexcept { return state_->error(); }

    /// For who reads from something else: what came, that no more comes, that it failed.
    void feed_data(std::string_view data) const { state_->feed(data); }
    void feed_eof() const { state_->feed_eof(); }
    void set_exception(std::exception_ptr error) const { state_->fail(std::move(error)); }

private:
    using Kind = detail::StreamRead::Kind;

    std::shared_ptr<detail::StreamState> state_;
};

/// Bytes that go. write() never waits; drain() does while too much waits to be sent.
///
/// ```
/// writer.write("hello\n");
/// co_await writer.drain();
/// writer.close();
/// co_await writer.wait_closed();
/// ```
///
/// A handle: copies write the same stream; when the last is gone, the connection is closed behind
/// what was written, and debug mode reports "unclosed StreamWriter …". Thread rule: the loop's
/// thread. asyncio: StreamWriter.
class GYRE_API StreamWriter {
public:
    explicit StreamWriter(std::shared_ptr<detail::StreamState> state);

    /// As Transport::write().
    void write(std::string_view data) const { transport().write(data); }
    void writelines(std::span<const std::string_view> parts) const {
        transport().writelines(parts);
    }
    void writelines(std::initializer_list<std::string_view> parts) const {
        transport().writelines(parts);
    }
    void writelines(const std::vector<std::string>& parts) const {
        const std::vector<std::string_view> views(parts.begin(), parts.end());
        transport().writelines(views);
    }

    /// Completes at once unless more than the high-water mark waits to be sent, else when no more
    /// than the low one does; after one iteration if the connection is being closed. Throws the
    /// connection's error. Cancel safety: cancels the wait alone.
    [[nodiscard]] detail::StreamDrain drain() const { return detail::StreamDrain(state_); }

    void write_eof() const { transport().write_eof(); }
    [[nodiscard]] bool can_write_eof() const { return transport().can_write_eof(); }
    /// Sends what waits, then closes. Reading is over at once.
    void close() const { transport().close(); }
    [[nodiscard]] bool is_closing() const { return transport().is_closing(); }
    /// Completes when the connection is closed; throws the error that closed it, if one did.
    [[nodiscard]] Coro<> wait_closed() const { return detail::StreamState::wait_closed(state_); }

    /// "peername" or "sockname".
    [[nodiscard]] SocketAddress get_extra_info(std::string_view name) const {
        return transport().get_extra_info(name);
    }
    [[nodiscard]] Transport& transport() const noexcept { return *state_->transport(); }

private:
    class Closer;
    std::shared_ptr<detail::StreamState> state_;
    std::shared_ptr<Closer> closer_;
};

/// Both ends of a connection.
struct StreamPair {
    StreamPair(StreamReader r, StreamWriter w) : reader(std::move(r)), writer(std::move(w)) {}
    StreamReader reader;
    StreamWriter writer;
};

}  // namespace gyre
