// sleep: lets time pass.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/detail/timer_queue.hpp>

#include <chrono>
#include <coroutine>
#include <string>
#include <type_traits>
#include <utility>

namespace gyre {

namespace detail {

/// A timer that wakes the task in whose frame it lies.
class SleepTimer final : private Timer, public WaitNode {
public:
    SleepTimer(EventLoop& loop, Nanoseconds delay) {
        loop.add_timer(*this, loop.deadline_after(delay));
    }
    ~SleepTimer() {
        if (armed()) {
            task()->loop().cancel_timer(*this);
        }
    }

private:
    // The timer is due: the task's step comes in the next iteration. The loop that runs is the
    // task's, which may be in no cache.
    void run() override { wake_on(*running_loop); }
    [[nodiscard]] std::string describe() const override { return "sleep"; }
};

class [[nodiscard]] GYRE_API SleepAwaiter {
public:
    explicit SleepAwaiter(Nanoseconds delay) noexcept : delay_(delay) {}
    SleepAwaiter(const SleepAwaiter&) = delete;
    SleepAwaiter& operator=(const SleepAwaiter&) = delete;
    ~SleepAwaiter() {
        if (is_timed()) [[unlikely]] {
            drop_timer();
        }
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        if (is_timed()) {
            start_timer(handle);
        } else {
            TaskBase::require_current().suspend_yield(handle);
        }
    }
    void await_resume() {
        if (is_timed()) [[unlikely]] {
            if (!end_timer()) {
                step.task->throw_cancelled();
            }
        } else {
            step.task->check_cancelled();
        }
    }

private:
    // Out of line, for the sake of those that yield.
    void start_timer(std::coroutine_handle<> handle);
    /// False if the task was cancelled.
    bool end_timer() noexcept;
    void drop_timer() noexcept;

    [[nodiscard]] bool is_timed() const noexcept { return delay_ > Nanoseconds::zero(); }

    Nanoseconds delay_;
    union {
        SleepTimer timer_;  // lives while the task waits and is_timed()
    };
};

template <class T>
class [[nodiscard]] SleepResultAwaiter : private SleepAwaiter {
public:
    SleepResultAwaiter(Nanoseconds delay, T&& result)
        : SleepAwaiter(delay), result_(std::move(result)) {}

    using SleepAwaiter::await_ready;
    using SleepAwaiter::await_suspend;
    T await_resume() {
        SleepAwaiter::await_resume();
        return std::move(result_);
    }

private:
    T result_;
};

/// What sleep() gives: begins to count when it is awaited.
class [[nodiscard]] Sleep {
public:
    explicit Sleep(Nanoseconds delay) noexcept : delay_(delay) {}
    [[nodiscard]] SleepAwaiter operator co_await() const noexcept { return SleepAwaiter(delay_); }

private:
    Nanoseconds delay_;
};

template <class T>
class [[nodiscard]] SleepResult {
public:
    SleepResult(Nanoseconds delay, T result) : delay_(delay), result_(std::move(result)) {}
    [[nodiscard]] SleepResultAwaiter<T> operator co_await() && {
        return SleepResultAwaiter<T>(delay_, std::move(result_));
    }
    [[nodiscard]] SleepResultAwaiter<T> operator co_await() & {
        return SleepResultAwaiter<T>(delay_, std::move(result_));
    }

private:
    Nanoseconds delay_;
    T result_;
};

}  // namespace detail

/// Suspends the calling task for at least `duration`. Zero or less: for exactly one iteration of
/// the loop.
///
/// ```
/// co_await sleep(100ms);
/// co_await sleep(0s);      // lets the others run
/// ```
///
/// Completes one iteration after the one in which the time is over. Never early.
/// Cancel safety: a cancelled sleep leaves no timer behind.
/// Throws ValueError for NaN, RuntimeError outside of a task. asyncio: sleep.
template <class Rep, class Period>
[[nodiscard]] detail::Sleep sleep(std::chrono::duration<Rep, Period> duration) {
    return detail::Sleep(detail::to_nanoseconds(duration));
}

/// The same, and gives `result` then.
template <class Rep, class Period, class T>
[[nodiscard]] auto sleep(std::chrono::duration<Rep, Period> duration, T&& result) {
    return detail::SleepResult<std::decay_t<T>>(detail::to_nanoseconds(duration),
                                                std::forward<T>(result));
}

}  // namespace gyre
