#include <gyre/sleep.hpp>

#include <new>
#include <utility>

namespace gyre::detail {

void SleepAwaiter::start_timer(std::coroutine_handle<> handle) {
    const Nanoseconds delay = std::exchange(delay_, Nanoseconds::zero());  // if this throws
    TaskBase& task = TaskBase::require_current();
    ::new (static_cast<void*>(&timer_)) SleepTimer(task.loop(), delay);
    delay_ = delay;
    task.suspend_on(timer_, handle);
}

bool SleepAwaiter::end_timer() noexcept {
    const bool cancelled = timer_.task()->is_cancelled(timer_);
    drop_timer();
    return !cancelled;
}

void SleepAwaiter::drop_timer() noexcept {
    timer_.~SleepTimer();
    delay_ = Nanoseconds::zero();
}

}  // namespace gyre::detail
