#include <gyre/detail/done_waiter.hpp>
#include <gyre/detail/several_futures.hpp>
#include <gyre/wait.hpp>

namespace gyre::detail {

namespace {

class Waiting final : public SeveralFutures, public WaitNode {
public:
    Waiting(std::vector<FutureRef> futures, ReturnWhen return_when)
        : SeveralFutures(std::move(futures)), return_when_(return_when) {
        for (const FutureRef& each : this->futures()) {
            listen_to(*each);
        }
    }
    ~Waiting() { timer_.cancel(); }

    void limit(EventLoop& loop, Nanoseconds limit) {
        timer_ = loop.call_later(limit, [this] { wake(); });
    }

private:
    [[nodiscard]] bool decides(FutureBase::State state) const noexcept {
        return return_when_ == ReturnWhen::first_completed ||
               (return_when_ == ReturnWhen::first_exception && state == FutureBase::State::failed);
    }
    void heard(FutureBase& source, std::size_t /*index*/) override {
        const bool is_last = count_down();
        if (return_when_ == ReturnWhen::first_exception && !is_last) {  // who decides is looked at
            source.mark_retrieved();
        }
        if (is_last || decides(source.state())) {
            timer_.cancel();
            wake();
        }
    }
    bool wants_to_hear(const FutureBase& source) noexcept override {
        return is_to_be_heard(decides(source.state()));
    }

    ReturnWhen return_when_;
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
    Waiting waiting(std::move(futures), options.return_when);
    if (options.timeout) {
        waiting.limit(loop, *options.timeout);
    }
    NodeAwaiter until_woken(waiting);
    co_await until_woken;
}

}  // namespace gyre::detail
