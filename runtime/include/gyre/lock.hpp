// Lock: one task at a time.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/wait_list.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace gyre {

namespace detail {

/// Releases what scoped() acquired, at the end of a scope.
template <class L>
class [[nodiscard]] ScopedGuard {
public:
    explicit ScopedGuard(L& lock) noexcept : lock_(&lock) {}
    ScopedGuard(ScopedGuard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    ScopedGuard& operator=(ScopedGuard other) noexcept {
        std::swap(lock_, other.lock_);
        return *this;
    }
    ~ScopedGuard() {
        if (lock_ != nullptr && lock_->locked()) {
            lock_->release();
        }
    }

private:
    L* lock_;
};

/// The awaitable that `acquire()` and `scoped()` of a lock give.
template <class A, class L>
class [[nodiscard]] AcquireOperation {
public:
    explicit AcquireOperation(L& lock) noexcept : lock_(&lock) {}
    [[nodiscard]] A operator co_await() const noexcept { return A(*lock_); }

private:
    L* lock_;
};

/// acquire() whose result is the guard.
template <class A, class L>
class [[nodiscard]] ScopedAwaiter : public A {
public:
    explicit ScopedAwaiter(L& lock) noexcept : A(lock), lock_(lock) {}
    ScopedGuard<L> await_resume() {
        A::await_resume();
        return ScopedGuard<L>(lock_);
    }

private:
    L& lock_;
};

}  // namespace detail

/// A lock for tasks: whoever has acquired it, or anybody else, releases it.
///
/// ```
/// Lock lock;
/// auto guard = co_await lock.scoped();      // released at the end of the scope
/// ```
///
/// Fair: first come, first served; a newcomer never passes a task that was woken already.
/// Thread rule: one loop's thread; bound to the loop of its first waiter. asyncio: Lock.
class GYRE_API Lock {
public:
    class Awaiter;
    using Acquire = detail::AcquireOperation<Awaiter, Lock>;
    using Scoped = detail::AcquireOperation<detail::ScopedAwaiter<Awaiter, Lock>, Lock>;

    Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    [[nodiscard]] bool locked() const noexcept { return locked_; }

    /// Completes at once if the lock is free, else one iteration after the release that passes it
    /// on; gives true. Cancel safety: a cancelled acquire does not hold the lock, and passes a
    /// wake-up on. Throws RuntimeError if the lock belongs to another loop.
    [[nodiscard]] Acquire acquire() noexcept { return Acquire(*this); }
    /// The same; gives a guard that releases.
    [[nodiscard]] Scoped scoped() noexcept { return Scoped(*this); }

    /// Wakes the first waiter. Throws RuntimeError if the lock is not locked.
    void release() {
        if (!locked_) [[unlikely]] {
            throw_not_acquired();
        }
        waiters_.check_thread();
        locked_ = false;
        waiters_.wake_front();
    }

    /// For with(): `async with lock`.
    [[nodiscard]] Coro<> enter();
    [[nodiscard]] Coro<> exit(std::exception_ptr error);

    struct Statistics {
        bool locked;
        std::size_t waiting;  ///< tasks in acquire() now
    };
    [[nodiscard]] Statistics statistics() const noexcept { return {locked_, waiters_.size()}; }

private:
    [[nodiscard]] bool try_acquire() noexcept {
        if (locked_ || (!waiters_.empty() && someone_is_first())) {
            return false;
        }
        locked_ = true;
        return true;
    }
    // Though it has not run yet.
    [[nodiscard]] bool someone_is_first() const noexcept {
        return !waiters_.front()->cancelled() || someone_is_behind();
    }
    [[nodiscard]] bool someone_is_behind() const noexcept;
    [[noreturn]] static void throw_not_acquired();
    detail::WaitList waiters_;
    bool locked_ = false;
};

class [[nodiscard]] Lock::Awaiter {
public:
    explicit Awaiter(Lock& lock) noexcept : lock_(lock) {}

    [[nodiscard]] bool await_ready() const noexcept { return lock_.try_acquire(); }
    void await_suspend(std::coroutine_handle<> handle) { lock_.waiters_.wait(waiter_, handle); }
    bool await_resume() {
        if (waiter_.waited()) {
            const bool lock_lives = waiter_.leave();
            if (detail::step.task->is_cancelled(waiter_)) [[unlikely]] {
                if (lock_lives && !lock_.locked_) {
                    lock_.waiters_.wake_front();
                }
                detail::step.task->throw_cancelled();
            }
            lock_.locked_ = true;
        }
        return true;
    }

private:
    Lock& lock_;
    detail::Waiter waiter_;
};

}  // namespace gyre
