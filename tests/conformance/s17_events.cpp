// Section 17: Event.
#include "lock_users.hpp"

GYRE_TEST_CASE("Event: set wakes all, in order; a clear does not take it back (S206)" * in_order) {
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

GYRE_TEST_CASE("Event: wait on a set one does not suspend, so it passes the woken (S207)" *
               in_order) {
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
