#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/semaphore.hpp>

#include <string>

namespace gyre {

namespace {

std::size_t checked_value(std::ptrdiff_t value) {
    if (value < 0) {
        throw ValueError("a semaphore's initial value is expected to be 0 or more, not " +
                         std::to_string(value));
    }
    return static_cast<std::size_t>(value);
}

}  // namespace

Semaphore::Semaphore(detail::Count value) : value_(checked_value(value.get())) {}

Semaphore::~Semaphore() = default;

bool Semaphore::locked() const noexcept {
    if (value_ == 0) {
        return true;
    }
    for (detail::Waiter* each = waiters_.front(); each != nullptr; each = waiters_.after(*each)) {
        if (!each->cancelled()) {
            return true;
        }
    }
    return false;
}

void Semaphore::release() {
    waiters_.check_thread();
    ++value_;
    wake_up_next();
}

void Semaphore::give_back() noexcept try {
    try {
        release();
    } catch (...) {
        detail::report_quietly(
            ExceptionContext("Error at the end of a semaphore's guard", std::current_exception()));
    }
} catch (...) {
    // No memory for the text.
}

bool Semaphore::wake_up_next() noexcept {
    if (!waiters_.wake_first_pending()) {
        return false;
    }
    --value_;
    return true;
}

void Semaphore::wake_up_all_possible() noexcept {
    while (value_ > 0 && wake_up_next()) {
    }
}

Coro<> Semaphore::enter() { co_await acquire(); }

Coro<> Semaphore::exit(std::exception_ptr /*error*/) {
    release();
    co_return;
}

BoundedSemaphore::BoundedSemaphore(detail::Count value) : Semaphore(value), bound_(this->value()) {}

BoundedSemaphore::~BoundedSemaphore() = default;

void BoundedSemaphore::release() {
    if (value() >= bound_) {
        throw ValueError("BoundedSemaphore released too many times");
    }
    Semaphore::release();
}

}  // namespace gyre
