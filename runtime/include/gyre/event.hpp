// Event: a flag that tasks wait for.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/wait_list.hpp>

#include <coroutine>
#include <cstddef>

namespace gyre {

/// A flag, clear at first, that any number of tasks can wait for.
///
/// ```
/// Event ready;
/// auto task = create_task(serve(ready));
/// co_await ready.wait();          // suspends until serve() calls ready.set()
/// ```
///
/// Thread rule: one loop's thread; bound to the loop of its first waiter. asyncio: Event.
class GYRE_API Event {
public:
    Event() = default;

    /// True once set() was called and clear() was not.
    [[nodiscard]] bool is_set() const noexcept { return set_; }

    /// Wakes every task that waits now, first come, first woken. A clear() right after does not
    /// take the wake-up back.
    void set();
    void clear() noexcept { set_ = false; }

    class Awaiter;
    class [[nodiscard]] Wait {
    public:
        explicit Wait(Event& event) noexcept : event_(&event) {}
        [[nodiscard]] Awaiter operator co_await() const noexcept;

    private:
        Event* event_;
    };

    /// Completes at once if the flag is set, else one iteration after set(); gives true.
    /// Cancel safety: a cancelled wait leaves no trace.
    /// Throws RuntimeError if the event belongs to another loop.
    [[nodiscard]] Wait wait() noexcept { return Wait(*this); }

    struct Statistics {
        std::size_t waiting;  ///< tasks in wait() now
    };
    [[nodiscard]] Statistics statistics() const noexcept { return {waiters_.size()}; }

private:
    detail::WaitList waiters_;
    bool set_ = false;
};

class [[nodiscard]] Event::Awaiter {
public:
    explicit Awaiter(Event& event) noexcept : event_(event) {}

    [[nodiscard]] bool await_ready() const noexcept { return event_.is_set(); }
    void await_suspend(std::coroutine_handle<> handle) { event_.waiters_.wait(waiter_, handle); }
    bool await_resume() {
        if (waiter_.waited()) {
            waiter_.leave();
            detail::step.task->check_cancelled(waiter_);
        }
        return true;
    }

private:
    Event& event_;
    detail::Waiter waiter_;
};

inline Event::Awaiter Event::Wait::operator co_await() const noexcept { return Awaiter(*event_); }

}  // namespace gyre
