// The benchmarks of tasks on Asio's coroutines.
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

Coro<> nothing() {
    ++sink;
    co_return;
}

Coro<> yield(Executor executor, int times) {
    for (int i = 0; i < times; ++i) {
        co_await asio::post(executor, Awaited());
    }
}

Coro<int> chain_of(int length) {
    if (length == 1) {
        co_return 1;
    }
    const int rest = co_await chain_of(length - 1);
    co_return rest + 1;
}

Coro<int> leaf() { co_return 1; }

Coro<> chains(int times) {
    for (int i = 0; i < times; ++i) {
        const int length = co_await chain_of(10);
        sink += length;
    }
}

Coro<> leaves(int times) {
    for (int i = 0; i < times; ++i) {
        const int length = co_await leaf();
        sink += length;
    }
}

Coro<> ping(Channel& there, Channel& back, int times) {
    for (int i = 0; i < times; ++i) {
        co_await there.async_send(asio::error_code(), i, Awaited());
        const int item = co_await back.async_receive(Awaited());
        sink += item;
    }
}

Coro<> pong(Channel& there, Channel& back, int times) {
    for (int i = 0; i < times; ++i) {
        const int item = co_await there.async_receive(Awaited());
        co_await back.async_send(asio::error_code(), item, Awaited());
    }
}

Coro<> put_all(Channel& channel, int times) {
    for (int i = 0; i < times; ++i) {
        co_await channel.async_send(asio::error_code(), i, Awaited());
    }
}

Coro<> get_all(Channel& channel, int times) {
    for (int i = 0; i < times; ++i) {
        const int item = co_await channel.async_receive(Awaited());
        sink += item;
    }
}

// There is no lock for coroutines: a channel with one token is one.
Coro<> lock_over_yield(Channel& lock, Executor executor, int times) {
    for (int i = 0; i < times; ++i) {
        co_await lock.async_receive(Awaited());
        co_await asio::post(executor, Awaited());
        co_await lock.async_send(asio::error_code(), 0, Awaited());
    }
}

Coro<> sleep_on(Timer& timer) { co_await timer.async_wait(Quietly()); }

Coro<> sleep_for_an_hour(Executor executor) {
    Timer timer(executor, std::chrono::hours(1));
    co_await timer.async_wait(Quietly());
}

void spawn(asio::io_context& context, Coro<> coro) {
    asio::co_spawn(context.get_executor(), std::move(coro), asio::detached);
}

double run(asio::io_context& context, int count) {
    const Stopwatch watch;
    context.run();
    return watch.elapsed() / count;
}

double measure_spawn(int count) {
    asio::io_context context(1);
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (int i = 0; i < kBatch; ++i) {
            spawn(context, nothing());
        }
        context.run();
        context.restart();
    }
    return watch.elapsed() / count;
}

double measure_yield(int tasks, int count) {
    asio::io_context context(1);
    for (int i = 0; i < tasks; ++i) {
        spawn(context, yield(context.get_executor(), count / tasks));
    }
    return run(context, count);
}

template <auto coroutine>
double measure_alone(int count) {
    asio::io_context context(1);
    spawn(context, coroutine(count));
    return run(context, count);
}

double measure_ping_pong(int count) {
    asio::io_context context(1);
    Channel there(context.get_executor(), 1);
    Channel back(context.get_executor(), 1);
    spawn(context, ping(there, back, count));
    spawn(context, pong(there, back, count));
    return run(context, count);
}

double measure_bounded(int count) {
    asio::io_context context(1);
    Channel channel(context.get_executor(), 128);
    spawn(context, put_all(channel, count));
    spawn(context, get_all(channel, count));
    return run(context, count);
}

double measure_contended(int count) {
    asio::io_context context(1);
    Channel lock(context.get_executor(), 1);
    lock.try_send(asio::error_code(), 0);
    for (int i = 0; i < 100; ++i) {
        spawn(context, lock_over_yield(lock, context.get_executor(), count / 100));
    }
    return run(context, count);
}

double measure_sleep(int count) {
    asio::io_context context(1);
    std::minstd_rand random;
    std::vector<Timer> timers;
    timers.reserve(static_cast<std::size_t>(count));
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; ++i) {
        timers.emplace_back(context.get_executor(), std::chrono::milliseconds(random() % 1000));
        spawn(context, sleep_on(timers.back()));
    }
    context.poll();
    for (std::size_t i = 0; i < timers.size(); i += 2) {
        timers[i].cancel();
    }
    context.run();
    return watch.elapsed() / count;
}

double measure_sleep_bytes(int count) {
    static asio::io_context context(1);
    const double before = resident_bytes();
    for (int i = 0; i < count; ++i) {
        spawn(context, sleep_for_an_hour(context.get_executor()));
    }
    context.poll();
    return (resident_bytes() - before) / count;
}

double measure_post(int count) {
    asio::io_context context(1);
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
    asio::io_context context(1);
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
    {"yield", 10'000'000, [](int count) { return measure_yield(100, count); }},
    {"yield_one", 1'000'000, [](int count) { return measure_yield(1, count); }},
    {"chain", 1'000'000, measure_alone<chains>},
    {"leaf", 10'000'000, measure_alone<leaves>},
    {"ping_pong", 1'000'000, measure_ping_pong},
    {"bounded", 1'000'000, measure_bounded},
    {"lock_contended", 1'000'000, measure_contended},
    {"sleep", 1'000'000, measure_sleep},
    {"sleep_bytes", 1'000'000, measure_sleep_bytes},
    {"post", 1'000'000, measure_post},
    {"call_soon", 1'000'000, measure_call_soon},
};

}  // namespace

int main(int argc, char** argv) { return run_benchmark(argc, argv, benchmarks); }
