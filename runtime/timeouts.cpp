#include <gyre/timeouts.hpp>

#include <string>

namespace gyre {

void Timeout::reschedule(detail::AnyLimit when) {
    if (state_ != State::active) {
        static constexpr const char* names[] = {"created", "active", "expiring", "expired",
                                                "finished"};
        throw RuntimeError(std::string("cannot change the deadline of a Timeout that is ") +
                           names[static_cast<int>(state_)]);
    }
    when_ = when;
    arm();
}

void Timeout::arm() {
    timer_.cancel();
    timer_ = {};
    if (!when_) {
        return;
    }
    EventLoop& loop = task_->loop();
    if (*when_ <= loop.time()) {
        timer_ = loop.call_soon([this] { expire(); });
    } else {
        timer_ = loop.call_at(*when_, [this] { expire(); });
    }
}

void Timeout::expire() {
    task_->cancel({});
    state_ = State::expiring;
    timer_ = {};
}

namespace detail {

Nanoseconds deadline_from_now(Nanoseconds delay) {
    return get_running_loop().deadline_after(delay);
}

void TimeoutScope::enter() {
    if (TaskBase::current() == nullptr) {
        throw RuntimeError("a timeout is expected to be used inside a task");
    }
    timeout.task_ = TaskBase::current();
    timeout.cancelling_ = timeout.task_->cancelling();
    timeout.state_ = Timeout::State::active;
    timeout.arm();
}

void TimeoutScope::leave(const std::exception_ptr& error) {
    using State = Timeout::State;
    timeout.timer_.cancel();
    timeout.timer_ = {};
    if (timeout.state_ == State::active) {
        timeout.state_ = State::finished;
        return;
    }
    timeout.state_ = State::expired;
    if (timeout.task_->uncancel() > timeout.cancelling_ || error == nullptr) {
        return;
    }
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        throw TimeoutError();
    } catch (...) {
        // What the body made of it leaves as it is.
    }
}

}  // namespace detail

}  // namespace gyre
