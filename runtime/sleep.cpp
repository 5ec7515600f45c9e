#include <gyre/sleep.hpp>

#include <new>

namespace gyre::detail {

void SleepAwaiter::start_timer(TaskBase& task, std::coroutine_handle<> handle) {
    const Nanoseconds delay = delay_;
    ::new (static_cast<void*>(&timer_)) SleepTimer(task.loop(), delay);
    timed_ = true;
    task.suspend_on(timer_, handle);
}

bool SleepAwaiter::end_timer() noexcept {
    const bool cancelled = timer_.task()->is_cancelled(timer_);
    drop_timer();
    return !cancelled;
}

void SleepAwaiter::drop_timer() noexcept {
    timer_.~SleepTimer();
    timed_ = false;
}

}  // namespace gyre::detail
