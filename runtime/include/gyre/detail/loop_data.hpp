// LoopData: what runtime/ keeps with each loop.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/list_link.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/detail/task_registry.hpp>
#include <gyre/detail/upcoming_reads.hpp>
#include <gyre/event_loop.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace gyre {
template <class T>
class Coro;
class Resolver;
class ThreadPool;
}  // namespace gyre

namespace gyre::detail {

class GeneratorPromiseBase;
class ExecutorFuture;

/// The tasks that are not done, and what else goes with the loop.
class GYRE_API LoopData final : public EventLoop::Extension {
public:
    [[nodiscard]] static LoopData& of(EventLoop& loop) {
        EventLoop::Extension* const made = loop.extension();
        return made != nullptr ? static_cast<LoopData&>(*made) : make(loop);
    }

    explicit LoopData(EventLoop& loop) : loop_(loop) {}
    ~LoopData() override;

    void add(TaskBase& task) { task.place_ = tasks_.add(task); }
    void remove(TaskBase& task) noexcept { tasks_.remove(task.place_); }
    [[nodiscard]] std::vector<TaskRef> tasks() const;
    [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }

    /// The asynchronous generators that have begun and not gone.
    void add_generator(GeneratorPromiseBase& generator) noexcept;
    static void remove_generator(GeneratorPromiseBase& generator) noexcept;
    /// asyncio: loop.shutdown_asyncgens.
    [[nodiscard]] Coro<void> close_generators();

    /// Futures of functions that run in threads.
    void add_job(ExecutorFuture& job) noexcept;
    static void remove_job(ExecutorFuture& job) noexcept;

    /// The loop's own pool, made on first use. Throws RuntimeError once it was shut down.
    [[nodiscard]] ThreadPool& pool();
    void set_pool(std::shared_ptr<ThreadPool> pool);
    /// Takes it out of use; null if there is none.
    [[nodiscard]] std::shared_ptr<ThreadPool> close_pool() noexcept;

    /// Who answers getaddrinfo(); null until it is needed.
    std::shared_ptr<Resolver> resolver;
    /// Of streams; null until one is read.
    std::unique_ptr<UpcomingReads> upcoming_reads;
    /// A TaskFactory, or null for the default.
    std::shared_ptr<const void> factory;

    void on_close() noexcept override;
    void after_close() noexcept override;
    [[nodiscard]] std::string pending() const override;

private:
    [[nodiscard]] static LoopData& make(EventLoop& loop);

    EventLoop& loop_;
    TaskRegistry tasks_;
    ListLink generators_;
    ListLink jobs_;
    std::shared_ptr<ThreadPool> pool_;
    bool pool_closed_ = false;
    // Pending tasks at the close: a dying body may queue another's step.
    std::vector<TaskRef> destroyed_;
};

inline void TaskBase::start(LoopData& data) {
    data.add(*this);
    retain();
    loop().queue(*this);
}

}  // namespace gyre::detail
