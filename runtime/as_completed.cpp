#include <gyre/as_completed.hpp>

namespace gyre::detail {

CompletionQueue::CompletionQueue(std::vector<FutureRef> futures, std::optional<Nanoseconds> limit)
    : futures_(std::move(futures)), left_(futures_.size()), pending_(futures_.size()) {
    EventLoop& loop = get_running_loop();
    for (const FutureRef& each : futures_) {
        if (&each->loop() != &loop) {
            throw ValueError("the futures given to as_completed() belong to a different loop");
        }
    }
    listeners_.reserve(futures_.size());
    for (std::size_t index = 0; index < futures_.size(); ++index) {
        listeners_.emplace_back(*futures_[index], *this, index);
    }
    if (limit && !futures_.empty()) {
        timer_ = loop.call_later(*limit, [this] { expire(); });
    }
}

CompletionQueue::~CompletionQueue() { timer_.cancel(); }

void CompletionQueue::heard(FutureBase& /*source*/, std::size_t index) {
    done_.put_nowait(std::exchange(futures_[index], FutureRef()));
    if (--pending_ == 0) {
        timer_.cancel();
    }
}

void CompletionQueue::expire() {
    for (std::size_t index = 0; index < futures_.size(); ++index) {
        if (futures_[index]) {
            listeners_[index].stop();
            futures_[index] = FutureRef();
            done_.put_nowait(FutureRef());
        }
    }
}

}  // namespace gyre::detail
