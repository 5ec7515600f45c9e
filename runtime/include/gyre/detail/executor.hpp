// The future of a function that runs in a thread.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/awaitable.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/inbox.hpp>
#include <gyre/detail/list_link.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/future.hpp>
#include <gyre/thread_pool.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace gyre::detail {

class ExecutorFuture;

/// What worker and loop share. The worker writes the outcome and posts it; the loop alone touches
/// the future.
class GYRE_API ExecutorJob : public ThreadPool::Job {
public:
    explicit ExecutorJob(const EventLoop& loop);
    ~ExecutorJob() override;

    void run() noexcept final;
    /// Takes it back if no thread has begun it. The loop's thread.
    [[nodiscard]] bool withdraw() noexcept;

    std::exception_ptr error;
    ExecutorFuture* future = nullptr;  // the loop's thread only; null once nobody wants the outcome

protected:
    virtual void call() = 0;

private:
    class Delivery;
    // waiting -> begun by the worker, or -> withdrawn by a cancel.
    enum State : int { waiting, begun, withdrawn };

    std::shared_ptr<Inbox> inbox_;
    std::atomic<int> state_{waiting};
};

/// Kept alive by the loop until the worker has answered, for nothing else tells of an error.
class GYRE_API ExecutorFuture : public FutureBase, public ListLink {
public:
    bool cancel(std::string_view message) override;
    /// The worker's answer has come.
    void answered();
    /// The loop closes: it will not come.
    void abandon() noexcept;

protected:
    ExecutorFuture(EventLoop& loop, std::shared_ptr<ExecutorJob> job);
    ~ExecutorFuture() override;

    /// Has the pool (or the loop's default one) run the job. The last call of the constructing
    /// code.
    void submit(ThreadPool* pool);
    [[nodiscard]] ExecutorJob& job() const noexcept { return *job_; }
    virtual void take_result() = 0;

private:
    void detach() noexcept;
    std::shared_ptr<ExecutorJob> job_;
    bool waiting_ = false;
};

template <class F>
class FunctionExecutorJob final : public ExecutorJob {
public:
    using Value = std::remove_cvref_t<std::invoke_result_t<F&>>;

    FunctionExecutorJob(const EventLoop& loop, F function)
        : ExecutorJob(loop), function_(std::move(function)) {}

    [[nodiscard]] Regular<Value> take() { return std::move(*value_); }

private:
    void call() override {
        if constexpr (std::is_void_v<Value>) {
            (*function_)();
            value_.emplace();
        } else {
            value_.emplace((*function_)());
        }
        function_.reset();  // dies where it ran
    }

    std::optional<F> function_;
    std::optional<Regular<Value>> value_;
};

template <class F>
class FunctionExecutorFuture final : public ExecutorFuture {
public:
    using Job = FunctionExecutorJob<F>;
    using Value = typename Job::Value;

    FunctionExecutorFuture(EventLoop& loop, F function, ThreadPool* pool)
        : ExecutorFuture(loop, std::make_shared<Job>(loop, std::move(function))) {
        set_storage(storage_);
        submit(pool);
    }

private:
    ~FunctionExecutorFuture() override = default;
    void take_result() override {
        if constexpr (!std::is_void_v<Value>) {
            storage_.set(static_cast<Job&>(job()).take());
        }
    }

    [[no_unique_address]] Storage<Value> storage_;
};

}  // namespace gyre::detail
