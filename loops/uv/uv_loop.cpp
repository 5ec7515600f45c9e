#include "uv_loop.hpp"

#include "../no_pipe_signal.hpp"
#include "uv_stream.hpp"

#include <gyre/errors.hpp>

#include <fcntl.h>

#include <cassert>
#include <string>
#include <system_error>

namespace gyre {

namespace {

[[noreturn]] void throw_uv(int error, const std::string& what) {
    if (error == UV_EBADF) {
        throw ValueError(what + ": an open descriptor is expected");
    }
    throw std::system_error(-error, std::generic_category(), what);
}

void check(int error, const char* what) {
    if (error != 0) {
        throw_uv(error, what);
    }
}

uv_handle_t* as_handle(void* handle) noexcept { return static_cast<uv_handle_t*>(handle); }

// libuv never closes a descriptor of a standard stream, whatever it made it for. Where a program
// was started without them, /dev/null takes their places for good.
void occupy_standard_descriptors() noexcept {
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR);  // a standard stream is inherited
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        ::close(fd);
    }
}

}  // namespace

struct UvLoop::FdWatch {
    uv_poll_t handle{};
    UvLoop* loop = nullptr;
    detail::HandleState* reader = nullptr;
    detail::HandleState* writer = nullptr;

    static void on_ready(uv_poll_t* handle, int status, int events) noexcept {
        auto& watch = *static_cast<FdWatch*>(handle->data);
        // An error wakes both: the next call on the descriptor says what it is.
        const bool broken = status < 0;
        if (watch.reader != nullptr && (broken || (events & (UV_READABLE | UV_DISCONNECT)) != 0)) {
            watch.loop->fd_ready(*watch.reader);
        }
        if (watch.writer != nullptr && (broken || (events & UV_WRITABLE) != 0)) {
            watch.loop->fd_ready(*watch.writer);
        }
        if (status < 0) {
            watch.loop->update(watch);  // libuv stopped watching; readiness is level-triggered here
        }
    }
    static void on_closed(uv_handle_t* handle) noexcept {
        delete static_cast<FdWatch*>(handle->data);
    }
};

struct UvLoop::SignalWatch {
    uv_signal_t handle{};
    UvLoop* loop = nullptr;

    static void on_signal(uv_signal_t* handle, int signal) noexcept {
        static_cast<SignalWatch*>(handle->data)->loop->signal_arrived(signal);
    }
    static void on_closed(uv_handle_t* handle) noexcept {
        delete static_cast<SignalWatch*>(handle->data);
    }
};

UvLoop::UvLoop() = default;

UvLoop::~UvLoop() = default;

void UvLoop::open() {
    occupy_standard_descriptors();
    check(uv_loop_init(&loop_), "uv_loop_init");
    opened_ = true;
    loop_.data = this;
    check(uv_async_init(&loop_, &wakeup_, [](uv_async_t*) noexcept {}), "uv_async_init");
    check(uv_timer_init(&loop_, &limit_), "uv_timer_init");
    // With its first stream libuv opens a descriptor that it keeps in reserve: better here than
    // when a program counts its own.
    check(uv_tcp_init(&loop_, &first_stream_), "uv_tcp_init");
    uv_unref(as_handle(&limit_));
}

void UvLoop::close_backend() noexcept {
    if (!opened_) {
        return;
    }
    while (!fds_.empty()) {
        const int fd = fds_.begin()->first;
        if (!unwatch_fd(fd, false)) {
            unwatch_fd(fd, true);
        }
    }
    uv_walk(
        &loop_,
        [](uv_handle_t* handle, void*) noexcept {
            if (uv_is_closing(handle) == 0) {
                uv_close(handle, nullptr);
            }
        },
        nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    [[maybe_unused]] const int busy = uv_loop_close(&loop_);
    assert(busy == 0);
}

void UvLoop::poll(Duration timeout) {
    if (timeout == Duration::zero()) {
        // Else a wake-up alone can be there, and whoever made it left its reason in the loop.
        if (watched_fds() != 0 || !signals_.empty()) {
            turn(UV_RUN_NOWAIT);
        }
        return;
    }
    if (timeout == kForever) {
        turn(UV_RUN_ONCE);
        return;
    }
    // libuv counts milliseconds from a reading that it truncates: refreshed first and rounded up,
    // it wakes at most a millisecond late; where it is early EventLoop polls again.
    uv_update_time(&loop_);
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    // libuv before 1.45 runs its timers ahead of the poll: where that much time has passed by then
    // the limit is gone, and only the stop keeps the poll from waiting without one.
    uv_timer_start(
        &limit_, [](uv_timer_t* timer) noexcept { uv_stop(timer->loop); },
        static_cast<std::uint64_t>(milliseconds), 0);
    turn(UV_RUN_ONCE);
    uv_timer_stop(&limit_);
}

void UvLoop::turn(uv_run_mode mode) noexcept {
    if (sending_ == 0) [[likely]] {
        uv_run(&loop_, mode);
        return;
    }
    const detail::NoPipeSignal no_signal;  // libuv sends what waits by write()
    uv_run(&loop_, mode);
    no_signal.take();
}

void UvLoop::wake() noexcept { uv_async_send(&wakeup_); }

void UvLoop::watch_fd(int fd, bool writer, detail::HandleState& state) {
    const std::string what = "watch file descriptor " + std::to_string(fd);
    auto found = fds_.find(fd);
    if (found == fds_.end()) {
        auto watch = std::make_unique<FdWatch>();
        watch->loop = this;
        found = fds_.emplace(fd, nullptr).first;
        const int flags = ::fcntl(fd, F_GETFL);
        if (const int error = uv_poll_init(&loop_, &watch->handle, fd); error != 0) {
            fds_.erase(found);
            throw_uv(error, what);
        }
        // libuv made it non-blocking; that is for its owner to choose.
        if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
            ::fcntl(fd, F_SETFL, flags);
        }
        watch->handle.data = watch.get();
        found->second = watch.release();
    }
    FdWatch& watch = *found->second;
    (writer ? watch.writer : watch.reader) = &state;
    if (const int error = update(watch); error != 0) {
        (writer ? watch.writer : watch.reader) = nullptr;
        update(watch);
        throw_uv(error, what);
    }
    ++watched_;
}

bool UvLoop::unwatch_fd(int fd, bool writer) noexcept {
    const auto found = fds_.find(fd);
    if (found == fds_.end()) {
        return false;
    }
    FdWatch& watch = *found->second;
    detail::HandleState*& registered = writer ? watch.writer : watch.reader;
    if (registered == nullptr) {
        return false;
    }
    detail::HandleState& state = *registered;
    registered = nullptr;
    --watched_;
    update(watch);
    drop_registration(state);
    return true;
}

int UvLoop::update(FdWatch& watch) noexcept {
    const int events = (watch.reader != nullptr ? UV_READABLE | UV_DISCONNECT : 0) |
                       (watch.writer != nullptr ? UV_WRITABLE : 0);
    if (events != 0) {
        return uv_poll_start(&watch.handle, events, &FdWatch::on_ready);
    }
    int fd = -1;
    uv_fileno(as_handle(&watch.handle), &fd);
    fds_.erase(fd);
    uv_close(as_handle(&watch.handle), &FdWatch::on_closed);
    return 0;
}

std::unique_ptr<detail::StreamIo> UvLoop::make_stream_io(Socket& descriptor,
                                                         detail::StreamClient& client) {
    if (!UvStream::serves(descriptor)) {
        return EventLoop::make_stream_io(descriptor, client);
    }
    return std::make_unique<UvStream>(*this, descriptor, client);
}

void UvLoop::watch_signal(int signal) {
    auto watch = std::make_unique<SignalWatch>();
    watch->loop = this;
    const auto place = signals_.emplace(signal, nullptr).first;
    int error = uv_signal_init(&loop_, &watch->handle);
    if (error == 0) {
        watch->handle.data = watch.get();
        error = uv_signal_start(&watch->handle, &SignalWatch::on_signal, signal);
        if (error != 0) {
            uv_close(as_handle(&watch.release()->handle), &SignalWatch::on_closed);
        }
    }
    if (error != 0) {
        signals_.erase(place);
        throw RuntimeError("signal " + std::to_string(signal) +
                           " cannot be caught: " + uv_strerror(error));
    }
    place->second = watch.release();
}

void UvLoop::unwatch_signal(int signal) noexcept {
    const auto found = signals_.find(signal);
    if (found != signals_.end()) {
        uv_close(as_handle(&found->second->handle), &SignalWatch::on_closed);
        signals_.erase(found);
    }
}

}  // namespace gyre
