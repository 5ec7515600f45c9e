// Section 12: wait_for.
#include "support.hpp"

#include <cmath>
#include <limits>
#include <optional>

namespace {

Coro<> fails_when_cancelled() {
    std::string end = co_await ending(sleep(1h));
    throw std::runtime_error("in cleanup");
}

}  // namespace

GYRE_TEST_CASE("wait_for: a coroutine runs in the calling task, its context with it (S139)" *
               in_order) {
    static ContextVar<int> variable("variable", 0);
    const AnyTask outer = current_task();
    bool same = false;
    auto body = [&]() -> Coro<int> {
        same = current_task() == outer;
        variable.set(5);
        co_await sleep(0s);
        co_return 3;
    };
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    int value = co_await wait_for(body(), 10s);
    CHECK(value == 3);
    CHECK(same);
    CHECK(variable.get() == 5);
    CHECK(passed.count() - start == 1);
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("wait_for: nothing of the body runs before it is awaited (S139)") {
    bool entered = false;
    auto body = [&]() -> Coro<> {
        entered = true;
        co_return;
    };
    auto waiting = wait_for(body(), 1s);
    co_await sleep(0s);
    CHECK(!entered);
    co_await std::move(waiting);
    CHECK(entered);
}

GYRE_TEST_CASE("wait_for: without a limit a plain await (S141)") {
    int value = co_await wait_for(later(1ms, 4), std::nullopt);
    CHECK(value == 4);
    std::string end = co_await ending(wait_for(fails("boom"), std::nullopt));
    CHECK(end == "boom");
}

GYRE_TEST_CASE("wait_for: limit 0: a coroutine is never entered (S142)") {
    bool entered = false;
    auto body = [&]() -> Coro<int> {
        entered = true;
        co_return 1;
    };
    for (std::chrono::milliseconds limit : {0ms, -5ms}) {
        std::string end = co_await ending(wait_for(body(), limit));
        CHECK(end == "TimeoutError");
    }
    CHECK(!entered);
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("wait_for: limit 0: what is done gives its outcome (S142)") {
    Future<int> done = create_future<int>();
    done.set_result(6);
    int value = co_await wait_for(done, 0s);
    CHECK(value == 6);
    Future<int> failed = create_future<int>();
    failed.set_exception(std::runtime_error("boom"));
    std::string end = co_await ending(wait_for(failed, 0s));
    CHECK(end == "boom");
    Future<int> cancelled = create_future<int>();
    cancelled.cancel();
    end = co_await ending(wait_for(cancelled, 0s));
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("wait_for: limit 0: a task is cancelled and ended first (S142)" * in_order) {
    Log log;
    Task<> task = create_task(until_cancelled(log, "clean", 3));
    co_await sleep(0s);
    std::string end = co_await ending(wait_for(task, 0s));
    CHECK(end == "TimeoutError");
    CHECK(task.cancelled());
    CHECK(joined(log) == "clean");
    // It ends otherwise in spite of the cancel: that is the outcome.
    Task<int> stubborn = create_task(ignores_cancel(7));
    co_await sleep(0s);
    end = co_await ending(wait_for(stubborn, 0s));
    CHECK(end == "7");
    Task<> failing = create_task(fails_when_cancelled());
    co_await sleep(0s);
    end = co_await ending(wait_for(failing, -1s));
    CHECK(end == "in cleanup");
    Future<int> future = create_future<int>();
    end = co_await ending(wait_for(future, 0s));
    CHECK(end == "TimeoutError");
    CHECK(future.cancelled());
}

GYRE_TEST_CASE("wait_for: a timeout waits for the inner's cleanup (S143)") {
    Log log;
    std::string end = co_await ending(wait_for(until_cancelled(log, "clean", 4), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "clean");
    Task<> task = create_task(until_cancelled(log, "clean", 4));
    end = co_await ending(wait_for(task, 1ms));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "clean clean");
    CHECK(task.cancelled());
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("wait_for: timed out, the inner ends otherwise: that is the outcome (S144)") {
    std::string end = co_await ending(wait_for(ignores_cancel(8), 1ms));
    CHECK(end == "8");
    end = co_await ending(wait_for(fails_when_cancelled(), 1ms));
    CHECK(end == "in cleanup");
    Task<int> task = create_task(ignores_cancel(9));
    end = co_await ending(wait_for(task, 1ms));
    CHECK(end == "9");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("wait_for cancelled: the inner is cancelled and ended first (S145)") {
    Log log;
    Task<> inner = create_task(until_cancelled(log, "clean", 3));
    Task<> waiter = create_task([&]() -> Coro<> { co_await wait_for(inner, 1h); });
    co_await ticks(2);
    waiter.cancel("waiter");
    std::string end = co_await ending(waiter);
    CHECK(end == "CancelledError(waiter)");
    CHECK(waiter.cancelled());
    CHECK(inner.cancelled());
    CHECK(joined(log) == "clean");

    Task<int> stubborn = create_task(ignores_cancel(4));
    Task<int> other = create_task([&]() -> Coro<int> {
        int value = co_await wait_for(stubborn, 1h);
        co_return value;
    });
    co_await ticks(2);
    other.cancel();
    int value = co_await other;
    CHECK(value == 4);
    CHECK(other.cancelling() == 1);
}

GYRE_TEST_CASE("wait_for: done and cancelled at the same moment: cancelled (S146)") {
    Future<int> future = create_future<int>();
    Task<int> waiter = create_task([&]() -> Coro<int> {
        int value = co_await wait_for(future, 1h);
        co_return value;
    });
    co_await sleep(0s);
    future.set_result(1);
    waiter.cancel();
    std::string end = co_await ending(waiter);
    CHECK(end == "CancelledError");
    CHECK(outcome(future) == "1");
}

GYRE_TEST_CASE("wait_for: done and timed out in one iteration: TimeoutError (S147)") {
    // Equal deadlines are due in one iteration, in order of creation.
    Future<int> future = create_future<int>();
    const auto deadline = loop.time() + 2ms;
    loop.call_at(deadline, [&] { future.set_result(1); });
    auto waiting = timeout_at(deadline, [&]() -> Coro<int> {
        int value = co_await future;
        co_return value;
    });
    std::string end = co_await ending(std::move(waiting));
    CHECK(end == "TimeoutError");
    CHECK(outcome(future) == "1");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("wait_for: the inner cancelled by somebody else: CancelledError (S148)") {
    Task<> inner = create_task(forever());
    Task<> waiter = create_task([&]() -> Coro<> { co_await wait_for(inner, 1h); });
    co_await ticks(2);
    inner.cancel("somebody");
    std::string end = co_await ending(waiter);
    CHECK(end == "CancelledError(somebody)");
    CHECK(waiter.cancelling() == 0);
}

GYRE_TEST_CASE("wait_for(shield): a timeout cancels only the shield (S149)") {
    Future<int> inner = create_future<int>();
    for (std::chrono::milliseconds limit : {0ms, 1ms}) {
        auto shielded = shield(inner);
        std::string end = co_await ending(wait_for(shielded, limit));
        CHECK(end == "TimeoutError");
        CHECK(shielded.cancelled());
        CHECK(!inner.done());
    }
    inner.set_result(3);
    int value = co_await inner;
    CHECK(value == 3);
}

GYRE_TEST_CASE("wait_for: limits without end; NaN is refused (S150, S115)") {
    int value = co_await wait_for(later(1ms, 1), std::chrono::hours::max());
    CHECK(value == 1);
    using Seconds = std::chrono::duration<double>;
    value = co_await wait_for(later(1ms, 2), Seconds(std::numeric_limits<double>::infinity()));
    CHECK(value == 2);
    Coro<int> coro = number(3);
    auto refused = [&] { return wait_for(std::move(coro), Seconds(std::nan(""))); };
    CHECK(thrown_by(refused) == "ValueError");
    coro.close();
    CHECK(loop.statistics().timers == 0);
}

GYRE_TEST_CASE("wait_for: any awaitable: a queue's get loses no item (S233)") {
    Queue<int> queue;
    std::string end = co_await ending(wait_for(queue.get(), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(queue.statistics().getting == 0);
    queue.put_nowait(5);
    int item = co_await wait_for(queue.get(), 1s);
    CHECK(item == 5);
    end = co_await ending(wait_for(sleep(1h), 1ms));
    CHECK(end == "TimeoutError");
}

GYRE_TEST_CASE("wait_for in wait_for: the outer limit, the inner limit (S172)") {
    auto inner = wait_for(forever(), 1h);
    std::string end = co_await ending(wait_for(std::move(inner), 1ms));
    CHECK(end == "TimeoutError");
    auto soon = wait_for(forever(), 1ms);
    end = co_await ending(wait_for(std::move(soon), 1h));
    CHECK(end == "TimeoutError");
    CHECK(current_task().cancelling() == 0);
    CHECK(loop.statistics().timers == 0);
}
