#include <gyre/barrier.hpp>
#include <gyre/errors.hpp>

#include <string>

namespace gyre {

Barrier::Barrier(detail::Count parties) : parties_(static_cast<std::size_t>(parties.get())) {
    if (parties.get() < 1) {
        throw ValueError("a barrier is expected to have 1 party or more, not " +
                         std::to_string(parties.get()));
    }
}

Coro<std::size_t> Barrier::wait() {
    auto guard = co_await changed_.scoped();
    co_await changed_.wait_for(
        [this] { return state_ != State::draining && state_ != State::resetting; });
    if (state_ == State::broken) {
        throw BrokenBarrierError("Barrier aborted");
    }
    co_return co_await come_and_wait();
}

Coro<std::size_t> Barrier::come_and_wait() {
    const std::size_t place = count_++;
    if (place + 1 == parties_) {
        state_ = State::draining;
        changed_.notify_all();
        leave();
        co_return place;
    }
    std::exception_ptr error;
    try {
        co_await changed_.wait_for([this] { return state_ != State::filling; });
        if (state_ == State::broken || state_ == State::resetting) {
            throw BrokenBarrierError("Abort or reset of barrier");
        }
    } catch (...) {
        error = std::current_exception();
    }
    leave();
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
    co_return place;
}

void Barrier::leave() {
    if (--count_ > 0) {
        return;
    }
    if (state_ == State::resetting || state_ == State::draining) {
        state_ = State::filling;
    }
    changed_.notify_all();
}

Coro<> Barrier::reset() {
    auto guard = co_await changed_.scoped();
    state_ = count_ > 0 ? State::resetting : State::filling;
    changed_.notify_all();
}

Coro<> Barrier::abort() {
    auto guard = co_await changed_.scoped();
    state_ = State::broken;
    changed_.notify_all();
}

Coro<> Barrier::exit(std::exception_ptr /*error*/) { co_return; }

}  // namespace gyre
