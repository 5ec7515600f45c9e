// Section 9: sleep.
#include "support.hpp"

#include <cmath>
#include <limits>
#include <memory>

namespace {

// Holds a loop with a real clock until what is due in a millisecond is due in one iteration.
void both_due(EventLoop& loop) {
    const auto until = loop.time() + 3ms;
    while (!(loop == "virtual") && loop.time() < until) {
    }
}

}  // namespace

GYRE_TEST_CASE("sleep: zero or less is one iteration; it gives its result (S115)" * in_order) {
    Ticks passed(loop);
    co_await sleep(0s);
    int start = passed.count();
    co_await sleep(0s);
    CHECK(passed.count() - start == 1);
    co_await sleep(-5s);
    CHECK(passed.count() - start == 2);
    std::string result = co_await sleep(0ms, std::string("result"));
    CHECK(result == "result");
    CHECK(passed.count() - start == 3);
}

GYRE_TEST_CASE("sleep: a result that can only be moved (S115)") {
    std::unique_ptr<int> moved = co_await sleep(1us, std::make_unique<int>(5));
    CHECK(*moved == 5);
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("sleep: NaN is refused, infinity never ends (S115)") {
    using Seconds = std::chrono::duration<double>;
    CHECK(thrown_by([] { return sleep(Seconds(std::nan(""))); }) == "ValueError");
    CHECK(thrown_by([] { return sleep(Seconds(std::nan("")), 1); }) == "ValueError");
    for (const Seconds endless : {Seconds(std::numeric_limits<double>::infinity()), Seconds(1e300),
                                  Seconds(std::chrono::hours::max())}) {
        Task<> task = create_task([&]() -> Coro<> { co_await sleep(endless); });
        co_await sleep(1ms);
        CHECK(!task.done());
        task.cancel();
        co_await ending(task);
    }
}

GYRE_TEST_CASE("sleep: a cancelled one leaves no timer (S116)" * in_order) {
    Task<> task = create_task(forever());
    co_await sleep(0s);
    CHECK(loop.statistics().timers == 1);
    task.cancel("up");
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError(up)");
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("sleep: the task resumes one iteration after its timer's (S117)" * in_order) {
    Log log;
    loop.call_later(1ms, [&] {
        log.push_back("timer");
        loop.call_soon([&] { log.push_back("queued by it"); });
    });
    Task<> task = create_task([&]() -> Coro<> {
        co_await sleep(1ms);
        log.push_back("task");
    });
    co_await sleep(0s);
    both_due(loop);
    co_await task;
    CHECK(joined(log) == "timer queued by it task");
}

GYRE_TEST_CASE("sleep: never early, in order of deadlines (S14, S15)" * in_order) {
    Log log;
    const auto start = loop.time();
    bool early = false;
    auto body = [&](std::chrono::milliseconds delay, std::string name) -> Coro<> {
        co_await sleep(delay);
        early = early || loop.time() - start < delay;
        log.push_back(name);
    };
    auto all = gather(body(3ms, "c"), body(1ms, "a"), body(2ms, "b"), body(3ms, "d"));
    co_await all;
    CHECK(joined(log) == "a b c d");
    CHECK(!early);
}

GYRE_TEST_CASE("sleep: begins to count when it is awaited") {
    auto pause = sleep(5ms);
    co_await sleep(5ms);
    const auto start = loop.time();
    co_await pause;
    CHECK(loop.time() - start >= 5ms);
}

GYRE_TEST_CASE("sleep: cancelled when its time is over but the task has not run (S99)") {
    Task<std::string> task = create_task([&]() -> Coro<std::string> {
        std::string end = co_await ending(sleep(1ms));
        co_return end;
    });
    co_await sleep(0s);
    loop.call_later(1ms, [&] { task.cancel("late"); });
    both_due(loop);
    std::string end = co_await task;
    CHECK(end == "CancelledError(late)");
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("sleep: one that has a name is awaited all the same") {
    auto nap = sleep(1ms);
    co_await nap;
    auto fruitful = sleep(1ms, std::string("fruit"));
    std::string result = co_await fruitful;
    CHECK(result == "fruit");
}
