#include <gyre/detail/executor.hpp>
#include <gyre/detail/loop_data.hpp>
#include <gyre/errors.hpp>

namespace gyre::detail {

// Carries a job's end to the loop. Lies on the heap, for it is all that is sure to be left.
class ExecutorJob::Delivery final : public Ready {
public:
    explicit Delivery(std::shared_ptr<ThreadPool::Job> job) noexcept : job_(std::move(job)) {}

    void run() override {
        const std::unique_ptr<Delivery> self(this);
        if (ExecutorFuture* future = static_cast<ExecutorJob&>(*job_).future) {
            future->answered();
        }
    }
    void drop() noexcept override { delete this; }
    [[nodiscard]] std::string describe() const override { return "executor"; }

private:
    std::shared_ptr<ThreadPool::Job> job_;
};

ExecutorJob::ExecutorJob(const EventLoop& loop) : inbox_(loop.inbox()) {}

ExecutorJob::~ExecutorJob() = default;

void ExecutorJob::run() noexcept {
    int expected = waiting;
    if (!state_.compare_exchange_strong(expected, begun)) {
        return;
    }
    try {
        call();
    } catch (...) {
        error = std::current_exception();
    }
    auto* delivery = new Delivery(shared_from_this());
    if (!inbox_->post(*delivery)) {
        delivery->drop();  // the loop is closed: nobody asks any more
    }
}

bool ExecutorJob::withdraw() noexcept {
    int expected = waiting;
    return state_.compare_exchange_strong(expected, withdrawn);
}

ExecutorFuture::ExecutorFuture(EventLoop& loop, std::shared_ptr<ExecutorJob> job)
    : FutureBase(loop), job_(std::move(job)) {
    job_->future = this;
}

ExecutorFuture::~ExecutorFuture() { job_->future = nullptr; }

void ExecutorFuture::submit(ThreadPool* pool) {
    LoopData& data = LoopData::of(loop());
    (pool != nullptr ? *pool : data.pool()).submit(job_);
    retain();
    data.add_job(*this);
    waiting_ = true;
}

bool ExecutorFuture::cancel(std::string_view message) {
    if (!cancel_plain(message)) {
        return false;
    }
    if (job_->withdraw()) {
        detach();
    }
    return true;
}

void ExecutorFuture::answered() {
    const FutureRef self = FutureRef::share(this);
    detach();
    if (done()) {
        return;
    }
    if (job_->error != nullptr) {
        fail(std::exchange(job_->error, nullptr));
        return;
    }
    try {
        take_result();
        finish();
    } catch (...) {
        fail(std::current_exception());
    }
}

void ExecutorFuture::abandon() noexcept { detach(); }

void ExecutorFuture::detach() noexcept {
    if (std::exchange(waiting_, false)) {
        LoopData::remove_job(*this);
        job_->future = nullptr;
        release();
    }
}

}  // namespace gyre::detail
