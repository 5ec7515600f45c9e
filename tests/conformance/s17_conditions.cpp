// Section 17: Condition, and what it and Event have in common.
#include "lock_users.hpp"

#include <memory>
#include <optional>

namespace {

// Acquires, waits for a notice, logs "name", and keeps the lock or releases it.
Coro<bool> keeps(Condition& condition, Log& log, std::string name) {
    co_await condition.acquire();
    bool end = co_await condition.wait();
    log.push_back(name);
    co_return end;
}
Coro<> waits_within(Condition& condition, Log& log, std::string name) {
    auto guard = co_await condition.scoped();
    std::string end = co_await ending(condition.wait());
    log.push_back(name + (end == "1" ? "" : ":" + end));
    CHECK(condition.locked());
}

Coro<> notifies(Condition& condition, std::ptrdiff_t count) {
    auto guard = co_await condition.scoped();
    condition.notify(count);
}

}  // namespace

GYRE_TEST_CASE("Event, Condition: contended they resume one iteration later (S198)" * in_order) {
    Event event;
    Condition condition;
    Log log;
    Task<bool> one = create_task(waits(event, log, "event"));
    Task<> two = create_task(waits_within(condition, log, "condition"));
    co_await sleep(0s);
    CHECK(event.statistics().waiting == 1);
    CHECK(condition.statistics().waiting == 1);
    CHECK(!condition.statistics().locked);
    event.set();
    co_await notifies(condition, 1);
    CHECK(log.empty());
    co_await sleep(0s);
    CHECK(joined(log) == "event condition");
    CHECK(outcome(one) == "1");
    CHECK(two.done());
}

TEST_CASE("Event, Condition: bound to the loop of the first that waits (S197)") {
    Event event;
    Lock lock;
    Condition condition(lock);
    auto on_event = [&]() -> Coro<std::string> {
        std::string end = co_await ending(wait_for(event.wait(), 1ms));
        co_return end;
    };
    auto on_condition = [&]() -> Coro<std::string> {
        auto guard = co_await condition.scoped();
        std::string end = co_await ending(wait_for(condition.wait(), 1ms));
        CHECK(lock.locked());
        co_return end;
    };
    for (int i = 0; i < 3; ++i) {
        const std::string expected = i == 0 ? "TimeoutError" : "RuntimeError";
        CHECK(run(on_event(), {.loop = "virtual"}) == expected);
        CHECK(run(on_condition(), {.loop = "virtual"}) == expected);
    }
    event.set();
    CHECK(run(on_event(), {.loop = "virtual"}) == "1");

    // The lock of a condition that is new may belong to another loop.
    Lock other;
    auto contend = [&]() -> Coro<std::string> {
        auto guard = co_await other.scoped();
        Condition fresh(other);
        std::string end = co_await ending(wait_for(fresh.acquire(), 1ms));
        co_return end;
    };
    CHECK(run(contend(), {.loop = "virtual"}) == "TimeoutError");
    CHECK(run(contend(), {.loop = "virtual"}) == "RuntimeError");
}

GYRE_TEST_CASE("Condition: nothing without its lock (S209)") {
    Condition condition;
    CHECK(thrown_by([&] { condition.notify(); }) == "RuntimeError");
    CHECK(thrown_by([&] { condition.notify_all(); }) == "RuntimeError");
    CHECK(thrown_by([&] { condition.release(); }) == "RuntimeError");
    std::string end = co_await ending(condition.wait());
    CHECK(end == "RuntimeError");
    // The predicate is asked first; its value is the result, whatever it is.
    std::optional<std::string> value =
        co_await condition.wait_for([] { return std::optional<std::string>("here"); });
    CHECK(*value == "here");
    std::unique_ptr<int> owned =
        co_await condition.wait_for([] { return std::make_unique<int>(4); });
    CHECK(*owned == 4);
    end = co_await ending(condition.wait_for([] { return false; }));
    CHECK(end == "RuntimeError");
    CHECK(condition.statistics().waiting == 0);
}

GYRE_TEST_CASE("Condition: wait gives the lock away and comes back with it, in order (S210)" *
               in_order) {
    Condition condition;
    Log log;
    std::vector<Task<bool>> tasks;
    for (const char* name : {"1", "2", "3"}) {
        tasks.push_back(create_task(keeps(condition, log, name)));
    }
    co_await sleep(0s);
    CHECK(log.empty());
    CHECK(!condition.locked());
    CHECK(condition.statistics().waiting == 3);
    bool acquired = co_await condition.acquire();
    CHECK(acquired);
    condition.notify();
    co_await sleep(0s);
    CHECK(log.empty());
    CHECK(condition.locked());
    condition.release();
    co_await sleep(0s);
    CHECK(joined(log) == "1");
    CHECK(condition.locked());
    condition.notify(2);
    co_await sleep(0s);
    CHECK(joined(log) == "1");
    condition.release();
    co_await sleep(0s);
    CHECK(joined(log) == "1 2");
    CHECK(condition.locked());
    condition.release();
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 3");
    CHECK(condition.locked());
    for (const Task<bool>& each : tasks) {
        CHECK(outcome(each) == "1");
    }
}

GYRE_TEST_CASE("Condition: wait_for asks again at each notice (S210)" * in_order) {
    Condition condition;
    Log log;
    int asked = 0;
    int value = 0;
    Task<int> task = create_task([&]() -> Coro<int> {
        auto guard = co_await condition.scoped();
        int end = co_await condition.wait_for([&] {
            ++asked;
            return value;
        });
        CHECK(condition.locked());
        co_return end;
    });
    co_await sleep(0s);
    co_await notifies(condition, 1);
    co_await sleep(0s);
    CHECK(!task.done());
    CHECK(asked == 2);
    value = 7;
    co_await notifies(condition, 1);
    co_await sleep(0s);
    CHECK(outcome(task) == "7");
    CHECK(asked == 3);
}

GYRE_TEST_CASE("Condition: notify wakes at most so many, in order, and keeps the lock (S211)" *
               in_order) {
    Condition condition;
    Log log;
    std::vector<Task<>> tasks;
    for (const char* name : {"1", "2", "3", "4"}) {
        tasks.push_back(create_task(waits_within(condition, log, name)));
    }
    co_await sleep(0s);
    co_await notifies(condition, 0);
    co_await notifies(condition, -3);
    co_await ticks(2);
    CHECK(log.empty());
    co_await notifies(condition, 1);
    co_await sleep(0s);
    CHECK(joined(log) == "1");
    co_await condition.acquire();
    condition.notify(1);
    condition.notify(1);  // the next: the first is woken already
    condition.notify(2048);
    CHECK(condition.locked());
    condition.release();
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 3 4");
    co_await gather(tasks);
    co_await notifies(condition, 5);  // nobody is there

    log.clear();
    tasks.clear();
    for (const char* name : {"1", "2", "3"}) {
        tasks.push_back(create_task(waits_within(condition, log, name)));
    }
    co_await sleep(0s);
    co_await with(condition, [&]() -> Coro<> {
        condition.notify_all();
        co_return;
    });
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 3");
    co_await gather(tasks);
}

GYRE_TEST_CASE("Condition: cancelled, wait comes back with the lock (S212)") {
    Condition condition;
    co_await condition.acquire();
    Task<bool> task = create_task(condition.wait());
    loop.call_soon([&] { task.cancel("text"); });
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError(text)");
    CHECK(condition.statistics().waiting == 0);
    CHECK(condition.locked());
    // Also when a limit ends it.
    end = co_await ending(wait_for(condition.wait(), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(condition.locked());
    auto limited = timeout(1ms, [&] { return condition.wait_for([] { return false; }); });
    end = co_await ending(std::move(limited));
    CHECK(end == "TimeoutError");
    CHECK(condition.locked());
    condition.release();
}

GYRE_TEST_CASE("Condition: cancelled while the lock is another's, wait waits for it (S212)" *
               in_order) {
    Condition condition;
    Log log;
    Task<> task = create_task(waits_within(condition, log, "waiter"));
    co_await sleep(0s);
    co_await condition.acquire();
    condition.notify();
    co_await sleep(0s);  // it is on the way to the lock now
    task.cancel("first");
    co_await ticks(3);
    CHECK(!task.done());
    task.cancel("last");
    co_await ticks(3);
    CHECK(log.empty());
    condition.release();
    co_await task;
    CHECK(joined(log) == "waiter:CancelledError(last)");
    CHECK(!condition.locked());
    CHECK(task.cancelling() == 2);

    // Cancelled in its sleep, and again while it waits for the lock.
    log.clear();
    Task<> other = create_task(waits_within(condition, log, "waiter"));
    co_await sleep(0s);
    co_await condition.acquire();
    other.cancel("first");
    co_await ticks(2);
    other.cancel("last");
    co_await ticks(2);
    CHECK(log.empty());
    condition.release();
    co_await other;
    CHECK(joined(log) == "waiter:CancelledError(last)");
}

GYRE_TEST_CASE("Condition: a cancel and a release in one iteration (S212)" * in_order) {
    Condition condition;
    co_await condition.acquire();
    Task<bool> task = create_task(condition.wait());
    co_await sleep(0s);
    CHECK(!condition.locked());
    co_await condition.acquire();
    condition.notify();
    loop.call_soon([&] { task.cancel(); });
    loop.call_soon([&] { condition.release(); });
    std::string end = co_await ending(task);
    CHECK((end == "CancelledError" || end == "1"));
    CHECK(condition.locked());
    condition.release();
}

GYRE_TEST_CASE("Condition: a notice that meets a cancel goes to the next (S213)" * in_order) {
    for (const bool while_it_relocks : {false, true}) {
        Condition condition;
        int items = 0;
        auto consumer = [&]() -> Coro<> {
            auto guard = co_await condition.scoped();
            while (true) {
                co_await condition.wait_for([&] { return items != 0; });
                if (items < 0) {
                    co_return;
                }
                --items;
            }
        };
        Task<> first = create_task(consumer);
        Task<> second = create_task(consumer);
        co_await sleep(0s);
        co_await with(condition, [&]() -> Coro<> {
            ++items;
            condition.notify(1);
            if (while_it_relocks) {
                co_await sleep(0s);
            }
            first.cancel();
            // Nobody tells us; the other consumer takes the item meanwhile.
            auto moment = timeout(10ms, [&] { return condition.wait(); });
            std::string end = co_await ending(std::move(moment));
            CHECK(end == "TimeoutError");
            CHECK(items == 0);
            items = -1;
            condition.notify_all();
        });
        co_await second;
        CHECK(first.cancelled());
        CHECK(items == -1);
    }
}

GYRE_TEST_CASE("Condition: several of one lock (S214)") {
    Lock lock;
    Condition full(lock);
    Condition empty(lock);
    CHECK(!full.locked());
    co_await with(full, [&]() -> Coro<> {
        CHECK(lock.locked());
        CHECK(empty.locked());
        co_return;
    });
    CHECK(!empty.locked());
    co_await with(lock, [&]() -> Coro<> {
        CHECK(full.locked());
        empty.notify_all();
        co_return;
    });
    CHECK(!lock.locked());

    std::vector<int> items;
    std::vector<int> taken;
    Task<> consumer = create_task([&]() -> Coro<> {
        while (taken.size() < 5) {
            auto guard = co_await lock.scoped();
            co_await full.wait_for([&] { return !items.empty(); });
            taken.push_back(items.back());
            items.pop_back();
            empty.notify();
        }
    });
    for (int i = 0; i < 5; ++i) {
        auto guard = co_await empty.scoped();
        co_await empty.wait_for([&] { return items.empty(); });
        items.push_back(i);
        full.notify();
    }
    co_await consumer;
    CHECK((taken == std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_CASE("Event, Condition, Barrier: the loop closes with tasks in them (S412)") {
    Log log;
    const auto owner = [&]() -> Coro<> {
        Event event;
        Condition condition;
        Barrier barrier(3);
        create_task(waits(event, log, "event"));
        create_task(waits_within(condition, log, "condition"));
        create_task(barrier.wait());
        co_await forever();
    };
    closes_amid(owner, 4);
}
