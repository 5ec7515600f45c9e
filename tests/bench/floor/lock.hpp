// Lock: passed from holder to waiter, first come, first served.
#pragma once

#include "loop.hpp"

#include <coroutine>
#include <utility>

namespace bench::floor {

class Lock {
public:
    /// co_await lock.acquire()
    class Acquire : Step {
    public:
        explicit Acquire(Lock& lock) : lock_(lock) {}
        bool await_ready() noexcept { return !std::exchange(lock_.held_, true); }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            coroutine = awaiting;
            lock_.waiting_.push(*this);
        }
        void await_resume() const noexcept {}

    private:
        Lock& lock_;
    };

    Acquire acquire() { return Acquire(*this); }

    /// The lock stays held where somebody waits: it is theirs then.
    void release() {
        if (Step* next = waiting_.pop()) {
            Loop::current().push(*next);
        } else {
            held_ = false;
        }
    }

private:
    bool held_ = false;
    Steps waiting_;
};

}  // namespace bench::floor
