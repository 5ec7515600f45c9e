#include <gyre/detail/done_waiter.hpp>
#include <gyre/wait.hpp>

namespace gyre::detail {

namespace {

class Waiting final : public Listener::Owner, public WaitNode {
public:
    /// The futures outlive it.
    Waiting(const std::vector<FutureRef>& futures, ReturnWhen return_when)
        : futures_(futures), return_when_(return_when), left_(futures.size()) {
        for (const FutureRef& each : futures) {
            TaskBase* const task = each->as_task();
            if (task == nullptr || !task->listen(*this)) {
                listeners_.emplace_back(*each, *this);
            } else if (!task->done()) {
                ++unfinished_;
            }
        }
    }
    ~Waiting() {
        timer_.cancel();
        if (left_ == 0) {
            return;
        }
        for (const FutureRef& each : futures_) {
            if (TaskBase* const task = each->as_task()) {
                task->stop_listening(*this);
            }
        }
    }

    void limit(EventLoop& loop, Nanoseconds limit) {
        timer_ = loop.call_later(limit, [this] { wake(); });
    }

private:
    [[nodiscard]] bool is_last(FutureBase::State state) const noexcept {
        return return_when_ == ReturnWhen::first_completed ||
               (return_when_ == ReturnWhen::first_exception && state == FutureBase::State::failed);
    }
    void heard(FutureBase& source, std::size_t /*index*/) override {
        --left_;
        if (return_when_ == ReturnWhen::first_exception) {
            source.mark_retrieved();
        }
        if (left_ == 0 || is_last(source.state())) {
            timer_.cancel();
            wake();
        }
    }
    // Nothing can come of it: another is waited for, which is heard later, in any case.
    bool wants_to_hear(const FutureBase& source) noexcept override {
        if (--unfinished_ == 0 || is_last(source.state())) {
            return true;
        }
        --left_;
        return false;
    }

    const std::vector<FutureRef>& futures_;
    ReturnWhen return_when_;
    std::size_t left_;
    std::size_t unfinished_ = 0;  // of those that need no node to be listened to
    std::vector<Listener> listeners_;
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
