// Section 17: Semaphore, BoundedSemaphore.
#include "lock_users.hpp"

#include <optional>

GYRE_TEST_CASE("Semaphore: with and scoped hold a permit for a block (S199)") {
    Semaphore semaphore(2);
    BoundedSemaphore bounded;
    co_await with(bounded, [&]() -> Coro<> {
        auto one = co_await semaphore.scoped();
        auto two = co_await semaphore.scoped();
        CHECK(semaphore.locked());
        CHECK(bounded.locked());
        one = std::move(two);  // gives its own back
        CHECK(!semaphore.locked());
    });
    CHECK(semaphore.statistics().free == 2);
    CHECK(!bounded.locked());
    // The release of the derived class is called through the base.
    Semaphore& base = bounded;
    CHECK(thrown_by([&] { base.release(); }) == "ValueError");
}

GYRE_TEST_CASE("Semaphore: no negative number; 0 is locked (S215)" * in_order) {
    CHECK(thrown_by([] { Semaphore(-1); }) == "ValueError");
    CHECK(thrown_by([] { BoundedSemaphore(-1); }) == "ValueError");
    enum { nobody };
    Semaphore none(nobody);
    CHECK(none.locked());
    Semaphore many{~std::size_t{0}};
    CHECK(!many.locked());
    Semaphore one;
    CHECK(!one.locked());
    CHECK(one.statistics().free == 1);
    co_await one.acquire();
    CHECK(one.locked());
    one.release();
    CHECK(!one.locked());

    // Free again, but somebody waits who was not woken yet.
    one.release();
    one.release();
    Log log;
    Task<bool> waiting = create_task(takes(none, log, "waiting"));
    co_await sleep(0s);
    none.release();
    none.release();
    CHECK(none.statistics().free == 1);
    CHECK(none.locked());
    co_await waiting;
    CHECK(!none.locked());
}

GYRE_TEST_CASE("Semaphore: a released permit belongs to the first waiter (S216)" * in_order) {
    Semaphore semaphore(3);
    Log log;
    co_await semaphore.acquire();
    co_await semaphore.acquire();
    CHECK(!semaphore.locked());
    std::vector<Task<bool>> tasks;
    for (const char* name : {"1", "2", "3"}) {
        tasks.push_back(create_task(takes(semaphore, log, name)));
    }
    co_await sleep(0s);
    CHECK(joined(log) == "1");
    CHECK(semaphore.statistics().waiting == 2);
    CHECK(semaphore.statistics().free == 0);
    tasks.push_back(create_task(takes(semaphore, log, "4")));
    semaphore.release();
    CHECK(semaphore.locked());
    semaphore.release();
    CHECK(semaphore.statistics().free == 0);
    CHECK(semaphore.locked());
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 3");
    CHECK(semaphore.statistics().waiting == 1);
    semaphore.release();
    co_await gather(tasks);
    CHECK(joined(log) == "1 2 3 4");
}

GYRE_TEST_CASE("Semaphore: in order, round after round (S217)" * in_order) {
    Semaphore semaphore(1);
    Log log;
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        for (const char* name : {"a", "b", "c"}) {
            group.create_task([&semaphore, &log, name]() -> Coro<> {
                for (int round = 1; round <= 2; ++round) {
                    co_await semaphore.acquire();
                    log.push_back(name + std::to_string(round));
                    co_await sleep(1ms);
                    semaphore.release();
                }
            });
        }
        co_return;
    });
    CHECK(joined(log) == "a1 b1 c1 a2 b2 c2");
}

GYRE_TEST_CASE("Semaphore: who releases and acquires again is last in line (S217)" * in_order) {
    Semaphore semaphore(1);
    Log log;
    Task<bool> one = create_task(takes(semaphore, log, "1"));
    Task<> two = create_task([&]() -> Coro<> {
        co_await semaphore.acquire();
        log.push_back("2");
        semaphore.release();
        co_await semaphore.acquire();
        log.push_back("4");
    });
    Task<bool> three = create_task(takes(semaphore, log, "3"));
    co_await sleep(0s);
    semaphore.release();
    semaphore.release();
    co_await gather(one, two, three);
    CHECK(joined(log) == "1 2 3 4");
}

GYRE_TEST_CASE("Semaphore: a permit given to a cancelled waiter goes on (S218)" * in_order) {
    Semaphore semaphore(0);
    Log log;
    Task<bool> a = create_task(takes(semaphore, log, "a"));
    Task<bool> b = create_task(takes(semaphore, log, "b"));
    co_await sleep(0s);
    semaphore.release();
    a.cancel();
    co_await ticks(2);
    CHECK(a.cancelled());
    CHECK(joined(log) == "b");
    CHECK(semaphore.locked());

    // Nobody is next: it is free again.
    Task<bool> c = create_task(takes(semaphore, log, "c"));
    co_await sleep(0s);
    semaphore.release();
    c.cancel();
    co_await ticks(2);
    CHECK(semaphore.statistics().free == 1);
    CHECK(semaphore.statistics().waiting == 0);

    // Cancelled by the one that has just released it.
    std::optional<Task<>> second;
    Task<> first = create_task([&]() -> Coro<> {
        co_await with(semaphore, [] { return sleep(0s); });
        second->cancel();
    });
    second = create_task(holds(semaphore, log, "never"));
    auto results = co_await gather(return_exceptions, first, *second);
    CHECK(std::get<0>(results).has_value());
    CHECK(name_of(std::get<1>(results).error()) == "CancelledError");
    bool acquired = co_await wait_for(semaphore.acquire(), 1s);
    CHECK(acquired);
    CHECK(joined(log) == "b");
}

GYRE_TEST_CASE("Semaphore: one that gets its permit wakes as many as there are more (S219)" *
               in_order) {
    Semaphore semaphore(0);
    Log log;
    Task<> fourth;
    Task<> first = create_task([&]() -> Coro<> {
        co_await semaphore.acquire();
        // The others were woken before this one went on, in this iteration.
        CHECK(semaphore.statistics().free == 0);
        fourth = create_task([&]() -> Coro<> {
            log.push_back("4");
            co_return;
        });
        log.push_back("1");
    });
    Task<> second = create_task([&]() -> Coro<> {
        semaphore.release();
        semaphore.release();
        semaphore.release();
        CHECK(semaphore.statistics().free == 2);
        CHECK(semaphore.locked());  // the first has not run
        co_await semaphore.acquire();
        log.push_back("2");
    });
    Task<bool> third = create_task(takes(semaphore, log, "3"));
    co_await sleep(0s);
    CHECK(semaphore.statistics().free == 2);
    CHECK(semaphore.statistics().waiting == 3);
    co_await sleep(0s);
    co_await gather(first, second, third, fourth);
    CHECK(joined(log) == "1 2 3 4");
}

GYRE_TEST_CASE("Semaphore: one cancelled in line lets those behind it through (S219)" * in_order) {
    Semaphore semaphore(0);
    Log log;
    Task<bool> woken = create_task(takes(semaphore, log, "woken"));
    co_await sleep(0s);
    semaphore.release();
    semaphore.release();  // there is one more, and nobody to wake
    Task<bool> behind = create_task(takes(semaphore, log, "behind"));
    Task<bool> last = create_task(takes(semaphore, log, "last"));
    woken.cancel();
    co_await ticks(3);
    CHECK(woken.cancelled());
    CHECK(joined(log) == "behind last");
    CHECK(semaphore.statistics().free == 0);
}

GYRE_TEST_CASE("Semaphore: release passes over the cancelled (S220)" * in_order) {
    Semaphore semaphore(0);
    Log log;
    std::vector<Task<bool>> tasks;
    for (const char* name : {"1", "2", "3", "4"}) {
        tasks.push_back(create_task(takes(semaphore, log, name)));
    }
    co_await sleep(0s);
    tasks[0].cancel();
    tasks[1].cancel();
    semaphore.release();
    co_await ticks(2);
    CHECK(joined(log) == "3");
    CHECK(!tasks[3].done());
    tasks[3].cancel();
    co_await sleep(0s);
    CHECK(semaphore.statistics().waiting == 0);

    log.clear();
    Task<bool> a = create_task(takes(semaphore, log, "a"));
    Task<bool> b = create_task(takes(semaphore, log, "b"));
    Task<bool> c = create_task(takes(semaphore, log, "c"));
    co_await sleep(0s);
    a.cancel();
    co_await sleep(0s);
    semaphore.release();
    semaphore.release();
    co_await gather(return_exceptions, a, b, c);
    CHECK(joined(log) == "b c");
}

GYRE_TEST_CASE("BoundedSemaphore: not released above its number (S221)") {
    BoundedSemaphore semaphore(2);
    CHECK(thrown_by([&] { semaphore.release(); }) == "ValueError");
    CHECK(semaphore.statistics().free == 2);
    co_await semaphore.acquire();
    co_await semaphore.acquire();
    CHECK(semaphore.locked());
    semaphore.release();
    semaphore.release();
    CHECK(thrown_by([&] { semaphore.release(); }) == "ValueError");
    CHECK(semaphore.statistics().free == 2);
    CHECK(thrown_by([] { BoundedSemaphore().release(); }) == "ValueError");
}

GYRE_TEST_CASE("BoundedSemaphore: a guard whose permit was given back already reports it (S221)") {
    Reports reports(loop);
    BoundedSemaphore semaphore(1);
    {
        auto guard = co_await semaphore.scoped();
        semaphore.release();
    }
    CHECK(joined(reports.errors) == "ValueError");
    CHECK(semaphore.statistics().free == 1);
}
