// Semaphore, BoundedSemaphore: so many tasks at a time.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/count.hpp>
#include <gyre/detail/wait_list.hpp>
#include <gyre/lock.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>

namespace gyre {

/// A number of permits; acquire() takes one, release() gives one back.
///
/// ```
/// Semaphore slots(10);
/// auto slot = co_await slots.scoped();      // at most ten at a time get here
/// ```
///
/// Fair: a released permit goes to the task that has waited longest; a newcomer cannot take it.
/// Thread rule: one loop's thread; bound to the loop of its first waiter. asyncio: Semaphore.
class GYRE_API Semaphore {
public:
    class Awaiter;
    using Acquire = detail::AcquireOperation<Awaiter, Semaphore>;

    class Guard;
    class ScopedAwaiter;
    using Scoped = detail::AcquireOperation<ScopedAwaiter, Semaphore>;

    /// Throws ValueError for a negative number.
    explicit Semaphore(detail::Count value = 1);
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;
    virtual ~Semaphore();

    /// True if acquire() would wait.
    [[nodiscard]] bool locked() const noexcept;

    /// Completes at once if a permit is free, else one iteration after the release that gives it
    /// one; gives true. Cancel safety: a cancelled acquire holds no permit; one it was given goes
    /// to the next. Throws RuntimeError if the semaphore belongs to another loop.
    [[nodiscard]] Acquire acquire() noexcept { return Acquire(*this); }
    /// The same; gives a guard that releases.
    [[nodiscard]] Scoped scoped() noexcept { return Scoped(*this); }

    virtual void release();

    /// For with(): `async with semaphore`.
    [[nodiscard]] Coro<> enter();
    [[nodiscard]] Coro<> exit(std::exception_ptr error);

    struct Statistics {
        std::size_t free;     ///< permits that nobody holds or was given
        std::size_t waiting;  ///< tasks in acquire() now
    };
    [[nodiscard]] Statistics statistics() const noexcept { return {value_, waiters_.size()}; }

protected:
    [[nodiscard]] std::size_t value() const noexcept { return value_; }

private:
    /// release(), whose error goes to the exception handler.
    void give_back() noexcept;
    bool wake_up_next() noexcept;
    void wake_up_all_possible() noexcept;

    detail::WaitList waiters_;
    std::size_t value_;
};

/// A semaphore that is not released more often than it was acquired. asyncio: BoundedSemaphore.
class GYRE_API BoundedSemaphore : public Semaphore {
public:
    explicit BoundedSemaphore(detail::Count value = 1);
    ~BoundedSemaphore() override;

    /// Throws ValueError where that would exceed the initial number; nothing is changed then.
    void release() override;

private:
    std::size_t bound_;
};

class [[nodiscard]] Semaphore::Awaiter {
public:
    explicit Awaiter(Semaphore& semaphore) noexcept : semaphore_(semaphore) {}

    [[nodiscard]] bool await_ready() const noexcept {
        if (semaphore_.locked()) {
            return false;
        }
        --semaphore_.value_;
        return true;
    }
    void await_suspend(std::coroutine_handle<> handle) {
        semaphore_.waiters_.wait(waiter_, handle);
    }
    bool await_resume() {
        if (waiter_.waited()) {
            if (waiter_.leave()) {
                if (detail::step.task->is_cancelled(waiter_) && waiter_.woken()) {
                    ++semaphore_.value_;  // the permit that we were given and will not use
                }
                semaphore_.wake_up_all_possible();
            }
            detail::step.task->check_cancelled(waiter_);
        }
        return true;
    }

private:
    Semaphore& semaphore_;
    detail::Waiter waiter_;
};

/// Gives the permit back at the end of a scope.
class [[nodiscard]] Semaphore::Guard {
public:
    explicit Guard(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}
    Guard(Guard&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Guard& operator=(Guard other) noexcept {
        std::swap(semaphore_, other.semaphore_);
        return *this;
    }
    ~Guard() {
        if (semaphore_ != nullptr) {
            semaphore_->give_back();
        }
    }

private:
    Semaphore* semaphore_;
};

class [[nodiscard]] Semaphore::ScopedAwaiter : public Awaiter {
public:
    explicit ScopedAwaiter(Semaphore& semaphore) noexcept
        : Awaiter(semaphore), semaphore_(semaphore) {}
    Guard await_resume() {
        Awaiter::await_resume();
        return Guard(semaphore_);
    }

private:
    Semaphore& semaphore_;
};

}  // namespace gyre
