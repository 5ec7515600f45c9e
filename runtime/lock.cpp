#include <gyre/errors.hpp>
#include <gyre/lock.hpp>

namespace gyre {

bool Lock::someone_is_behind() const noexcept {
    for (detail::Waiter* each = waiters_.front(); each != nullptr; each = waiters_.after(*each)) {
        if (!each->cancelled()) {
            return true;
        }
    }
    return false;
}

void Lock::throw_not_acquired() { throw RuntimeError("Lock is not acquired."); }

Coro<> Lock::enter() { co_await acquire(); }

Coro<> Lock::exit(std::exception_ptr /*error*/) {
    release();
    co_return;
}

}  // namespace gyre
