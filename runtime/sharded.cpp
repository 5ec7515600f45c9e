#include "named_thread.hpp"
#include "shard_group.hpp"

#include <gyre/errors.hpp>
#include <gyre/sharded.hpp>

#include <sched.h>

#include <atomic>
#include <cerrno>
#include <latch>
#include <string>
#include <thread>

namespace gyre {

std::size_t usable_cores() {
    // The kernel may know of more cores than fit into one cpu_set_t, and refuses a small mask.
    for (std::vector<cpu_set_t> sets(1);; sets.resize(sets.size() * 2)) {
        const std::size_t bytes = sets.size() * sizeof(cpu_set_t);
        if (::sched_getaffinity(0, bytes, sets.data()) == 0) {
            return static_cast<std::size_t>(CPU_COUNT_S(bytes, sets.data()));
        }
        if (errno != EINVAL) {
            return 1;
        }
    }
}

namespace detail {

namespace {

// The threads of all shards but the first; none of them runs main before open() says so.
class ShardThreads {
public:
    explicit ShardThreads(const ShardGroup& group)
        : group_(group),
          errors_(group.count()),
          loops_to_come_(static_cast<std::ptrdiff_t>(group.count() - 1)) {}
    ShardThreads(const ShardThreads&) = delete;
    ShardThreads& operator=(const ShardThreads&) = delete;
    ~ShardThreads() { leave_gate(Gate::dismissed); }

    /// Throws if a thread cannot be started, or a loop cannot be made.
    void start() {
        threads_.reserve(group_.count() - 1);
        for (std::size_t index = 1; index < group_.count(); ++index) {
            threads_.push_back(start_thread("gyre-shard-" + std::to_string(index),
                                            [this, index] { live(index); }));
        }
        loops_to_come_.wait();
        for (const std::exception_ptr& error : errors_) {
            if (error != nullptr) {
                std::rethrow_exception(error);
            }
        }
    }
    void open() noexcept { pass(Gate::open); }
    void join() { leave_gate(Gate::open); }

private:
    enum class Gate : int { shut, open, dismissed };

    void live(std::size_t index) noexcept {
        ShardRun& shard = group_.shard(index);
        try {
            shard.make_loop();
        } catch (...) {
            errors_[index] = std::current_exception();
        }
        loops_to_come_.count_down();
        gate_.wait(Gate::shut);
        if (gate_ == Gate::open) {
            shard.run();
        } else {
            shard.discard();
        }
    }
    void pass(Gate way) noexcept {
        Gate shut = Gate::shut;
        gate_.compare_exchange_strong(shut, way);
        gate_.notify_all();
    }
    void leave_gate(Gate way) noexcept {
        pass(way);
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

    const ShardGroup& group_;
    std::vector<std::exception_ptr> errors_;
    std::latch loops_to_come_;
    std::atomic<Gate> gate_ = Gate::shut;
    std::vector<std::thread> threads_;
};

}  // namespace

std::size_t count_shards(const ShardedOptions& options) {
    check_not_running("run_sharded()");
    return options.shards != 0 ? options.shards : usable_cores();
}

void run_shards(ShardWork& work, std::size_t count, const ShardedOptions& options) {
    ShardGroup group(work, count, options);
    // A bad spec is found out here, without a thread.
    group.shard(0).make_loop();
    {
        ShardThreads threads(group);
        threads.start();
        threads.open();
        group.shard(0).run();
        threads.join();
    }
    group.throw_outcome();
}

}  // namespace detail

std::size_t Shard::count() const noexcept { return group_->count(); }

EventLoop& Shard::loop(std::size_t index) const {
    if (index >= group_->count()) {
        throw ValueError("there is no shard " + std::to_string(index) + " among " +
                         std::to_string(group_->count()));
    }
    return group_->shard(index).loop();
}

}  // namespace gyre
