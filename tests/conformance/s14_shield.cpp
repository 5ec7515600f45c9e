// Section 14: shield.
#include "support.hpp"

GYRE_TEST_CASE("shield: an inner that is done is given back itself (S157)") {
    Future<int> done = create_future<int>();
    done.set_result(1);
    CHECK(shield(done) == done);
    Future<int> pending = create_future<int>();
    Future<int> outer = shield(pending);
    CHECK(outer != pending);
    pending.set_result(2);
    int value = co_await outer;
    CHECK(value == 2);
}

GYRE_TEST_CASE("shield: result, exception and cancellation of the inner (S158)" * in_order) {
    Future<int> value = create_future<int>();
    Future<int> error = create_future<int>();
    Future<int> cancelled = create_future<int>();
    Future<int> outer_value = shield(value);
    Future<int> outer_error = shield(error);
    Future<int> outer_cancelled = shield(cancelled);
    value.set_result(4);
    error.set_exception(std::runtime_error("boom"));
    cancelled.cancel();
    CHECK(!outer_value.done());
    co_await sleep(0s);
    CHECK(outcome(outer_value) == "4");
    CHECK(outcome(outer_error) == "boom");
    CHECK(outer_cancelled.cancelled());
}

GYRE_TEST_CASE("shield: two iterations from the inner's end to the outer's awaiter (S158)" *
               in_order) {
    Ticks passed(loop);
    Future<int> inner = create_future<int>();
    Future<int> outer = shield(inner);
    int resumed_at = 0;
    Task<> task = create_task([&]() -> Coro<> {
        co_await outer;
        resumed_at = passed.count();
    });
    co_await ticks(2);
    const int start = passed.count();
    inner.set_result(1);
    co_await task;
    CHECK(resumed_at - start == 2);
}

GYRE_TEST_CASE("shield: a coroutine becomes a task at the call (S158)" * in_order) {
    bool begun = false;
    auto body = [&]() -> Coro<int> {
        begun = true;
        co_return 3;
    };
    Future<int> outer = shield(body());
    CHECK(!begun);
    co_await sleep(0s);
    CHECK(begun);
    int value = co_await outer;
    CHECK(value == 3);
}

GYRE_TEST_CASE("shield: cancelling the outer, or who awaits it, leaves the inner alone (S159)") {
    Task<int> inner = create_task(later(2ms, 5));
    Future<int> outer = shield(inner);
    CHECK(outer.cancel("outer"));
    CHECK(outer.cancelled());
    CHECK(inner.cancelling() == 0);
    Task<> waiter = create_task([&]() -> Coro<> { co_await shield(inner); });
    co_await ticks(2);
    waiter.cancel("waiter");
    std::string end = co_await ending(waiter);
    CHECK(end == "CancelledError(waiter)");
    CHECK(waiter.cancelled());
    int value = co_await inner;
    CHECK(value == 5);
    CHECK(outcome(outer) == "CancelledError(outer)");
}

GYRE_TEST_CASE("shield and gather: gather(shield) cancels no inner; shield(gather) none (S159)") {
    Future<int> a = create_future<int>();
    Future<int> b = create_future<int>();
    auto of_shields = gather(shield(a), shield(b));
    of_shields.cancel();
    std::string end = co_await ending(of_shields);
    CHECK(end == "CancelledError");
    CHECK(!a.done());
    CHECK(!b.done());
    auto all = gather(a, b);
    auto shielded = shield(all);
    shielded.cancel();
    end = co_await ending(shielded);
    CHECK(end == "CancelledError");
    CHECK(!a.done());
    a.set_result(1);
    b.set_result(2);
    auto values = co_await all;
    CHECK(values == std::make_tuple(1, 2));
}

GYRE_TEST_CASE("shield cancelled: a later exception of the inner is reported when it comes (S160)" *
               in_order) {
    Reports reports(loop);
    Future<int> inner = create_future<int>();
    Future<int> outer = shield(inner);
    outer.cancel();
    inner.set_exception(std::runtime_error("late"));
    CHECK(reports.count() == 0);
    co_await sleep(0s);
    REQUIRE(reports.count() == 1);
    CHECK(reports.messages[0].ends_with("exception in shielded future"));
    CHECK(reports.errors[0] == "late");
    inner = {};
    outer = {};
    CHECK(reports.count() == 1);

    // A value, or a cancel, is nothing to report.
    for (const bool cancel : {false, true}) {
        Future<int> quiet = create_future<int>();
        Future<int> shielded = shield(quiet);
        shielded.cancel();
        if (cancel) {
            quiet.cancel();
        } else {
            quiet.set_result(1);
        }
        co_await ticks(2);
    }
    CHECK(reports.count() == 1);

    // Nor is it reported by each of several.
    Future<int> shared = create_future<int>();
    for (Future<int> each : {shield(shared), shield(shared)}) {
        each.cancel();
    }
    shared.set_exception(std::runtime_error("once"));
    co_await ticks(2);
    CHECK(reports.count() == 2);
}

GYRE_TEST_CASE("shield: it owns the inner (S161)") {
    Future<int> outer;
    {
        Task<int> inner = create_task(later(1ms, 6));
        outer = shield(inner);
    }
    int value = co_await outer;
    CHECK(value == 6);
}

GYRE_TEST_CASE("shield let go: the inner runs on (S414)") {
    bool ended = false;
    auto body = [&]() -> Coro<> {
        co_await ticks(2);
        ended = true;
    };
    {
        Future<> outer = shield(body());
        static_cast<void>(outer);
    }
    co_await ticks(4);
    CHECK(ended);
}

GYRE_TEST_CASE("shield of a shield, of a task that fails at once (S158)") {
    Future<int> inner = create_future<int>();
    Future<int> twice = shield(shield(inner));
    inner.set_result(2);
    int value = co_await twice;
    CHECK(value == 2);
    std::string end = co_await ending(shield(fails("boom")));
    CHECK(end == "boom");
}
