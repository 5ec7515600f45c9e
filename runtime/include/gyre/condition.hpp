// Condition: waiting for a change of what a lock protects.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/wait_list.hpp>
#include <gyre/lock.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace gyre {

/// A lock, and the tasks that wait for a notice about what it protects.
///
/// ```
/// auto guard = co_await changed.scoped();
/// co_await changed.wait_for([&] { return !items.empty(); });
/// ```
///
/// Thread rule: one loop's thread; bound to the loop of its first waiter. asyncio: Condition.
class GYRE_API Condition {
public:
    /// With a lock of its own.
    Condition() : lock_(&own_) {}
    /// With a lock that others may use too, and that outlives it.
    explicit Condition(Lock& lock) : lock_(&lock) {}
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    [[nodiscard]] bool locked() const noexcept { return lock_->locked(); }
    [[nodiscard]] Lock::Acquire acquire() noexcept { return lock_->acquire(); }
    [[nodiscard]] Lock::Scoped scoped() noexcept { return lock_->scoped(); }
    void release() { lock_->release(); }

    /// Releases the lock, waits for notify(), acquires the lock again; gives true. It may return
    /// without a notice: look again at what you wait for. Cancel safety: the lock is held again
    /// before CancelledError leaves; a notice is passed on, not lost. Throws RuntimeError if the
    /// lock is not locked.
    [[nodiscard]] Coro<bool> wait();

    /// Waits until predicate() is true, which is asked first; gives its value. Throws as wait().
    template <class P>
    requires std::invocable<P&>
    [[nodiscard]] Coro<std::decay_t<std::invoke_result_t<P&>>> wait_for(P predicate) {
        auto value = std::invoke(predicate);
        while (!value) {
            co_await wait();
            value = std::invoke(predicate);
        }
        co_return value;
    }

    /// Wakes up to `count` tasks (none for 0 or less), first come, first woken; they run once they
    /// have the lock. Throws RuntimeError if the lock is not locked.
    void notify(std::ptrdiff_t count = 1);
    void notify_all() { notify(static_cast<std::ptrdiff_t>(waiters_.size())); }

    /// For with(): `async with condition`.
    [[nodiscard]] Coro<> enter() { return lock_->enter(); }
    [[nodiscard]] Coro<> exit(std::exception_ptr error) { return lock_->exit(std::move(error)); }

    struct Statistics {
        bool locked;
        std::size_t waiting;  ///< tasks that wait for a notice
    };
    [[nodiscard]] Statistics statistics() const noexcept { return {locked(), waiters_.size()}; }

private:
    class NoticeAwaiter;
    void wake(std::ptrdiff_t count) noexcept;

    Lock own_;
    Lock* lock_;
    detail::WaitList waiters_;
};

}  // namespace gyre
