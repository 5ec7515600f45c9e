#include <gyre/errors.hpp>
#include <gyre/lock.hpp>

namespace gyre {

bool Lock::try_acquire() noexcept {
    if (locked_) {
        return false;
    }
    for (detail::Waiter* each = waiters_.front(); each != nullptr; each = waiters_.after(*each)) {
        if (!each->cancelled()) {
            return false;  // it was first, though it has not run yet
        }
    }
    locked_ = true;
    return true;
}

void Lock::release() {
    if (!locked_) {
        throw RuntimeError("Lock is not acquired.");
    }
    locked_ = false;
    wake_up_first();
}

void Lock::wake_up_first() noexcept {
    if (detail::Waiter* first = waiters_.front()) {
        first->wake();
    }
}

Coro<> Lock::enter() { co_await acquire(); }

Coro<> Lock::exit(std::exception_ptr /*error*/) {
    release();
    co_return;
}

}  // namespace gyre
