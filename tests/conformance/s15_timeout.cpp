// Section 15: timeout and timeout_at.
#include "support.hpp"

#include <cmath>
#include <optional>
#include <tuple>

namespace {

// Takes the loop's time without waiting; the virtual clock stands still meanwhile.
void spend(EventLoop& loop, std::chrono::nanoseconds duration) {
    const auto until = loop.time() + duration;
    while (!(loop == "virtual") && loop.time() < until) {
    }
}

}  // namespace

GYRE_TEST_CASE("timeout: reschedule in any state but active: RuntimeError with the state (S162)") {
    Timeout* kept = nullptr;
    std::string text;
    const auto attempt = [&] {
        try {
            kept->reschedule(std::nullopt);
            text.clear();
        } catch (const RuntimeError& error) {
            text = error.what();
        }
    };
    co_await timeout(1h, [&](Timeout& limit) -> Coro<> {
        kept = &limit;
        attempt();
        CHECK(text.empty());
        co_return;
    });
    // Expiring: past the deadline, the body still running.
    auto expiring = timeout(1ms, [&](Timeout& limit) -> Coro<> {
        std::string end = co_await ending(sleep(1h));
        kept = &limit;
        CHECK(limit.expired());
        attempt();
        CHECK(text.find("expiring") != std::string::npos);
    });
    co_await std::move(expiring);
}

GYRE_TEST_CASE("timeout: only in a task (S163)" * in_order) {
    std::string error;
    loop.call_soon([&] {
        Coro<int> coro = timeout(1s, [] { return number(1); });
        // It is entered by the task that awaits it: there is none here.
        error = static_cast<bool>(coro) ? "not entered" : "entered";
        coro.close();
    });
    co_await sleep(0s);
    CHECK(error == "not entered");
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("timeout: no deadline, a moved one, one taken away (S164)") {
    auto unlimited = timeout(std::nullopt, [](Timeout& limit) -> Coro<int> {
        CHECK(!limit.when());
        co_await sleep(2ms);
        CHECK(!limit.expired());
        co_return 1;
    });
    int value = co_await std::move(unlimited);
    CHECK(value == 1);

    const auto start = loop.time();
    auto moved = timeout(1h, [&](Timeout& limit) -> Coro<> {
        CHECK(*limit.when() >= start + 1h);
        limit.reschedule(start + 3ms);
        CHECK(limit.when() == start + 3ms);
        co_await sleep(1h);
    });
    std::string end = co_await ending(std::move(moved));
    CHECK(end == "TimeoutError");
    CHECK(loop.time() - start < 10s);
    CHECK(loop.time() - start >= 3ms);

    auto taken = timeout(2ms, [](Timeout& limit) -> Coro<int> {
        limit.reschedule(std::nullopt);
        CHECK(!limit.when());
        co_await sleep(5ms);
        co_return 2;
    });
    value = co_await std::move(taken);
    CHECK(value == 2);
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("timeout_at: a point of the loop's clock, or none (S164)") {
    const auto deadline = loop.time() + 2ms;
    auto limited = timeout_at(deadline, [&](Timeout& limit) -> Coro<> {
        CHECK(limit.when() == deadline);
        co_await sleep(1h);
    });
    std::string end = co_await ending(std::move(limited));
    CHECK(end == "TimeoutError");
    CHECK(loop.time() >= deadline);
    auto unlimited = timeout_at(std::nullopt, [] { return later(1ms, 3); });
    int value = co_await std::move(unlimited);
    CHECK(value == 3);
}

GYRE_TEST_CASE("timeout: a deadline in the past: a body that never waits passes (S165)" *
               in_order) {
    for (const std::chrono::milliseconds limit : {0ms, -10ms}) {
        bool expired = true;
        auto quick = timeout(limit, [&](Timeout& self) -> Coro<int> {
            expired = self.expired();
            co_return 4;
        });
        int value = co_await std::move(quick);
        CHECK(value == 4);
        CHECK(!expired);
        auto yields = timeout(limit, []() -> Coro<> { co_await sleep(0s); });
        std::string end = co_await ending(std::move(yields));
        CHECK(end == "TimeoutError");
        auto past = timeout_at(loop.time() - 1s, []() -> Coro<> { co_await sleep(0s); });
        end = co_await ending(std::move(past));
        CHECK(end == "TimeoutError");
    }
    CHECK(current_task().cancelling() == 0);
    co_await sleep(0s);
}

GYRE_TEST_CASE("timeout: past the deadline the task is cancelled, expired() is true (S166)") {
    Log log;
    auto body = timeout(1ms, [&](Timeout& limit) -> Coro<> {
        AnyTask here = current_task();
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log.push_back(limit.expired() ? "expired" : "active");
            log.push_back(std::to_string(here.cancelling()));
            throw;
        }
    });
    std::string end = co_await ending(std::move(body));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "expired 1");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("timeout: a deadline that passed while the body blocked does not expire it (S171)") {
    bool expired = true;
    auto body = timeout(1ms, [&](Timeout& limit) -> Coro<int> {
        spend(loop, 2ms);
        expired = limit.expired();
        co_return 1;
    });
    int value = co_await std::move(body);
    CHECK(value == 1);
    CHECK(!expired);
    CHECK(loop.statistics().timers == 0);
    co_await ticks(2);
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("timeout: caught, the task goes on as if nothing had been (S174)") {
    Task<std::string> task = create_task([]() -> Coro<std::string> {
        auto body = timeout(1ms, [] { return forever(); });
        std::string end = co_await ending(std::move(body));
        co_await ticks(2);
        AnyTask here = current_task();
        co_return end + " " + std::to_string(here.cancelling());
    });
    std::string seen = co_await task;
    CHECK(seen == "TimeoutError 0");
    CHECK(!task.cancelled());
}

GYRE_TEST_CASE("timeout: durations and deadlines of any unit, or none") {
    using Seconds = std::chrono::duration<double>;
    const auto forms = [&](auto duration) -> Coro<> {
        std::string end = co_await ending(timeout(duration, [] { return forever(); }));
        CHECK(end == "TimeoutError");
        end = co_await ending(timeout_at(loop.time() + duration, [] { return forever(); }));
        CHECK(end == "TimeoutError");
        auto body = timeout(std::nullopt, [&](Timeout& limit) -> Coro<> {
            CHECK(!limit.when());
            limit.reschedule(loop.time() + duration);
            limit.reschedule(limit.when());
            co_await forever();
        });
        end = co_await ending(std::move(body));
        CHECK(end == "TimeoutError");
        end = co_await ending(wait_for(forever(), duration));
        CHECK(end == "TimeoutError");
        end = co_await ending(wait_for(forever(), std::optional(duration)));
        CHECK(end == "TimeoutError");
        std::vector<Task<>> tasks{create_task(forever())};
        auto waited = co_await wait(tasks, {.timeout = duration});
        CHECK(waited.pending.size() == 1);
        bool called = false;
        loop.call_at(loop.time() + duration, [&] { called = true; });
        co_await sleep(duration);
        co_await sleep(duration);
        CHECK(called);
        tasks[0].cancel();
        co_await gather(return_exceptions, tasks[0]);
    };
    co_await forms(1ms);
    co_await forms(1000us);
    co_await forms(0.001s);
    co_await forms(Seconds(0.001));
    co_await forms(std::chrono::duration<double, std::milli>(1));
    // No deadlines of these: a clock that has run for hours, in float, is several milliseconds off.
    std::string end = co_await ending(wait_for(forever(), std::chrono::duration<float>(0.001F)));
    CHECK(end == "TimeoutError");
    const std::optional<std::chrono::milliseconds> none;
    int value = co_await wait_for(later(1ms, 3), none);
    CHECK(value == 3);
    value = co_await timeout(none, [] { return later(1ms, 4); });
    CHECK(value == 4);
    CHECK(thrown_by([] { return timeout(Seconds(NAN), [] { return forever(); }); }) ==
          "ValueError");
    CHECK(thrown_by([&] { loop.call_at(Seconds(NAN), [] {}); }) == "ValueError");
}

GYRE_TEST_CASE("timeout, with, with_task_group: the body may give anything to await") {
    Event event;
    Lock lock;
    std::string end = co_await ending(timeout(1ms, [&] { return event.wait(); }));
    CHECK(end == "TimeoutError");
    auto both = co_await timeout(1s, [] { return gather(number(1), later(1ms, 2)); });
    CHECK((both == std::tuple(1, 2)));
    Task<int> task = create_task(later(1ms, 5));
    int value = co_await timeout(1s, [&]() -> Task<int>& { return task; });
    CHECK(value == 5);
    CHECK(outcome(task) == "5");  // it is still ours
    value = co_await with(lock, [] { return sleep(1ms, 6); });
    CHECK(value == 6);
    value = co_await with_task_group([](TaskGroup& group) { return group.create_task(number(7)); });
    CHECK(value == 7);
}

GYRE_TEST_CASE("timeout: rescheduled by another task (S164)" * in_order) {
    Future<Timeout*> given = create_future<Timeout*>();
    const auto first = loop.time() + 10s;
    Task<> task = create_task([&]() -> Coro<> {
        co_await timeout_at(first, [&](Timeout& limit) -> Coro<> {
            given.set_result(&limit);
            co_await forever();
        });
    });
    Timeout* limit = co_await given;
    CHECK(limit->when() == first);
    limit->reschedule(first + 20s);
    CHECK(limit->when() == first + 20s);
    limit->reschedule(std::nullopt);
    CHECK(!limit->when());
    CHECK(loop.statistics().timers == 1);  // the task's sleep
    limit->reschedule(loop.time() - 1s);
    CHECK(!limit->expired());
    co_await sleep(0s);
    CHECK(limit->expired());
    std::string end = co_await ending(task);
    CHECK(end == "TimeoutError");
}
