// Section 17: Event, Condition, Barrier.
#include "support.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace {

template <class W>
Coro<bool> waits(W& what, Log& log, std::string name) {
    bool end = co_await what.wait();
    log.push_back(name);
    co_return end;
}

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

GYRE_TEST_CASE("Event, Condition: contended they resume one iteration later (S198)") {
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

GYRE_TEST_CASE("Event: set wakes all, in order; a clear does not take it back (S206)") {
    Event event;
    CHECK(!event.is_set());
    event.set();
    CHECK(event.is_set());
    event.clear();
    CHECK(!event.is_set());

    Log log;
    std::vector<Task<bool>> tasks;
    for (const char* name : {"1", "2", "3"}) {
        tasks.push_back(create_task(waits(event, log, name)));
    }
    co_await sleep(0s);
    event.set();
    event.clear();
    CHECK(!event.is_set());
    event.set();
    event.set();
    event.clear();
    CHECK(event.statistics().waiting == 3);
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 3");
    CHECK(event.statistics().waiting == 0);
    std::vector<bool> results = co_await gather(tasks);
    CHECK((results == std::vector<bool>{true, true, true}));
    std::string end = co_await ending(wait_for(event.wait(), 1ms));
    CHECK(end == "TimeoutError");
}

GYRE_TEST_CASE("Event: wait on a set one does not suspend, so it passes the woken (S207)") {
    Event event;
    Log log;
    Task<bool> first = create_task(waits(event, log, "1"));
    Task<bool> second = create_task(waits(event, log, "2"));
    co_await sleep(0s);
    CHECK(log.empty());
    Task<bool> late = create_task(waits(event, log, "late"));
    event.set();
    co_await sleep(0s);
    CHECK(joined(log) == "late 1 2");
    Ticks passed(loop);
    bool set = co_await event.wait();
    CHECK(set);
    CHECK(passed.count() == 0);
    co_await gather(first, second, late);
}

GYRE_TEST_CASE("Event: a cancelled waiter leaves; one that is woken and cancelled, too (S208)") {
    Event event;
    Task<bool> waiting = create_task(event.wait());
    loop.call_soon([&] { waiting.cancel(); });
    std::string end = co_await ending(waiting);
    CHECK(end == "CancelledError");
    CHECK(event.statistics().waiting == 0);

    Task<bool> woken = create_task(event.wait());
    co_await sleep(0s);
    event.set();
    woken.cancel("text");
    end = co_await ending(woken);
    CHECK(end == "CancelledError(text)");
    CHECK(event.statistics().waiting == 0);
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

GYRE_TEST_CASE("Condition: wait gives the lock away and comes back with it, in order (S210)") {
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

GYRE_TEST_CASE("Condition: wait_for asks again at each notice (S210)") {
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

GYRE_TEST_CASE("Condition: notify wakes at most so many, in order, and keeps the lock (S211)") {
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

GYRE_TEST_CASE("Condition: cancelled while the lock is another's, wait waits for it (S212)") {
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

GYRE_TEST_CASE("Condition: a cancel and a release in one iteration (S212)") {
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

GYRE_TEST_CASE("Condition: a notice that meets a cancel goes to the next (S213)") {
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

namespace {

constexpr int kParties = 5;

// So many tasks of the same body, until all are done.
template <class F>
Coro<> runs_parties(F body, int count = kParties) {
    std::vector<decltype(create_task(body))> tasks;
    for (int i = 0; i < count; ++i) {
        tasks.push_back(create_task(body));
    }
    co_await gather(tasks);
}

bool as_new(const Barrier& barrier) {
    return barrier.n_waiting() == 0 && !barrier.broken() && barrier.statistics().waiting == 0;
}

}  // namespace

GYRE_TEST_CASE("Barrier: one party or more; how many wait (S222)") {
    CHECK(thrown_by([] { Barrier(0); }) == "ValueError");
    CHECK(thrown_by([] { Barrier(-4); }) == "ValueError");
    Barrier barrier(3);
    CHECK(barrier.parties() == 3);
    CHECK(barrier.statistics().parties == 3);
    std::vector<Task<>> tasks;
    for (std::size_t i = 1; i <= 3; ++i) {
        tasks.push_back(
            create_task([&]() -> Coro<> { static_cast<void>(co_await barrier.wait()); }));
        co_await sleep(0s);
        CHECK(barrier.n_waiting() == i % 3);
    }
    co_await wait(tasks);
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: of one party: never waits, again and again (S222, S223)") {
    Barrier barrier(1);
    Ticks passed(loop);
    bool came = co_await with(barrier, []() -> Coro<bool> { co_return true; });
    std::size_t place = co_await barrier.wait();
    CHECK(came);
    CHECK(place == 0);
    CHECK(passed.count() == 0);
    Task<std::size_t> task = create_task(barrier.wait());
    co_await sleep(0s);
    CHECK(outcome(task) == "0");
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: the last does not wait, the others one iteration; the order (S223)") {
    Barrier barrier(3);
    Log log;
    auto comes = [&](std::string name) -> Coro<> {
        std::size_t place = co_await barrier.wait();
        log.push_back(name + std::to_string(place));
    };
    Task<> a = create_task(comes("a"));
    Task<> b = create_task(comes("b"));
    co_await sleep(0s);
    co_await comes("c");
    CHECK(joined(log) == "c2");
    co_await sleep(0s);
    CHECK(joined(log) == "c2 a0 b1");
    co_await gather(a, b);

    // As a block: its value is the place.
    std::vector<std::size_t> places;
    co_await runs_parties(
        [&]() -> Coro<> {
            co_await with(barrier, [&](std::size_t& place) -> Coro<> {
                places.push_back(place);
                co_return;
            });
        },
        3);
    std::sort(places.begin(), places.end());
    CHECK((places == std::vector<std::size_t>{0, 1, 2}));
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: twice by the same tasks (S223, S224)") {
    Barrier barrier(kParties);
    Log log;
    std::vector<std::size_t> places;
    co_await runs_parties([&]() -> Coro<> {
        co_await with(barrier, [&]() -> Coro<> {
            log.push_back("1");
            co_await with(barrier, [&](std::size_t place) -> Coro<> {
                log.push_back("2");
                places.push_back(place);
                co_return;
            });
        });
    });
    CHECK(joined(log) == "1 1 1 1 1 2 2 2 2 2");
    std::sort(places.begin(), places.end());
    CHECK((places == std::vector<std::size_t>{0, 1, 2, 3, 4}));
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: who comes while others leave waits until they have (S224)") {
    Barrier barrier(kParties);
    Barrier drained(kParties - 2);
    int again = 2;
    std::size_t waiting_while_draining = 9;
    co_await runs_parties([&]() -> Coro<> {
        static_cast<void>(co_await barrier.wait());
        waiting_while_draining = std::min(waiting_while_draining, barrier.n_waiting());
        if (again > 0) {
            --again;
        } else {
            static_cast<void>(co_await drained.wait());
        }
        static_cast<void>(co_await barrier.wait());
    });
    CHECK(waiting_while_draining == 0);
    CHECK(as_new(barrier));
    CHECK(as_new(drained));
}

GYRE_TEST_CASE("Barrier: a cancelled waiter has not come; nothing breaks (S225)") {
    Barrier barrier(3);
    int through = 0;
    auto comes = [&]() -> Coro<> {
        static_cast<void>(co_await barrier.wait());
        ++through;
    };
    Task<> a = create_task(comes);
    Task<> b = create_task(comes);
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 2);
    a.cancel();
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 1);
    std::string end = co_await ending(a);
    CHECK(end == "CancelledError");
    Task<> c = create_task(comes);
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 2);
    Task<> d = create_task(comes);
    co_await gather(b, c, d);
    CHECK(through == 3);
    CHECK(as_new(barrier));

    end = co_await ending(wait_for(barrier.wait(), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset throws at those who wait; then it is as new (S226)") {
    Barrier barrier(kParties);
    co_await barrier.reset();  // nobody is there
    CHECK(as_new(barrier));
    Log log;
    auto comes = [&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        log.push_back(end);
    };
    std::vector<Task<>> tasks;
    for (int i = 1; i < kParties; ++i) {
        tasks.push_back(create_task(comes));
    }
    co_await sleep(0s);
    Task<> resetting = create_task(barrier.reset());
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 0);
    co_await gather(tasks);
    CHECK(log == Log(4, "BrokenBarrierError"));
    co_await resetting;
    CHECK(as_new(barrier));
    co_await runs_parties([&] { return barrier.wait(); });
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset while half of them have left: the others fail (S226)") {
    Barrier barrier(kParties);
    int left = 0;
    int failed = 0;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            ++failed;
        } else if (++left == 3) {
            co_await barrier.reset();
        }
    });
    CHECK(left == 3);
    CHECK(failed == 2);
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset: those who come anew while others leave are not disturbed (S226)") {
    Barrier barrier(kParties);
    int left = 0;
    Log log;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            log.push_back("failed");
        } else if (++left > 2) {
            co_await barrier.reset();
        }
        end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            log.push_back("disturbed");
        }
    });
    CHECK(joined(log) == "failed failed");
    CHECK(as_new(barrier));

    // The reset of the last that left does nothing to those who wait already.
    left = 0;
    log.clear();
    co_await runs_parties([&]() -> Coro<> {
        static_cast<void>(co_await barrier.wait());
        if (++left == kParties) {
            co_await barrier.reset();
            static_cast<void>(co_await barrier.wait());
        } else {
            std::string end = co_await ending(barrier.wait());
            log.push_back(end == "BrokenBarrierError" ? "disturbed" : "through");
        }
        static_cast<void>(co_await barrier.wait());
    });
    CHECK(joined(log) == "through through through through");
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset, and those who failed come again (S226)") {
    Barrier barrier(kParties);
    Log log;
    std::vector<Task<>> tasks;
    for (int i = 1; i < kParties; ++i) {
        tasks.push_back(create_task([&]() -> Coro<> {
            std::string end = co_await ending(barrier.wait());
            log.push_back(end);
            static_cast<void>(co_await barrier.wait());
            log.push_back("through");
        }));
    }
    tasks.push_back(create_task(barrier.reset()));
    co_await sleep(0s);
    co_await barrier.wait();
    co_await gather(tasks);
    Log expected(4, "BrokenBarrierError");
    expected.insert(expected.end(), 4, "through");
    CHECK(log == expected);
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: abort throws at those who wait, and at who comes, until reset (S227)") {
    Barrier barrier(2);
    Task<std::size_t> waiting = create_task(barrier.wait());
    co_await sleep(0s);
    CHECK(!barrier.broken());
    co_await barrier.abort();
    CHECK(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
    std::string end = co_await ending(waiting);
    CHECK(end == "BrokenBarrierError");
    end = co_await ending(barrier.wait());
    CHECK(end == "BrokenBarrierError");
    end = co_await ending(with(barrier, [] { return sleep(0s); }));
    CHECK(end == "BrokenBarrierError");
    co_await barrier.reset();
    CHECK(as_new(barrier));
    co_await gather(barrier.wait(), barrier.wait());
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: abort while half of them have left and come again (S227)") {
    Barrier barrier(kParties);
    int left = 0;
    Log log;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            log.push_back("leaving");
        } else if (++left > 2) {
            co_await barrier.abort();
        } else {
            end = co_await ending(barrier.wait());
            log.push_back(end == "BrokenBarrierError" ? "coming" : "through");
        }
    });
    std::sort(log.begin(), log.end());
    CHECK(joined(log) == "coming coming leaving leaving");
    CHECK(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
}

GYRE_TEST_CASE("Barrier: one fails and aborts it; reset when all have noticed (S227)") {
    Barrier barrier(kParties);
    Barrier other(kParties);
    Log log;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == std::to_string(kParties / 2)) {
            co_await barrier.abort();
        } else {
            if (end != "BrokenBarrierError") {
                end = co_await ending(barrier.wait());
            }
            log.push_back(end);
        }
        std::size_t place = co_await other.wait();
        if (place == kParties / 2) {
            CHECK(barrier.broken());
            co_await barrier.reset();
        }
        static_cast<void>(co_await other.wait());
        static_cast<void>(co_await barrier.wait());
    });
    CHECK(log == Log(kParties - 1, "BrokenBarrierError"));
    CHECK(as_new(barrier));
}

TEST_CASE("Event, Condition, Barrier: the loop closes with tasks in them (S412)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        Log log;
        auto owner = [&]() -> Coro<> {
            Event event;
            Condition condition;
            Barrier barrier(3);
            create_task(waits(event, log, "event"));
            create_task(waits_within(condition, log, "condition"));
            create_task(barrier.wait());
            co_await forever();
        };
        create_task(*loop, owner());
        run_until_complete(*loop, ticks(3));
        loop->close();
        CHECK(reports.count() == 4);
        CHECK(detail::step.live_frames == frames);
    }
}
