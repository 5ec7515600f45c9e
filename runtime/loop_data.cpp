#include <gyre/detail/executor.hpp>
#include <gyre/detail/generator_base.hpp>
#include <gyre/detail/loop_data.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>
#include <gyre/resolvers.hpp>
#include <gyre/thread_pool.hpp>

#include <string>

namespace gyre::detail {

LoopData& LoopData::make(EventLoop& loop) {
    loop.set_extension(std::make_unique<LoopData>(loop));
    return static_cast<LoopData&>(*loop.extension());
}

LoopData::~LoopData() = default;

std::vector<TaskRef> LoopData::tasks() const {
    std::vector<TaskRef> all;
    all.reserve(size());
    tasks_.for_each([&all](TaskBase& task) { all.push_back(TaskRef::share(&task)); });
    return all;
}

void LoopData::on_close() noexcept {
    destroyed_ = tasks();
    for (const TaskRef& task : destroyed_) {
        if (task->report_pending_) {
            ExceptionContext context("Task was destroyed but it is pending!");
            context.details["task"] = task->describe();
            task->report(context);
        }
    }
    // The newest first: a task may refer to what lies in the frame of the one that made it.
    for (auto each = destroyed_.rbegin(); each != destroyed_.rend(); ++each) {
        TaskBase& task = **each;
        loop_.drop_queued();  // a wait in the frame may stand there: woken as another task went
        remove(task);
        task.release();
        task.destroy_body();
    }
    if (resolver != nullptr) {
        resolver->close();
    }
    while (jobs_.next != &jobs_) {
        static_cast<ExecutorFuture*>(jobs_.next)->abandon();
    }
    if (const std::shared_ptr<ThreadPool> pool = close_pool()) {
        pool->shutdown(false);
    }
}

void LoopData::after_close() noexcept { destroyed_.clear(); }

// --- generators, jobs, the pool -----------------------------------------------------------------

void LoopData::add_generator(GeneratorPromiseBase& generator) noexcept {
    generators_.link_before(generator);
}

void LoopData::remove_generator(GeneratorPromiseBase& generator) noexcept { generator.unlink(); }

void LoopData::add_job(ExecutorFuture& job) noexcept {
    jobs_.link_before(job);
    loop_.expect_post();
}

void LoopData::remove_job(ExecutorFuture& job) noexcept {
    job.unlink();
    job.loop().forget_post();
}

ThreadPool& LoopData::pool() {
    if (pool_closed_) {
        throw RuntimeError("the loop's thread pool was shut down");
    }
    if (pool_ == nullptr) {
        pool_ = std::make_shared<ThreadPool>(0, "asyncio");
    }
    return *pool_;
}

void LoopData::set_pool(std::shared_ptr<ThreadPool> pool) {
    if (pool_ != nullptr || pool_closed_) {
        throw RuntimeError("the loop has a thread pool already");
    }
    pool_ = std::move(pool);
}

std::shared_ptr<ThreadPool> LoopData::close_pool() noexcept {
    pool_closed_ = true;
    return std::move(pool_);
}

std::string LoopData::pending() const {
    constexpr std::size_t most = 10;
    std::string text;
    std::size_t count = 0;
    for (const TaskRef& task : tasks()) {
        if (++count > most) {
            return text + ", and " + std::to_string(size() - most) + " more";
        }
        text += (text.empty() ? "" : ", ") + task->describe();
    }
    return text;
}

}  // namespace gyre::detail
