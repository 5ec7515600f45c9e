// Section 11: wait.
#include "support.hpp"

#include <array>

GYRE_TEST_CASE("wait: nothing to wait for, or a mode that is none: ValueError (S131)") {
    std::vector<Task<int>> none;
    std::string end = co_await ending(wait(none));
    CHECK(end == "ValueError");
    std::vector<Future<int>> one{create_future<int>()};
    one[0].set_result(1);
    end = co_await ending(wait(one, {.return_when = static_cast<ReturnWhen>(9)}));
    CHECK(end == "ValueError");
    const std::unique_ptr<EventLoop> elsewhere = new_event_loop("virtual");
    one.push_back(create_future<int>(*elsewhere));
    end = co_await ending(wait(one));
    CHECK(end == "ValueError");
}

GYRE_TEST_CASE("wait: what ended between the trigger and the resumption is in done (S132)") {
    Future<int> first = create_future<int>();
    Future<int> second = create_future<int>();
    Future<int> third = create_future<int>();
    std::array<Future<int>, 3> all{first, second, third};
    Task<WaitResult<Future<int>>> waiting =
        create_task(wait(all, {.return_when = FIRST_COMPLETED}));
    co_await sleep(0s);
    first.set_result(1);
    co_await sleep(0s);  // its done-callback has queued the wake-up
    second.set_result(2);
    auto result = co_await waiting;
    REQUIRE(result.done.size() == 2);
    CHECK(result.done[0] == first);
    CHECK(result.done[1] == second);
    REQUIRE(result.pending.size() == 1);
    CHECK(result.pending[0] == third);
}

GYRE_TEST_CASE("wait: ALL_COMPLETED, FIRST_COMPLETED (S133)") {
    Future<int> gate = create_future<int>();
    std::vector<Future<int>> tasks{gate, create_task(later(1ms, 2))};
    auto first = co_await wait(tasks, {.return_when = FIRST_COMPLETED});
    REQUIRE(first.done.size() == 1);
    CHECK(first.done[0] == tasks[1]);
    CHECK(first.pending.size() == 1);
    loop.call_later(1ms, [&] { gate.set_result(1); });
    auto all = co_await wait(tasks);
    CHECK(all.done.size() == 2);
    CHECK(all.pending.empty());
}

GYRE_TEST_CASE("wait: FIRST_EXCEPTION: a failure ends it, a cancelled one does not (S133)") {
    Task<> failing = create_task(fails("boom"));
    Task<> slow = create_task(forever());
    Task<> cancelled = create_task(forever());
    std::vector<Task<>> tasks{slow, cancelled};
    auto waiting = create_task(wait(tasks, {.return_when = FIRST_EXCEPTION}));
    co_await sleep(0s);
    cancelled.cancel();
    co_await ticks(4);
    CHECK(!waiting.done());
    slow.cancel();
    auto none = co_await waiting;
    CHECK(none.done.size() == 2);

    Task<> other = create_task(forever());
    std::vector<Task<>> again{other, failing};
    auto result = co_await wait(again, {.return_when = FIRST_EXCEPTION});
    REQUIRE(result.done.size() == 1);
    CHECK(outcome(result.done[0]) == "boom");
    other.cancel();
    co_await ending(other);

    // Without a failure it ends when all are done.
    std::vector<Task<int>> fine;
    fine.push_back(create_task(number(1)));
    fine.push_back(create_task(later(1ms, 2)));
    auto all = co_await wait(fine, {.return_when = FIRST_EXCEPTION});
    CHECK(all.done.size() == 2);
}

GYRE_TEST_CASE("wait: a timeout throws nothing and cancels nothing (S134)") {
    Task<int> quick = create_task(number(1));
    Event gate;
    Task<int> slow = create_task([&]() -> Coro<int> {
        co_await gate.wait();
        co_return 2;
    });
    std::vector<Task<int>> tasks{quick, slow};
    auto result = co_await wait(tasks, {.timeout = 2ms});
    REQUIRE(result.done.size() == 1);
    CHECK(result.done[0] == quick);
    REQUIRE(result.pending.size() == 1);
    CHECK(result.pending[0] == slow);
    CHECK(slow.cancelling() == 0);
    gate.set();
    int value = co_await slow;
    CHECK(value == 2);
}

GYRE_TEST_CASE("wait: a timeout of zero still lets the others run (S134)") {
    bool ran = false;
    loop.call_soon([&] { ran = true; });
    std::vector<Future<int>> futures{create_future<int>()};
    auto result = co_await wait(futures, {.timeout = 0s});
    CHECK(ran);
    CHECK(result.pending.size() == 1);
    result = co_await wait(futures, {.timeout = -1s});
    CHECK(result.pending.size() == 1);
}

GYRE_TEST_CASE("wait: an end at the moment of the timeout is in the set that done() says (S135)") {
    std::vector<Task<int>> tasks;
    tasks.push_back(create_task(later(2ms, 1)));
    tasks.push_back(create_task(later(2ms, 2)));
    co_await sleep(0s);
    auto result = co_await wait(tasks, {.timeout = 2ms});
    CHECK(result.done.size() + result.pending.size() == 2);
    for (const Task<int>& each : result.done) {
        CHECK(each.done());
    }
    for (const Task<int>& each : result.pending) {
        CHECK(!each.done());
    }
    auto all = gather(tasks);
    co_await all;
}

GYRE_TEST_CASE("wait: cancelling the waiter does not touch the members (S136)") {
    Task<int> member = create_task(later(2ms, 1));
    std::vector<Task<int>> tasks{member};
    Task<> waiter = create_task([&]() -> Coro<> { co_await wait(tasks, {.timeout = 1h}); });
    co_await ticks(2);
    waiter.cancel();
    std::string end = co_await ending(waiter);
    CHECK(end == "CancelledError");
    CHECK(member.cancelling() == 0);
    int value = co_await member;
    CHECK(value == 1);
}

GYRE_TEST_CASE("wait: the same one twice counts once; all done already: two iterations (S137)" *
               in_order) {
    Future<int> future = create_future<int>();
    future.set_result(1);
    std::vector<Future<int>> futures{future, future};
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    auto result = co_await wait(futures);
    CHECK(passed.count() - start == 2);
    CHECK(result.done.size() == 1);
    CHECK(result.pending.empty());
}

GYRE_TEST_CASE("wait: several at once for the same tasks, some broken off (S133, S136)") {
    Log log;
    Event may_end;
    std::vector<Task<int>> tasks;
    tasks.push_back(create_task(later(1ms, 1)));
    tasks.push_back(create_task([&]() -> Coro<int> {
        co_await may_end.wait();
        co_return 2;
    }));
    const auto waiter = [&](std::string name, ReturnWhen when) -> Coro<> {
        auto waiting = wait(tasks, {.return_when = when});
        auto result = co_await std::move(waiting);
        log.push_back(name + std::to_string(result.done.size()));
    };
    Task<> broken_off = create_task(waiter("a", ALL_COMPLETED));
    Task<> second = create_task(waiter("b", ALL_COMPLETED));
    co_await ticks(2);
    broken_off.cancel();
    co_await ticks(2);
    Task<> third = create_task(waiter("c", FIRST_COMPLETED));
    Task<> fourth = create_task(waiter("d", FIRST_EXCEPTION));
    co_await third;
    CHECK(joined(log) == "c1");
    may_end.set();
    co_await second;
    co_await fourth;
    CHECK(log.size() == 3);
    CHECK(broken_off.cancelled());
    Task<> late = create_task(waiter("e", ALL_COMPLETED));
    co_await late;
    CHECK(log.back() == "e2");
}

GYRE_TEST_CASE("wait: leaves no timer and no callback behind (S138)") {
    Future<int> pending = create_future<int>();
    Task<int> quick = create_task(later(1ms, 1));
    std::vector<Future<int>> futures{pending, quick};
    auto result = co_await wait(futures, {.timeout = 1h, .return_when = FIRST_COMPLETED});
    CHECK(result.done.size() == 1);
    CHECK(loop.statistics().timers == 0);
    pending.set_result(1);
    CHECK(loop.statistics().ready == 0);
}

GYRE_TEST_CASE("wait: the members' exceptions are still to be asked for (S138)") {
    Reports reports(loop);
    {
        std::vector<Task<>> tasks;
        tasks.push_back(create_task(fails("lost")));
        auto result = co_await wait(tasks);
        CHECK(result.done.size() == 1);
    }
    CHECK(joined(reports.errors) == "lost");
    // FIRST_EXCEPTION has looked at those that did not end it by being the last.
    for (const int others : {0, 1}) {
        reports.errors.clear();
        {
            std::vector<Task<>> tasks;
            tasks.push_back(create_task(fails("lost")));
            for (int each = 0; each < others; ++each) {
                tasks.push_back(create_task(ticks(3)));
            }
            auto waiting = wait(tasks, {.return_when = FIRST_EXCEPTION});
            auto result = co_await std::move(waiting);
            co_await ticks(3);
        }
        CHECK(joined(reports.errors) == (others == 0 ? "lost" : ""));
    }
}

GYRE_TEST_CASE("wait, as_completed: of a list in braces") {
    Event may_end;
    Task<int> slow = create_task([&]() -> Coro<int> {
        co_await may_end.wait();
        co_return 2;
    });
    Task<int> quick = create_task(later(1ms, 1));
    auto waiting = wait({slow, quick}, {.return_when = FIRST_COMPLETED});
    auto result = co_await std::move(waiting);
    CHECK(result.done == std::vector<Task<int>>{quick});
    CHECK(result.pending == std::vector<Task<int>>{slow});
    auto completed = as_completed({slow, quick}, 1h);
    auto first = co_await completed.next();
    may_end.set();
    auto second = co_await completed.next();
    CHECK(*first == quick);
    CHECK(*second == slow);
}
