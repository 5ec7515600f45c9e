#include "cares_timer.hpp"

#include <gyre/detail/resource.hpp>

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace gyre::detail {

class CaresTimer::Descriptor final : private Resource {
public:
    Descriptor(EventLoop& loop, Clock::duration delay, std::function<void()> due)
        : Resource(loop), fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
        if (fd_ < 0) {
            throw std::system_error(errno, std::generic_category(), "timerfd_create");
        }
        loop.expect_post();
        try {
            begin_use(fd_);
            in_use_ = true;
            watch(fd_, false, std::move(due));
        } catch (...) {
            let_go();
            throw;
        }
        constexpr std::chrono::nanoseconds second = std::chrono::seconds(1);
        // Zero would disarm it.
        const auto left = std::max<std::chrono::nanoseconds>(delay, std::chrono::nanoseconds(1));
        ::itimerspec when{};
        when.it_value.tv_sec = left / second;
        when.it_value.tv_nsec = static_cast<long>((left % second).count());
        ::timerfd_settime(fd_, 0, &when, nullptr);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { let_go(); }

private:
    void on_loop_close() noexcept override { let_go(); }
    void let_go() noexcept {
        if (fd_ < 0) {
            return;
        }
        if (std::exchange(in_use_, false)) {
            unwatch(fd_, false);
            end_use(fd_);
        }
        ::close(std::exchange(fd_, -1));
        loop().forget_post();
    }

    int fd_;
    bool in_use_ = false;
};

CaresTimer::CaresTimer(EventLoop& loop, std::function<void()> due)
    : loop_(loop), due_(std::move(due)) {}

CaresTimer::~CaresTimer() { cancel(); }

void CaresTimer::arm(Clock::duration delay) {
    delay = std::max(delay, Clock::duration::zero());
    const Clock::time_point when = Clock::now() + delay;
    if (when_ && *when_ <= when) {
        return;
    }
    cancel();
    if (loop_.has_virtual_clock()) {
        descriptor_ = std::make_unique<Descriptor>(loop_, delay, [this] { fire(); });
    } else {
        handle_ = loop_.call_later(delay, [this] { fire(); });
    }
    when_ = when;
}

void CaresTimer::cancel() noexcept {
    handle_.cancel();
    handle_ = {};
    descriptor_.reset();
    when_.reset();
}

void CaresTimer::fire() {
    handle_ = {};
    descriptor_.reset();
    when_.reset();
    due_();
}

}  // namespace gyre::detail
