#include <gyre/detail/done_waiter.hpp>
#include <gyre/wait.hpp>

namespace gyre::detail {

namespace {

class Waiting final : public Listener::Owner, public WaitNode {
public:
    Waiting(const std::vector<FutureRef>& futures, ReturnWhen return_when)
        : return_when_(return_when), left_(futures.size()) {
        listeners_.reserve(futures.size());
        for (const FutureRef& each : futures) {
            listeners_.emplace_back(*each, *this);
        }
    }
    ~Waiting() { timer_.cancel(); }

    void limit(EventLoop& loop, Nanoseconds limit) {
        timer_ = loop.call_later(limit, [this] { wake(); });
    }

private:
    void heard(FutureBase& source, std::size_t /*index*/) override {
        --left_;
        const bool failure = return_when_ == ReturnWhen::first_exception && !source.cancelled() &&
                             source.exception() != nullptr;
        if (left_ == 0 || return_when_ == ReturnWhen::first_completed || failure) {
            timer_.cancel();
            wake();
        }
    }

    std::vector<Listener> listeners_;
    ReturnWhen return_when_;
    std::size_t left_;
    TimerHandle timer_;
};

}  // namespace

void check_wait(std::size_t count, const WaitOptions& options) {
    if (count == 0) {
        throw ValueError("wait() is given an empty collection of tasks");
    }
    if (options.return_when > ReturnWhen::first_exception) {
        throw ValueError(
            "return_when is expected to be ALL_COMPLETED, FIRST_COMPLETED or FIRST_EXCEPTION");
    }
}

Coro<> wait_until(std::vector<FutureRef> futures, WaitOptions options) {
    EventLoop& loop = TaskBase::require_current().loop();
    for (const FutureRef& each : futures) {
        if (&each->loop() != &loop) {
            throw ValueError("the futures given to wait() belong to a different loop");
        }
    }
    Waiting waiting(futures, options.return_when);
    if (options.timeout) {
        waiting.limit(loop, *options.timeout);
    }
    NodeAwaiter until_woken(waiting);
    co_await until_woken;
}

}  // namespace gyre::detail
