#include "named_thread.hpp"

#include <gyre/errors.hpp>
#include <gyre/thread_pool.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace gyre {

ThreadPool::Job::~Job() = default;

// Shared with the threads, which may outlive the pool after shutdown(false).
struct ThreadPool::State {
    std::mutex mutex;
    std::condition_variable work;
    std::condition_variable ended;
    std::deque<std::shared_ptr<Job>> jobs;
    std::vector<std::thread> threads;
    std::string prefix;
    std::size_t max_threads = 0;
    std::size_t running = 0;  // threads that have not ended
    std::size_t idle = 0;
    bool closed = false;

    void work_off();
    void start_thread(const std::shared_ptr<State>& self);
    void shut_down(bool wait);
};

namespace {

thread_local const void* pool_of_this_thread = nullptr;

// Threads that nobody waited for; the program does at its end.
class Leftovers {
public:
    Leftovers() = default;
    Leftovers(const Leftovers&) = delete;
    Leftovers& operator=(const Leftovers&) = delete;
    ~Leftovers() {
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }
    void add(std::vector<std::thread> threads) {
        const std::lock_guard lock(mutex_);
        std::move(threads.begin(), threads.end(), std::back_inserter(threads_));
    }

private:
    std::mutex mutex_;
    std::vector<std::thread> threads_;
};

Leftovers& leftovers() {
    static Leftovers all;
    return all;
}

std::size_t default_threads() {
    constexpr std::size_t most = 32;
    constexpr std::size_t more_than_processors = 4;
    return std::min<std::size_t>(most, std::thread::hardware_concurrency() + more_than_processors);
}

class FunctionJob final : public ThreadPool::Job {
public:
    explicit FunctionJob(std::function<void()> function) : function_(std::move(function)) {}
    void run() noexcept override { function_(); }

private:
    std::function<void()> function_;
};

}  // namespace

ThreadPool::ThreadPool(std::size_t max_threads, std::string_view name_prefix)
    : state_(std::make_shared<State>()) {
    leftovers();  // made before the pool, so gone after it
    state_->prefix = name_prefix;
    state_->max_threads = max_threads == 0 ? default_threads() : max_threads;
}

// A job may have the last handle of its own pool.
ThreadPool::~ThreadPool() {
    bool left_behind = pool_of_this_thread == state_.get();
    {
        const std::lock_guard lock(state_->mutex);
        left_behind = left_behind || state_->closed;
    }
    state_->shut_down(!left_behind);
}

void ThreadPool::State::work_off() {
    pool_of_this_thread = this;
    std::unique_lock lock(mutex);
    for (;;) {
        ++idle;
        work.wait(lock, [this] { return closed || !jobs.empty(); });
        --idle;
        if (jobs.empty()) {
            --running;
            ended.notify_all();
            return;
        }
        std::shared_ptr<Job> job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        job->run();
        job.reset();
        lock.lock();
    }
}

void ThreadPool::State::start_thread(const std::shared_ptr<State>& self) {
    threads.reserve(threads.size() + 1);  // one that runs must not be lost
    threads.push_back(detail::start_thread(prefix + "_" + std::to_string(threads.size()),
                                           [self] { self->work_off(); }));
    ++running;
}

void ThreadPool::submit(std::shared_ptr<Job> job) {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) {
        throw RuntimeError("cannot schedule new functions after shutdown");
    }
    state_->jobs.push_back(std::move(job));
    if (state_->idle < state_->jobs.size() && state_->threads.size() < state_->max_threads) {
        try {
            state_->start_thread(state_);
        } catch (const std::system_error&) {
            if (state_->threads.empty()) {
                state_->jobs.pop_back();
                throw;
            }
        }
    }
    state_->work.notify_one();
}

void ThreadPool::submit(std::function<void()> function) {
    submit(std::make_shared<FunctionJob>(std::move(function)));
}

void ThreadPool::shutdown(bool wait) {
    if (wait && pool_of_this_thread == state_.get()) {
        throw RuntimeError("a thread of the pool cannot wait for its own end");
    }
    state_->shut_down(wait);
}

// Whoever else waits meanwhile, or did not wait before.
void ThreadPool::State::shut_down(bool wait) {
    std::unique_lock lock(mutex);
    closed = true;
    work.notify_all();
    std::vector<std::thread> own = std::exchange(threads, {});
    if (!wait) {
        leftovers().add(std::move(own));
        return;
    }
    ended.wait(lock, [this] { return running == 0; });
    lock.unlock();
    for (std::thread& thread : own) {
        thread.join();
    }
}

ThreadPool::Statistics ThreadPool::statistics() const {
    const std::lock_guard lock(state_->mutex);
    return {state_->threads.size(), state_->idle, state_->jobs.size(), state_->max_threads};
}

}  // namespace gyre
