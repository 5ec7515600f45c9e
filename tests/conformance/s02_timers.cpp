// Section 2: timers.
#include "raw_loop.hpp"

#include <gyre/detail/timer_queue.hpp>

#include <algorithm>
#include <deque>
#include <limits>
#include <memory>
#include <numeric>

namespace {

struct BareTimer final : detail::Timer {
    void run() override {}
};

}  // namespace

TEST_CASE("call_later(d) is call_at(time() + d) (S13)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto before = loop.time();
        TimerHandle timer = loop.call_later(1500us, [] {});
        const auto after = loop.time();
        CHECK(timer.when() >= before + 1500us);
        CHECK(timer.when() <= after + 1500us);
        timer.cancel();
        const std::chrono::duration<double> nan(std::numeric_limits<double>::quiet_NaN());
        CHECK_THROWS_AS(loop.call_later(nan, [] {}), ValueError);
    });
}

TEST_CASE("a timer is never early (S14)") {
    on_each(all_loops, [](EventLoop& loop) {
        int left = 0;
        // Among them what a clock of whole milliseconds rounds down.
        for (const auto delay :
             {1ns, 400'000ns, 999'999ns, 1'000'000ns, 1'499'999ns, 2'600'000ns}) {
            ++left;
            const auto due = loop.time() + delay;
            loop.call_at(due, [&, due] {
                CHECK(loop.time() >= due);
                if (--left == 0) {
                    loop.stop();
                }
            });
        }
        loop.run_forever();
        CHECK(left == 0);
    });
}

TEST_CASE("a delay that is no whole number of nanoseconds is rounded up (S14)") {
    on_each({"virtual"}, [](EventLoop& loop) {
        using Thirds = std::chrono::duration<int, std::ratio<1, 3'000'000'000>>;
        const auto start = loop.time();
        std::vector<TimerHandle> timers{loop.call_later(Thirds(1), [] {}),
                                        loop.call_later(Thirds(4), [] {}),
                                        loop.call_later(std::chrono::duration<double>(0.1), [] {})};
        CHECK(timers[0].when() - start == 1ns);
        CHECK(timers[1].when() - start == 2ns);
        CHECK(timers[2].when() - start == 100ms);
        for (TimerHandle& timer : timers) {
            timer.cancel();
        }
    });
}

TEST_CASE("timers that are due together run by deadline, equal ones by creation (S15, S16)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto now = loop.time();
        std::vector<int> order;
        const auto add = [&](std::chrono::nanoseconds when, int which) {
            loop.call_at(when, [&order, which] { order.push_back(which); });
        };
        for (int which = 99; which >= 0; --which) {
            add(now - 200ns + std::chrono::nanoseconds(which), which);
        }
        for (int which = 100; which < 400; ++which) {
            add(now, which);
        }
        run_one(loop);
        std::vector<int> expected(400);
        std::iota(expected.begin(), expected.end(), 0);
        CHECK(order == expected);
    });
}

TEST_CASE(
    "a delay of zero or less runs next, behind what is queued, the most negative first (S17)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        loop.call_later(0s, [&] { order += "0 "; });
        loop.call_later(-1s, [&] { order += "-1 "; });
        loop.call_later(-2s, [&] { order += "-2 "; });
        loop.call_soon([&] { order += "queued "; });
        run_one(loop);
        CHECK(order == "queued -2 -1 0 ");
    });
}

TEST_CASE("a deadline at the beginning of time is due at once (S17)") {
    on_each(all_loops, [](EventLoop& loop) {
        using Double = std::chrono::duration<double>;
        int calls = 0;
        const auto count = [&] {
            if (++calls == 3) {
                loop.stop();
            }
        };
        loop.call_later(-Double(std::numeric_limits<double>::infinity()), count);
        loop.call_at(EventLoop::Duration::min(), count);
        loop.call_later(std::chrono::hours::min(), count);
        loop.run_forever();
        CHECK(calls == 3);
    });
}

TEST_CASE("cancelling a timer frees its callback at once, and again does nothing (S18)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto resource = std::make_shared<int>(0);
        TimerHandle timer = loop.call_later(
            1h, [](const std::shared_ptr<int>&) {}, resource);
        TimerHandle copy = timer;
        CHECK(resource.use_count() == 2);
        timer.cancel();
        CHECK(resource.use_count() == 1);
        timer.cancel();
        copy.cancel();
        CHECK(copy.cancelled());
        CHECK(loop.statistics().timers == 0);
    });
}

TEST_CASE("a timer cancelled when it is already due does not run (S18)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto now = loop.time();
        std::string order;
        TimerHandle by_callback = loop.call_at(now - 3ms, [&] { order += "by_callback "; });
        TimerHandle by_timer;
        loop.call_at(now - 2ms, [&] {
            order += "timer ";
            by_timer.cancel();
        });
        by_timer = loop.call_at(now - 1ms, [&] { order += "by_timer "; });
        loop.call_soon([&] { by_callback.cancel(); });
        run_one(loop);
        run_one(loop);
        CHECK(order == "timer ");
    });
}

TEST_CASE("a handle is cancelled after cancel() only; it keeps its deadline (S19, S20)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto when = loop.time() - 1ms;
        TimerHandle ran = loop.call_at(when, [] {});
        Handle soon = loop.call_soon([] {});
        TimerHandle cancelled = loop.call_at(when, [] {});
        cancelled.cancel();
        CHECK(ran.when() == when);
        run_one(loop);
        CHECK_FALSE(ran.cancelled());
        CHECK_FALSE(soon.cancelled());
        CHECK(cancelled.cancelled());
        CHECK(ran.when() == when);
        CHECK(cancelled.when() == when);
    });
}

TEST_CASE("cancelled timers do not pile up (S21)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto resource = std::make_shared<int>(0);
        for (int round = 0; round < 10'000; ++round) {
            loop.call_later(1h, [resource] {}).cancel();
        }
        CHECK(resource.use_count() == 1);
    });
    detail::TimerQueue timers;
    std::deque<BareTimer> live(50);
    for (BareTimer& timer : live) {
        timers.add(timer, 1h);
    }
    std::size_t most = 0;
    for (int round = 0; round < 10'000; ++round) {
        BareTimer timer;
        timers.add(timer, 2h);
        timers.cancel(timer);
        most = std::max(most, timers.cancelled());
    }
    CHECK(most >= 100);
    CHECK(most <= 102);
    CHECK(timers.size() == live.size());
    timers.clear();
}

TEST_CASE("enormous and infinite delays are accepted and do not fire (S22)") {
    on_each(all_loops, [](EventLoop& loop) {
        bool fired = false;
        const auto fire = [&] { fired = true; };
        std::vector<TimerHandle> timers;
        timers.push_back(loop.call_later(
            std::chrono::duration<double>(std::numeric_limits<double>::infinity()), fire));
        timers.push_back(loop.call_later(std::chrono::hours::max(), fire));
        timers.push_back(loop.call_later(std::chrono::nanoseconds::max(), fire));
        timers.push_back(loop.call_later(std::chrono::years(200), fire));
        timers.push_back(loop.call_at(EventLoop::Duration::max() - 1ns, fire));
        if (loop == "virtual") {
            run_one(loop);
        } else {
            // The poll's own limit must bear what these deadlines give it.
            loop.call_later(2ms, [&] { loop.stop(); });
            loop.run_forever();
        }
        CHECK_FALSE(fired);
        for (TimerHandle& timer : timers) {
            timer.cancel();
        }
    });
}

TEST_CASE("a timer in the far future lets the loop wait, and be woken (S22)") {
    on_each(real_loops, [](EventLoop& loop) {
        TimerHandle timer = loop.call_later(std::chrono::years(200), [] {});
        const Sockets sockets;
        loop.add_reader(sockets.near(), [&] {
            loop.remove_reader(sockets.near());
            loop.stop();
        });
        loop.call_soon([&] { loop.call_soon([&] { sockets.send(); }); });
        loop.run_forever();
        timer.cancel();
    });
}

TEST_CASE("the clock never goes back, and advances while a callback blocks (S23)") {
    on_each(real_loops, [](EventLoop& loop) {
        loop.call_soon([&] {
            const auto start = loop.time();
            auto last = start;
            while (last - start < 1ms) {
                const auto now = loop.time();
                REQUIRE(now >= last);
                last = now;
            }
            // Deadlines count from now, not from the iteration's start.
            TimerHandle timer = loop.call_later(0s, [] {});
            CHECK(timer.when() >= last);
        });
        run_one(loop);
        run_one(loop);
    });
}

TEST_CASE("a timer fires once (S24)") {
    on_each(all_loops, [](EventLoop& loop) {
        int calls = 0;
        loop.call_at(loop.time() - 1ms, [&] { ++calls; });
        for (int round = 0; round < 5; ++round) {
            run_one(loop);
        }
        CHECK(calls == 1);
    });
}

TEST_CASE(
    "the virtual clock stands still while something runs and jumps from deadline to deadline") {
    on_each({"virtual", "virtual:7"}, [](EventLoop& loop) {
        const auto start = loop.time();
        std::vector<std::chrono::nanoseconds> at;
        for (const auto delay : {24h * 365, 1h}) {
            loop.call_later(delay, [&] {
                at.push_back(loop.time() - start);
                if (at.size() == 2) {
                    loop.stop();
                }
            });
        }
        loop.run_forever();
        CHECK(at == std::vector<std::chrono::nanoseconds>{1h, 24h * 365});
    });
}
