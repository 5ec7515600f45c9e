// UvLoop: the loop over libuv.
#pragma once

#include <gyre/event_loop.hpp>

#include <uv.h>

#include <map>
#include <memory>
#include <string_view>

namespace gyre {

/// libuv waits and tells; timers and order are EventLoop's own. Each libuv handle is an object of
/// its own that frees itself in its close callback, and every callback from C is a noexcept shim
/// that only queues.
class UvLoop final : public EventLoop {
public:
    UvLoop();
    ~UvLoop() override;

    /// Makes libuv's loop. Throws std::system_error.
    void open();

    [[nodiscard]] std::string_view name() const noexcept override { return "uv"; }

protected:
    void poll(Duration timeout) override;
    void wake() noexcept override;
    void watch_fd(int fd, bool writer, detail::HandleState& state) override;
    bool unwatch_fd(int fd, bool writer) noexcept override;
    void watch_signal(int signal) override;
    void unwatch_signal(int signal) noexcept override;
    [[nodiscard]] std::unique_ptr<detail::StreamIo> make_stream_io(
        Socket& descriptor, detail::StreamClient& client) override;
    [[nodiscard]] std::size_t watched_fds() const noexcept override { return watched_; }
    void close_backend() noexcept override;

private:
    friend class UvStream;
    struct FdWatch;
    struct SignalWatch;

    /// Starts watching for what has a callback now; closes the watch where nothing has. Returns a
    /// libuv error.
    int update(FdWatch& watch) noexcept;
    void turn(uv_run_mode mode) noexcept;

    uv_loop_t loop_{};
    uv_async_t wakeup_{};
    uv_timer_t limit_{};  // bounds one poll
    uv_tcp_t first_stream_{};
    std::map<int, FdWatch*> fds_;
    std::size_t watched_ = 0;  // readers and writers; streams that read, and that send
    std::size_t sending_ = 0;  // streams that send
    std::map<int, SignalWatch*> signals_;
    bool opened_ = false;
};

}  // namespace gyre
