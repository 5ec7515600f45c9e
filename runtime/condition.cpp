#include <gyre/condition.hpp>
#include <gyre/errors.hpp>

namespace gyre {

class [[nodiscard]] Condition::NoticeAwaiter {
public:
    explicit NoticeAwaiter(detail::WaitList& list) noexcept : list_(list) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) { list_.wait(waiter_, handle); }
    void await_resume() {
        waiter_.leave();
        detail::step.task->check_cancelled(waiter_);
    }

private:
    detail::WaitList& list_;
    detail::Waiter waiter_;
};

Coro<bool> Condition::wait() {
    if (!locked()) {
        throw RuntimeError("cannot wait on un-acquired lock");
    }
    release();
    std::exception_ptr error;
    try {
        NoticeAwaiter notice(waiters_);
        co_await notice;
    } catch (...) {
        error = std::current_exception();
    }
    // However often it is cancelled meanwhile: whoever waits holds the lock when it leaves.
    for (bool acquired = false; !acquired;) {
        try {
            co_await acquire();
            acquired = true;
        } catch (const CancelledError&) {
            error = std::current_exception();
        }
    }
    if (error != nullptr) {
        wake(1);  // the notice may have been meant for us
        std::rethrow_exception(error);
    }
    co_return true;
}

void Condition::notify(std::ptrdiff_t count) {
    if (!locked()) {
        throw RuntimeError("cannot notify on un-acquired lock");
    }
    waiters_.check_thread();
    wake(count);
}

void Condition::wake(std::ptrdiff_t count) noexcept {
    while (count-- > 0 && waiters_.wake_first_pending()) {
    }
}

}  // namespace gyre
