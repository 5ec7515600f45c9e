// The benchmarks of tasks on the floor: a hand-written minimum, with no cancellation and no I/O.
#include "bodies.hpp"
#include "floor/lock.hpp"
#include "floor/loop.hpp"
#include "floor/queue.hpp"
#include "floor/task.hpp"
#include "measure.hpp"

#include <coroutine>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace bench;
using namespace bench::floor;

struct Floor {
    template <class T>
    using Coro = floor::Task<T>;
    using Queue = floor::Queue<int>;
    using Lock = floor::Lock;
    static auto yield() { return floor::Yield(); }
};
using Do = Bodies<Floor>;

Task<> spawn_and_join(int batches) {
    for (int batch = 0; batch < batches; ++batch) {
        Group group;
        for (int i = 0; i < kBatch; ++i) {
            Do::nothing().spawn(group);
        }
        co_await group;
    }
}

Task<> sleep_for(int milliseconds, Sleep*& sleeping) {
    Sleep sleep(milliseconds);
    sleeping = &sleep;
    co_await sleep;
}

// Suspended until `self` is resumed.
struct Parked {
    explicit Parked(std::coroutine_handle<>& self) : self_(self) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const noexcept { self_ = awaiting; }
    void await_resume() const noexcept {}

    std::coroutine_handle<>& self_;
};

Task<> resumed_by_posts(std::coroutine_handle<>& self, int times) {
    for (int i = 0; i < times; ++i) {
        co_await Parked(self);
        ++sink;
    }
}

double per_operation(Loop& loop, const Group& group, int count) {
    const Stopwatch watch;
    loop.run_until([&] { return group.done(); });
    return watch.elapsed() / count;
}

double run_alone(Loop& loop, Task<> task, int count) {
    Group group;
    std::move(task).spawn(group);
    return per_operation(loop, group, count);
}

double measure_yield(int tasks, int count) {
    Loop loop;
    Group group;
    for (int i = 0; i < tasks; ++i) {
        Do::yield(count / tasks).spawn(group);
    }
    return per_operation(loop, group, count);
}

double measure_ping_pong(int count) {
    Loop loop;
    Group group;
    Queue<int> there(1);
    Queue<int> back(1);
    Do::ping(there, back, count).spawn(group);
    Do::pong(there, back, count).spawn(group);
    return per_operation(loop, group, count);
}

double measure_bounded(int count) {
    Loop loop;
    Group group;
    Queue<int> queue(128);
    Do::put_all(queue, count).spawn(group);
    Do::get_all(queue, count).spawn(group);
    return per_operation(loop, group, count);
}

double measure_contended(int count) {
    Loop loop;
    Group group;
    Lock lock;
    for (int i = 0; i < 100; ++i) {
        Do::lock_over_yield(lock, count / 100).spawn(group);
    }
    return per_operation(loop, group, count);
}

double measure_sleep(int count) {
    std::vector<Sleep*> sleeping(static_cast<std::size_t>(count));
    std::minstd_rand random;
    Loop loop;
    Group group;
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    for (Sleep*& each : sleeping) {
        sleep_for(static_cast<int>(random() % 1000), each).spawn(group);
    }
    loop.drain();
    for (std::size_t i = 0; i < sleeping.size(); i += 2) {
        sleeping[i]->cancel();
    }
    loop.run_until([&] { return group.done(); });
    return watch.elapsed() / count;
}

double measure_sleep_bytes(int count) {
    static Loop loop;
    static Group group;
    Sleep* unused = nullptr;
    const double before = resident_bytes();
    for (int i = 0; i < count; ++i) {
        sleep_for(3'600'000, unused).spawn(group);
    }
    loop.drain();
    return (resident_bytes() - before) / count;
}

double measure_post(int count) {
    Loop loop;
    Group group;
    std::coroutine_handle<> receiver;
    resumed_by_posts(receiver, count).spawn(group);
    loop.drain();
    std::vector<Step> steps(static_cast<std::size_t>(count));
    for (Step& step : steps) {
        step.coroutine = receiver;
    }
    const Stopwatch watch;
    std::thread poster([&] {
        for (Step& step : steps) {
            loop.post(step);
        }
    });
    loop.run_until([&] { return group.done(); });
    const double elapsed = watch.elapsed();
    poster.join();
    return elapsed / count;
}

template <auto make>
double measure_alone(int count) {
    Loop loop;
    return run_alone(loop, make(count), count);
}

double measure_fib(int) { return measure_alone<Do::fib>(kFibCalls); }

const Benchmark benchmarks[] = {
    {"spawn", 1'000'000, measure_alone<[](int count) { return spawn_and_join(count / kBatch); }>},
    {"yield", 10'000'000, [](int count) { return measure_yield(100, count); }},
    {"yield_one", 10'000'000, measure_alone<Do::yield>},
    {"chain", 1'000'000, measure_alone<Do::chains>},
    {"leaf", 10'000'000, measure_alone<Do::leaves>},
    {"fib", kFibCalls, measure_fib},
    {"ping_pong", 1'000'000, measure_ping_pong},
    {"bounded", 10'000'000, measure_bounded},
    {"lock_contended", 1'000'000, measure_contended},
    {"lock_alone", 10'000'000, measure_alone<Do::lock_alone>},
    {"sleep", 1'000'000, measure_sleep},
    {"sleep_bytes", 1'000'000, measure_sleep_bytes},
    {"post", 1'000'000, measure_post},
};

}  // namespace

int main(int argc, char** argv) { return run_benchmark(argc, argv, benchmarks); }
