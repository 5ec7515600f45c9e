// Section 1: what an iteration runs, and in which order.
#include "raw_loop.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>

namespace {

ContextVar<int> colour("colour", 0);

}  // namespace

TEST_CASE("callbacks run in the order they were queued, each once (S1)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::vector<int> expected(1000);
        std::iota(expected.begin(), expected.end(), 0);
        std::vector<int> order;
        for (const int each : expected) {
            loop.call_soon([&order](int which) { order.push_back(which); }, each);
        }
        run_one(loop);
        CHECK(order == expected);
        run_one(loop);
        CHECK(order == expected);
    });
}

TEST_CASE(
    "whatever can be called with its arguments is a callback; it is freed after the call (S1)") {
    struct alignas(64) Wide {
        int value = 3;
    };
    struct Counter {
        void add(int by) { count += by; }
        int count = 0;
    };
    on_each(all_loops, [](EventLoop& loop) {
        Counter counter;
        const auto resource = std::make_shared<int>(5);
        const Wide wide;
        loop.call_soon(&Counter::add, &counter, 1);
        loop.call_soon(&Counter::add, std::ref(counter), 1);
        Handle handle =
            loop.call_soon([&counter, own = std::make_unique<int>(2)](
                               const std::shared_ptr<int>& shared) { counter.add(*own + *shared); },
                           resource);
        loop.call_soon([&counter, wide] {
            CHECK(reinterpret_cast<std::uintptr_t>(&wide) % alignof(Wide) == 0);
            counter.add(wide.value);
        });
        CHECK(resource.use_count() == 2);
        run_one(loop);
        CHECK(counter.count == 12);
        CHECK(resource.use_count() == 1);
    });
}

TEST_CASE("a callback queued in an iteration waits for the next (S2)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        const auto note_and_queue = [&](const char* first, const char* second) {
            loop.call_soon([&, first, second] {
                order += first;
                loop.call_soon([&, second] { order += second; });
            });
        };
        note_and_queue("A", "a");
        note_and_queue("B", "b");
        run_one(loop);
        CHECK(order == "AB");
        run_one(loop);
        CHECK(order == "ABab");
    });
}

TEST_CASE("what is queued runs first, then I/O, then timers (S3, S4)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        loop.call_at(loop.time() - 1ms, [&] { order += "timer "; });
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.call_soon([&] { order += "queued "; });
        run_one(loop);
        CHECK(order == "queued reader timer ");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("a loop with something to run does not wait for its timers (S5)") {
    on_each(all_loops, [](EventLoop& loop) {
        TimerHandle far_away = loop.call_later(1h, [] {});
        int calls = 0;
        loop.call_soon([&] {
            ++calls;
            loop.call_soon([&] {
                ++calls;
                loop.stop();
            });
        });
        loop.run_forever();
        CHECK(calls == 2);
        run_one(loop);  // nor does one that is to stop
        CHECK(loop.time() < far_away.when());
        far_away.cancel();
    });
}

TEST_CASE("a callback that queues itself for ever starves neither I/O nor timers (S6, S6a)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        std::optional<Ticks> spinner(std::in_place, loop);
        const Ticks& ticks = *spinner;
        int sent_at = 0;
        int read_after = 0;
        int timer_after = 0;
        loop.add_reader(sockets.near(), [&] {
            read_after = ticks.count() - sent_at;
            loop.remove_reader(sockets.near());
            sent_at = ticks.count();
            loop.call_later(0s, [&] {
                timer_after = ticks.count() - sent_at;
                loop.stop();
            });
        });
        loop.call_soon([&] {
            sockets.send();
            sent_at = ticks.count();
        });
        loop.run_forever();
        CHECK(read_after >= 1);
        CHECK(read_after <= 64);
        CHECK(timer_after == 1);
        spinner.reset();
        run_one(loop);
    });
}

TEST_CASE("a timer's deadline passes while callbacks queue themselves for ever (S6)") {
    on_each(real_loops, [](EventLoop& loop) {
        {
            const Ticks ticks(loop);
            loop.call_later(1ms, [&] { loop.stop(); });
            loop.run_forever();
            CHECK(ticks.count() > 0);
        }
        run_one(loop);
    });
}

TEST_CASE("stop() before the run: exactly one iteration, however quick the last run was (S32)") {
    on_each(all_loops, [](EventLoop& loop) {
        int calls = 0;
        int last = 1000;
        const std::function<void()> turn = [&] {
            if (++calls == last) {
                loop.stop();
            }
            if (calls < 2000) {
                loop.call_soon(turn);
            }
        };
        loop.call_soon(turn);
        loop.run_forever();
        CHECK(calls == 1000);
        for (int run = 1; run <= 3; ++run) {
            run_one(loop);
            CHECK(calls == 1000 + run);
        }
        last = 2000;
        loop.run_forever();
    });
}

TEST_CASE("callbacks that become slow let I/O wait no longer than 100 us soon after (S6a)") {
    on_each(real_loops, [](EventLoop& loop) {
        constexpr int kQuick = 1000;
        const Sockets sockets;
        int calls = 0;
        int sent_at = 0;
        std::vector<int> read_after;
        const auto send = [&] {
            sockets.send();
            sent_at = calls;
        };
        const std::function<void()> turn = [&] {
            const auto until = loop.time() + (calls > kQuick ? 30us : 0us);
            while (loop.time() < until) {
            }
            if (++calls == kQuick) {
                send();
            }
            if (read_after.size() < 2) {
                loop.call_soon(turn);
            } else {
                loop.stop();
            }
        };
        loop.add_reader(sockets.near(), [&] {
            sockets.receive();
            read_after.push_back(calls - sent_at);
            send();
        });
        loop.call_soon(turn);
        loop.run_forever();
        CHECK(loop.remove_reader(sockets.near()));
        REQUIRE(read_after.size() >= 2);
        CHECK(read_after[0] <= 64);  // those that were quick said nothing about these
        CHECK(read_after[1] <= 5);
    });
}

TEST_CASE("the reader of a descriptor runs before its writer (S7)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        run_one(loop);
        CHECK(order == "reader writer ");
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a callback cancelled before its turn is skipped, also in its own iteration (S8)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        Handle second;
        loop.call_soon([&] {
            order += "first ";
            second.cancel();
        });
        second = loop.call_soon([&] { order += "second "; });
        loop.call_soon([&] { order += "third "; });
        run_one(loop);
        CHECK(order == "first third ");
        CHECK(second.cancelled());
    });
}

TEST_CASE("what another thread queued during the poll runs before the I/O of that poll (S9)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        std::string order;
        loop.add_reader(sockets.near(), [&] {
            order += "reader ";
            loop.remove_reader(sockets.near());
            loop.stop();
        });
        loop.call_soon([&] {
            sockets.send();
            std::thread([&] { loop.call_soon_threadsafe([&] { order += "posted "; }); }).join();
        });
        loop.run_forever();
        CHECK(order == "posted reader ");
    });
}

TEST_CASE("a reader removed by another one of the same poll does not run (S10)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets one;
        const Sockets other;
        one.send();
        other.send();
        int calls = 0;
        loop.add_reader(one.near(), [&] {
            ++calls;
            CHECK(loop.remove_reader(other.near()));
        });
        loop.add_reader(other.near(), [&] {
            ++calls;
            CHECK(loop.remove_reader(one.near()));
        });
        run_one(loop);
        CHECK(calls == 1);
        CHECK(static_cast<int>(loop.remove_reader(one.near())) +
                  static_cast<int>(loop.remove_reader(other.near())) ==
              1);
    });
}

GYRE_TEST_CASE("callbacks see no current task, also those that a task queued (S11)") {
    int calls = 0;
    const auto look = [&] {
        ++calls;
        CHECK_FALSE(current_task());
    };
    CHECK(current_task());
    loop.call_soon(look);
    loop.call_later(0s, look);
    Future<> future = create_future<>();
    future.add_done_callback(look);
    future.set_result();
    Task<> task = create_task([]() -> Coro<> { co_await sleep(0s); });
    task.add_done_callback(look);
    co_await task;
    co_await sleep(0s);
    CHECK(calls == 4);
    CHECK(current_task());
}

GYRE_TEST_CASE("a callback runs in the context of whoever queued it, as it was then (S12)") {
    std::vector<int> seen;
    const auto look = [&] {
        seen.push_back(colour.get());
        colour.set(99);  // in its own copy
    };
    colour.set(1);
    loop.call_soon(look);
    colour.set(2);
    loop.call_later(0s, look);
    Future<> future = create_future<>();
    future.add_done_callback(look);
    colour.set(3);
    future.set_result();
    loop.call_soon_threadsafe(look);
    colour.set(4);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(colour.get() == 4);
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector{1, 2, 2, 3});
}
