// ThreadPool: threads that run functions, for what can only block.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace gyre {

/// A bounded number of threads, started as they are needed, that run functions in order of
/// submission.
///
/// ```
/// ThreadPool pool(4);
/// auto digest = co_await run_in_executor(pool, [&] { return sha256(file); });
/// ```
///
/// Thread rule: any thread. asyncio: concurrent.futures.ThreadPoolExecutor.
class GYRE_API ThreadPool {
public:
    /// A function that waits for a thread, or runs.
    class GYRE_API Job : public std::enable_shared_from_this<Job> {
    public:
        Job() = default;
        Job(const Job&) = delete;
        Job& operator=(const Job&) = delete;
        virtual ~Job();
        /// Called in one of the threads; lets no exception through.
        virtual void run() noexcept = 0;
    };

    /// 0 threads: a few more than the machine has processors. Threads are named prefix_0, prefix_1
    /// …
    explicit ThreadPool(std::size_t max_threads = 0, std::string_view name_prefix = "gyre");
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    /// Waits for the functions that are queued and running, unless shutdown() was called.
    ~ThreadPool();

    /// Queues a job. Throws RuntimeError after shutdown(); std::system_error if not even one thread
    /// can be started.
    void submit(std::shared_ptr<Job> job);
    /// Queues function(); an exception that leaves it ends the program, as from std::thread.
    void submit(std::function<void()> function);

    /// Takes no more functions. With `wait`, returns when all that were queued have run, and throws
    /// RuntimeError in one of the threads; without, they still run.
    void shutdown(bool wait = true);

    struct Statistics {
        std::size_t threads;      ///< started
        std::size_t idle;         ///< waiting for a function
        std::size_t queued;       ///< functions that wait for a thread
        std::size_t max_threads;  ///< the bound
    };
    [[nodiscard]] Statistics statistics() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace gyre
