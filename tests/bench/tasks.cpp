// The benchmarks of tasks on gyre, by its public API; GYRE_LOOP says on which loop.
#include "bodies.hpp"
#include "measure.hpp"

#include <gyre/gyre.hpp>

#include <chrono>
#include <cstddef>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace bench;
using namespace gyre;
using std::chrono::milliseconds;
constexpr milliseconds kNow(0);

struct Gyre {
    template <class T>
    using Coro = gyre::Coro<T>;
    using Queue = gyre::Queue<int>;
    using Lock = gyre::Lock;
    static auto yield() { return gyre::sleep(kNow); }
};
using Do = Bodies<Gyre>;

Coro<> spawn_and_join(int batches) {
    std::vector<Task<>> tasks;
    tasks.reserve(kBatch);
    for (int batch = 0; batch < batches; ++batch) {
        tasks.clear();
        for (int i = 0; i < kBatch; ++i) {
            tasks.push_back(create_task(Do::nothing()));
        }
        for (const Task<>& task : tasks) {
            co_await task;
        }
    }
}

Coro<> spawn_in_groups(int batches) {
    for (int batch = 0; batch < batches; ++batch) {
        co_await with_task_group([](TaskGroup& group) -> Coro<> {
            for (int i = 0; i < kBatch; ++i) {
                group.create_task(Do::nothing());
            }
            co_return;
        });
    }
}

Coro<> spawn_by_gather(int batches) {
    for (int batch = 0; batch < batches; ++batch) {
        std::vector<Coro<>> coros;
        coros.reserve(kBatch);
        for (int i = 0; i < kBatch; ++i) {
            coros.push_back(Do::nothing());
        }
        co_await gather(std::move(coros));
    }
}

Coro<> ping_pong(int times) {
    Queue<int> there(1);
    Queue<int> back(1);
    co_await gather(Do::ping(there, back, times), Do::pong(there, back, times));
}

Coro<> bounded(int times) {
    Queue<int> queue(128);
    co_await gather(Do::put_all(queue, times), Do::get_all(queue, times));
}

// Each of a hundred tasks does its part.
template <class Part>
Coro<> by_hundred(Part part, int count) {
    std::vector<Coro<>> coros;
    for (int i = 0; i < 100; ++i) {
        coros.push_back(part(count / 100));
    }
    co_await gather(std::move(coros));
}

Coro<> yield_by_hundred(int count) { return by_hundred(Do::yield, count); }

Coro<> lock_contended(int count) {
    Lock lock;
    const auto part = [&lock](int times) { return Do::lock_over_yield(lock, times); };
    co_await by_hundred(part, count);
}

Coro<> sleep_for(milliseconds duration) { co_await sleep(duration); }

Coro<> sleep_or_cancel(TaskGroup& group, int count) {
    std::minstd_rand random;
    std::vector<Task<>> tasks(static_cast<std::size_t>(count));
    for (Task<>& task : tasks) {
        task = group.create_task(sleep_for(milliseconds(random() % 1000)));
    }
    co_await sleep(kNow);
    for (std::size_t i = 0; i < tasks.size(); i += 2) {
        tasks[i].cancel();
    }
}

Coro<> sleeps(int count) {
    const auto body = [count](TaskGroup& group) { return sleep_or_cancel(group, count); };
    co_await with_task_group(body);
}

Coro<double> bytes_asleep(int count) {
    const double before = resident_bytes();
    for (int i = 0; i < count; ++i) {
        create_task(sleep_for(std::chrono::hours(1)));
    }
    co_await sleep(kNow);
    co_return (resident_bytes() - before) / count;
}

Coro<> posts(int count) {
    EventLoop& loop = get_running_loop();
    Event all_run;
    int left = count;
    const auto one = [&left, &all_run] {
        if (--left == 0) {
            all_run.set();
        }
    };
    std::jthread poster([&loop, &one, count] {
        for (int i = 0; i < count; ++i) {
            loop.call_soon_threadsafe(one);
        }
    });
    co_await all_run.wait();
}

template <auto coroutine, clockid_t clock = CLOCK_MONOTONIC, int in_batches = 1>
double measure(int count) {
    Runner runner;
    const Stopwatch watch(clock);
    runner.run(coroutine(count / in_batches));
    return watch.elapsed() / count;
}

// The tasks sleep on when the figure is printed: to cancel them all would take longer.
double measure_bytes(int count) {
    static Runner runner;
    return runner.run(bytes_asleep(count));
}

double measure_fib(int) { return measure<Do::fib>(kFibCalls); }

const Benchmark benchmarks[] = {
    {"spawn", 1'000'000, measure<spawn_and_join, CLOCK_MONOTONIC, kBatch>},
    {"spawn_group", 1'000'000, measure<spawn_in_groups, CLOCK_MONOTONIC, kBatch>},
    {"spawn_gather", 1'000'000, measure<spawn_by_gather, CLOCK_MONOTONIC, kBatch>},
    {"yield", 10'000'000, measure<yield_by_hundred>},
    {"yield_one", 10'000'000, measure<Do::yield>},
    {"chain", 1'000'000, measure<Do::chains>},
    {"leaf", 10'000'000, measure<Do::leaves>},
    {"fib", kFibCalls, measure_fib},
    {"ping_pong", 1'000'000, measure<ping_pong>},
    {"bounded", 10'000'000, measure<bounded>},
    {"lock_contended", 1'000'000, measure<lock_contended>},
    {"lock_alone", 10'000'000, measure<Do::lock_alone>},
    {"sleep", 1'000'000, measure<sleeps, CLOCK_PROCESS_CPUTIME_ID>},
    {"sleep_bytes", 1'000'000, measure_bytes},
    {"post", 1'000'000, measure<posts>},
};

}  // namespace

int main(int argc, char** argv) { return run_benchmark(argc, argv, benchmarks); }
