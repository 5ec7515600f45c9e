// The benchmarks of tasks on Asio's coroutines.
#include "bodies.hpp"
#include "measure.hpp"

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/channel.hpp>

#include <chrono>
#include <cstddef>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace bench;
using Executor = asio::io_context::executor_type;
template <class T = void>
using Coro = asio::awaitable<T, Executor>;
using Awaited = asio::use_awaitable_t<Executor>;
// Without an exception for what was cancelled.
using Quietly = asio::experimental::as_tuple_t<Awaited>;
using Channel = asio::experimental::basic_channel<Executor, asio::experimental::channel_traits<>,
                                                  void(asio::error_code, int)>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

// A program does one benchmark.
asio::io_context context(1);

struct Asio {
    template <class T>
    using Coro = asio::awaitable<T, Executor>;

    class Queue {
    public:
        explicit Queue(std::size_t size) : channel_(context.get_executor(), size) {}
        auto put(int item) { return channel_.async_send(asio::error_code(), item, Awaited()); }
        auto get() { return channel_.async_receive(Awaited()); }

    private:
        Channel channel_;
    };

    // There is none for coroutines: a channel with one token is one.
    class Lock {
    public:
        Lock() : token_(context.get_executor(), 1) { release(); }
        auto acquire() { return token_.async_receive(Awaited()); }
        void release() { token_.try_send(asio::error_code(), 0); }

    private:
        Channel token_;
    };

    static auto yield() { return asio::post(context.get_executor(), Awaited()); }
};
using Do = Bodies<Asio>;

Coro<> sleep_on(Timer& timer) { co_await timer.async_wait(Quietly()); }

Coro<> sleep_for_an_hour() {
    Timer timer(context.get_executor(), std::chrono::hours(1));
    co_await timer.async_wait(Quietly());
}

void spawn(Coro<> coro) { asio::co_spawn(context.get_executor(), std::move(coro), asio::detached); }

double run(int count) {
    const Stopwatch watch;
    context.run();
    return watch.elapsed() / count;
}

double measure_spawn(int count) {
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (int i = 0; i < kBatch; ++i) {
            spawn(Do::nothing());
        }
        context.run();
        context.restart();
    }
    return watch.elapsed() / count;
}

double measure_yield(int count) {
    for (int i = 0; i < 100; ++i) {
        spawn(Do::yield(count / 100));
    }
    return run(count);
}

template <auto coroutine>
double measure_alone(int count) {
    spawn(coroutine(count));
    return run(count);
}

double measure_fib(int) { return measure_alone<Do::fib>(kFibCalls); }

double measure_ping_pong(int count) {
    Do::Queue there(1);
    Do::Queue back(1);
    spawn(Do::ping(there, back, count));
    spawn(Do::pong(there, back, count));
    return run(count);
}

double measure_bounded(int count) {
    Do::Queue queue(128);
    spawn(Do::put_all(queue, count));
    spawn(Do::get_all(queue, count));
    return run(count);
}

double measure_contended(int count) {
    Do::Lock lock;
    for (int i = 0; i < 100; ++i) {
        spawn(Do::lock_over_yield(lock, count / 100));
    }
    return run(count);
}

double measure_sleep(int count) {
    std::minstd_rand random;
    std::vector<Timer> timers;
    timers.reserve(static_cast<std::size_t>(count));
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; ++i) {
        timers.emplace_back(context.get_executor(), std::chrono::milliseconds(random() % 1000));
        spawn(sleep_on(timers.back()));
    }
    context.poll();
    for (std::size_t i = 0; i < timers.size(); i += 2) {
        timers[i].cancel();
    }
    context.run();
    return watch.elapsed() / count;
}

double measure_sleep_bytes(int count) {
    const double before = resident_bytes();
    for (int i = 0; i < count; ++i) {
        spawn(sleep_for_an_hour());
    }
    context.poll();
    return (resident_bytes() - before) / count;
}

double measure_post(int count) {
    auto kept_alive = asio::make_work_guard(context);
    int left = count;
    const Stopwatch watch;
    std::jthread poster([&] {
        for (int i = 0; i < count; ++i) {
            asio::post(context, [&] {
                if (--left == 0) {
                    kept_alive.reset();
                }
            });
        }
    });
    context.run();
    return watch.elapsed() / count;
}

double measure_call_soon(int count) {
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (int i = 0; i < kBatch; ++i) {
            asio::post(context, [] { ++sink; });
        }
        context.run();
        context.restart();
    }
    return watch.elapsed() / count;
}

const Benchmark benchmarks[] = {
    {"spawn", 1'000'000, measure_spawn},
    {"yield", 10'000'000, measure_yield},
    {"yield_one", 1'000'000, measure_alone<Do::yield>},
    {"chain", 1'000'000, measure_alone<Do::chains>},
    {"leaf", 10'000'000, measure_alone<Do::leaves>},
    {"fib", kFibCalls, measure_fib},
    {"ping_pong", 1'000'000, measure_ping_pong},
    {"bounded", 1'000'000, measure_bounded},
    {"lock_contended", 1'000'000, measure_contended},
    {"lock_alone", 1'000'000, measure_alone<Do::lock_alone>},
    {"sleep", 1'000'000, measure_sleep},
    {"sleep_bytes", 1'000'000, measure_sleep_bytes},
    {"post", 1'000'000, measure_post},
    {"call_soon", 1'000'000, measure_call_soon},
};

}  // namespace

int main(int argc, char** argv) { return run_benchmark(argc, argv, benchmarks); }
