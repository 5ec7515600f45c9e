// Section 10: gather.
#include "support.hpp"

#include <optional>

#include <memory>
#include <tuple>

namespace {

template <class... X>
concept Gathers = requires(X... x) {
    gather(std::move(x)...);
};
static_assert(Gathers<Coro<int>, Task<>, Future<int>>);
static_assert(!Gathers<Coro<int>, int>, "a bad argument does not compile (S123)");

}  // namespace

GYRE_TEST_CASE("gather: coroutines become tasks at the call, in order (S118)" * in_order) {
    Log log;
    auto body = [&](std::string name) -> Coro<> {
        log.push_back(name);
        co_return;
    };
    auto all = gather(body("a"), body("b"), body("c"));
    CHECK(all_tasks().size() == 4);
    CHECK(!all.done());
    CHECK(log.empty());
    co_await sleep(0s);
    CHECK(joined(log) == "a b c");
    co_await all;
}

GYRE_TEST_CASE("gather: results by position, not by completion (S119)") {
    auto all = gather(later(3ms, 1), later(1ms, 2), later(2ms, 3));
    auto result = co_await all;
    CHECK(result == std::make_tuple(1, 2, 3));

    std::vector<Coro<int>> coros;
    for (int i = 0; i < 5; ++i) {
        coros.push_back(later(std::chrono::milliseconds(5 - i), i));
    }
    auto many = gather(std::move(coros));
    std::vector<int> values = co_await many;
    CHECK(values == std::vector<int>{0, 1, 2, 3, 4});

    auto mixed = gather(ticks(1), number(4));
    auto pair = co_await mixed;
    CHECK(std::get<1>(pair) == 4);
}

GYRE_TEST_CASE("gather: move-only results (S419)") {
    auto make = [](int value) -> Coro<std::unique_ptr<int>> {
        co_await sleep(0s);
        co_return std::make_unique<int>(value);
    };
    std::vector<Coro<std::unique_ptr<int>>> coros;
    coros.push_back(make(1));
    coros.push_back(make(2));
    auto all = gather(std::move(coros));
    std::vector<std::unique_ptr<int>> values = co_await std::move(all);
    REQUIRE(values.size() == 2);
    CHECK(*values[0] == 1);
    CHECK(*values[1] == 2);
}

GYRE_TEST_CASE("gather: nothing to wait for is done at once (S120)") {
    auto none = gather();
    CHECK(none.done());
    std::vector<Task<int>> no_tasks;
    auto empty = gather(no_tasks);
    CHECK(empty.done());
    std::vector<int> values = co_await empty;
    CHECK(values.empty());
}

GYRE_TEST_CASE("gather: one given twice is awaited once, its result is in each place (S121)") {
    int runs = 0;
    Task<int> task = create_task([&]() -> Coro<int> {
        co_await sleep(0s);
        co_return ++runs;
    });
    Future<int> other = create_future<int>();
    auto all = gather(task, other, task, other);
    other.set_result(9);
    auto result = co_await all;
    CHECK(result == std::make_tuple(1, 9, 1, 9));
    CHECK(runs == 1);
}

GYRE_TEST_CASE("gather: futures of different loops are refused (S122)") {
    const std::unique_ptr<EventLoop> elsewhere = new_event_loop("virtual");
    Future<int> here = create_future<int>();
    Future<int> there = create_future<int>(*elsewhere);
    CHECK(thrown_by([&] { return gather(here, there); }) == "ValueError");
    CHECK(!here.done());
    CHECK(!there.done());
    co_return;
}

GYRE_TEST_CASE("gather: the first failure ends it, the others run on in silence (S124)") {
    Reports reports(loop);
    Log log;
    auto slow = [&]() -> Coro<> {
        co_await ticks(4);
        log.push_back("slow ended");
        throw std::runtime_error("second");
    };
    auto steady = [&]() -> Coro<int> {
        co_await ticks(5);
        log.push_back("steady ended");
        co_return 1;
    };
    auto all = gather(fails("first"), slow(), steady());
    std::string end = co_await ending(all);
    CHECK(end == "first");
    CHECK(log.empty());
    CHECK(all_tasks().size() == 3);
    co_await ticks(6);
    CHECK(joined(log) == "slow ended steady ended");
    all = {};
    CHECK(reports.count() == 0);
}

GYRE_TEST_CASE("gather: a cancelled child is an exception, the siblings go on (S125)") {
    Future<int> child = create_future<int>();
    Future<int> sibling = create_future<int>();
    auto all = gather(child, sibling);
    child.cancel("child");
    std::string end = co_await ending(all);
    CHECK(end == "CancelledError(child)");
    CHECK(all.done());
    CHECK(!all.cancelled());
    CHECK(name_of(all.exception()) == "CancelledError(child)");
    CHECK(!sibling.done());
}

GYRE_TEST_CASE("gather(return_exceptions): done when all are, failures as values (S126)") {
    Future<int> cancelled = create_future<int>();
    auto all = gather(return_exceptions, fails("boom"), later(2ms, 3), cancelled, ticks(1));
    cancelled.cancel("gone");
    co_await ticks(3);
    CHECK(!all.done());
    auto result = co_await all;
    CHECK(name_of(std::get<0>(result).error()) == "boom");
    CHECK(std::get<1>(result).value() == 3);
    CHECK(name_of(std::get<2>(result).error()) == "CancelledError(gone)");
    CHECK(thrown_by([&] { return std::get<2>(result).value(); }) == "CancelledError(gone)");
    CHECK(std::get<3>(result).has_value());
}

GYRE_TEST_CASE("gather(return_exceptions): a vector (S126)") {
    std::vector<Coro<int>> coros;
    coros.push_back(number(1));
    coros.push_back([]() -> Coro<int> {
        throw std::runtime_error("boom");
        co_return 0;
    }());
    auto all = gather(return_exceptions, std::move(coros));
    std::vector<Result<int>> results = co_await all;
    REQUIRE(results.size() == 2);
    CHECK(*results[0] == 1);
    CHECK(!results[1].has_value());
    CHECK(name_of(results[1].error()) == "boom");
}

GYRE_TEST_CASE("gather: cancel is passed on to each unfinished child (S127)") {
    Task<> done = create_task(ticks(0));
    co_await done;
    Future<int> first = create_future<int>();
    Task<> second = create_task(forever());
    auto all = gather(done, first, second);
    co_await sleep(0s);
    CHECK(all.cancel("all"));
    CHECK(!all.done());
    CHECK(first.cancelled());
    CHECK(second.cancelling() == 1);
    std::string end = co_await ending(all);
    CHECK(end == "CancelledError(all)");
    CHECK(!all.cancelled());
    CHECK(!all.cancel());
    co_await sleep(0s);
    CHECK(second.cancelled());
}

GYRE_TEST_CASE("gather: cancel without a child to take it is refused (S127)") {
    Future<int> first = create_future<int>();
    auto all = gather(first);
    first.set_result(1);  // the gather does not know yet
    CHECK(!all.done());
    CHECK(!all.cancel());
    auto result = co_await all;
    CHECK(std::get<0>(result) == 1);
}

GYRE_TEST_CASE("gather cancelled: fails with the first child, not the slowest (S128)" * in_order) {
    Log log;
    Task<> quick = create_task(forever());
    Task<> slow = create_task(until_cancelled(log, "slow", 6));
    auto all = gather(quick, slow);
    co_await sleep(0s);
    all.cancel();
    std::string end = co_await ending(all);
    CHECK(end == "CancelledError");
    CHECK(quick.done());
    CHECK(!slow.done());
    end = co_await ending(slow);
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("gather(return_exceptions) cancelled: waits for all, then CancelledError (S128)" *
               in_order) {
    Log log;
    Task<> slow = create_task(until_cancelled(log, "slow", 4));
    Task<int> stubborn = create_task(ignores_cancel(3));
    auto all = gather(return_exceptions, slow, stubborn);
    co_await sleep(0s);
    CHECK(all.cancel());
    std::string end = co_await ending(all);
    CHECK(end.starts_with("CancelledError"));
    CHECK(slow.cancelled());
    CHECK(outcome(stubborn) == "3");

    Task<int> only = create_task(ignores_cancel(4));
    auto one = gather(return_exceptions, only);
    co_await sleep(0s);
    one.cancel();
    end = co_await ending(one);
    CHECK(end == "CancelledError");
    CHECK(outcome(only) == "4");
}

GYRE_TEST_CASE("gather: cancelling who awaits it cancels the children (S127)") {
    Task<> child = create_task(forever());
    Task<> parent = create_task([&]() -> Coro<> {
        auto all = gather(child, forever());
        co_await all;
    });
    co_await ticks(2);
    CHECK(all_tasks().size() == 4);
    parent.cancel("parent");
    std::string end = co_await ending(parent);
    CHECK(end == "CancelledError(parent)");
    CHECK(parent.cancelled());
    CHECK(child.cancelled());
    co_await ticks(1);
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("gather: once failed, it cancels nothing any more (S129)") {
    Log log;
    Task<> steady = create_task(until_cancelled(log, "steady"));
    Task<std::string> parent = create_task([&]() -> Coro<std::string> {
        auto all = gather(fails("boom"), steady);
        std::string end = co_await ending(all);
        CHECK(!all.cancel());
        end += " " + co_await ending(sleep(1h));
        co_return end;
    });
    co_await ticks(6);
    parent.cancel();
    std::string end = co_await parent;
    CHECK(end == "boom CancelledError");
    CHECK(!steady.done());
    CHECK(steady.cancelling() == 0);
    steady.cancel();
    co_await ending(steady);
}

GYRE_TEST_CASE("gather of done futures is done on return (S130)") {
    Future<int> one = create_future<int>();
    Future<int> two = create_future<int>();
    one.set_result(1);
    two.set_result(2);
    auto all = gather(one, two);
    CHECK(all.done());
    CHECK(all.result() == std::make_tuple(1, 2));
    Future<int> failed = create_future<int>();
    failed.set_exception(std::runtime_error("boom"));
    Future<int> pending = create_future<int>();
    auto broken = gather(pending, failed);
    CHECK(broken.done());
    CHECK(outcome(broken) == "boom");
    auto results = gather(return_exceptions, one, failed);
    CHECK(results.done());
    CHECK(std::get<0>(results.result()).has_value());
    CHECK(!std::get<1>(results.result()).has_value());
    co_return;
}

GYRE_TEST_CASE("gather let go: the children run on, nothing dangles (S414)") {
    int ended = 0;
    auto body = [&]() -> Coro<> {
        co_await ticks(2);
        ++ended;
    };
    {
        auto all = gather(body(), body());
        static_cast<void>(all);
    }
    Future<int> future = create_future<int>();
    {
        auto all = gather(future, body());
        future.set_result(1);  // its note is in the queue when the gather goes
    }
    co_await ticks(4);
    CHECK(ended == 3);
}

GYRE_TEST_CASE("gather: an error nobody asked for is reported once (S68)") {
    Reports reports(loop);
    {
        auto all = gather(fails("lost"), number(1));
        co_await ticks(4);
        CHECK(all.done());
    }
    CHECK(joined(reports.errors) == "lost");
}

GYRE_TEST_CASE("gather: a cancel that it refuses asks for no error (S68, S129)") {
    Reports reports(loop);
    {
        auto failed = gather(fails("unasked"));
        while (!failed.done()) {
            co_await sleep(0s);
        }
        CHECK(!failed.cancel());
    }
    CHECK(joined(reports.errors) == "unasked");
}

GYRE_TEST_CASE("gather of gathers: cancel reaches the leaves (S127)") {
    Task<> leaf = create_task(forever());
    auto inner = gather(leaf, forever());
    auto outer = gather(inner, forever());
    co_await sleep(0s);
    CHECK(outer.cancel("deep"));
    std::string end = co_await ending(outer);
    CHECK(end == "CancelledError(deep)");
    CHECK(leaf.cancelled());
    co_await ticks(3);
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("gather: all children done, not heard yet: a cancel is refused (S127)" * in_order) {
    Future<int> future = create_future<int>();
    auto body = [](Future<int> inner) -> Coro<int> {
        int value = co_await inner;
        co_return value;
    };
    auto all = gather(body(future));
    co_await sleep(0s);  // the child waits for the future by now
    std::optional<bool> taken;
    future.add_done_callback([&] { taken = all.cancel(); });
    future.set_result(42);
    auto values = co_await all;
    CHECK(taken == false);
    CHECK(!all.cancelled());
    CHECK(std::get<0>(values) == 42);
}

GYRE_TEST_CASE("gather(return_exceptions) again and again: a cancel gets through (S128)") {
    int rounds = 0;
    auto body = [&]() -> Coro<> {
        for (;;) {
            co_await gather(return_exceptions, sleep(0s), sleep(1ms));
            ++rounds;
        }
    };
    Task<> task = create_task(body());
    while (rounds < 3) {
        co_await sleep(1ms);
    }
    task.cancel("my message");
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError(my message)");
}
