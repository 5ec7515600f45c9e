// Section 6: futures.
#include "support.hpp"

#include <functional>
#include <memory>
#include <optional>

GYRE_TEST_CASE("future: pending, then exactly one outcome (S54)") {
    Future<int> value = create_future<int>();
    CHECK(outcome(value) == "pending");
    CHECK(!value.done());
    CHECK(!value.cancelled());
    value.set_result(3);
    CHECK(value.done());
    CHECK(outcome(value) == "3");
    Future<int> error = create_future<int>();
    error.set_exception(std::runtime_error("boom"));
    CHECK(error.done());
    CHECK(!error.cancelled());
    CHECK(outcome(error) == "boom");
    Future<> cancelled = create_future();
    cancelled.cancel();
    CHECK(cancelled.done());
    CHECK(cancelled.cancelled());
    co_return;
}

GYRE_TEST_CASE("future: a second outcome is InvalidStateError (S55)") {
    Future<int> value = create_future<int>();
    value.set_result(1);
    Future<int> cancelled = create_future<int>();
    cancelled.cancel();
    for (Future<int> future : {value, cancelled}) {
        CHECK(thrown_by([&] { future.set_result(2); }) == "InvalidStateError");
        CHECK(thrown_by([&] { future.set_exception(std::runtime_error("x")); }) ==
              "InvalidStateError");
    }
    CHECK(outcome(value) == "1");
    co_return;
}

GYRE_TEST_CASE("future: cancel is true once (S56)" * in_order) {
    int called = 0;
    Future<int> future = create_future<int>();
    future.add_done_callback([&] { ++called; });
    CHECK(future.cancel());
    CHECK(!future.cancel());
    CHECK(called == 0);
    co_await sleep(0s);
    CHECK(called == 1);
    Future<int> done = create_future<int>();
    done.set_result(1);
    CHECK(!done.cancel());
    CHECK(outcome(done) == "1");
}

GYRE_TEST_CASE("future: a cancel counts as asking for the exception, even refused (S57)") {
    Reports reports(loop);
    Future<int> future = create_future<int>();
    future.set_exception(std::runtime_error("boom"));
    CHECK(!future.cancel());
    future = {};
    CHECK(reports.count() == 0);
    co_return;
}

GYRE_TEST_CASE("future: result() and exception() in each state (S58)") {
    Future<int> future = create_future<int>();
    CHECK(thrown_by([&] { return future.result(); }) == "InvalidStateError");
    CHECK(thrown_by([&] { return future.exception(); }) == "InvalidStateError");
    future.set_result(2);
    CHECK(future.result() == 2);
    CHECK(future.exception() == nullptr);
    Future<int> error = create_future<int>();
    error.set_exception(std::make_exception_ptr(std::runtime_error("boom")));
    CHECK(thrown_by([&] { return error.result(); }) == "boom");
    CHECK(name_of(error.exception()) == "boom");
    Future<int> cancelled = create_future<int>();
    cancelled.cancel("why");
    CHECK(thrown_by([&] { return cancelled.result(); }) == "CancelledError(why)");
    CHECK(thrown_by([&] { return cancelled.exception(); }) == "CancelledError(why)");
    co_return;
}

GYRE_TEST_CASE("future: the cancel message is in every CancelledError (S59, S60)") {
    Future<int> future = create_future<int>();
    future.cancel("message");
    for (int i = 0; i < 2; ++i) {
        std::string end = co_await ending(future);
        CHECK(end == "CancelledError(message)");
    }
    Future<int> silent = create_future<int>();
    silent.cancel();
    std::string end = co_await ending(silent);
    CHECK(end == "CancelledError");

    Task<> task = create_task(forever());
    co_await sleep(0s);
    task.cancel("told");
    for (int i = 0; i < 3; ++i) {
        end = co_await ending(task);
        CHECK(end == "CancelledError(told)");
        CHECK(thrown_by([&] { task.result(); }) == "CancelledError(told)");
    }
}

GYRE_TEST_CASE("done-callbacks: queued one by one, in order, never inline (S61, S62)" * in_order) {
    Log log;
    Future<int> future = create_future<int>();
    for (const char* name : {"a", "b", "c"}) {
        future.add_done_callback([&log, name] { log.push_back(name); });
    }
    future.add_done_callback(
        [&](const Future<int>& done) { log.push_back(std::to_string(done.result())); });
    future.set_result(5);
    loop.call_soon([&] { log.push_back("soon"); });
    CHECK(log.empty());
    co_await sleep(0s);
    CHECK(joined(log) == "a b c 5 soon");
    log.clear();
    future.add_done_callback([&] { log.push_back("late"); });
    CHECK(log.empty());
    co_await sleep(0s);
    CHECK(joined(log) == "late");
}

GYRE_TEST_CASE("done-callbacks: the context is that of the registration (S63)" * in_order) {
    static ContextVar<int> variable("variable", 0);
    Log log;
    Future<int> future = create_future<int>();
    variable.set(1);
    future.add_done_callback([&] {
        log.push_back(std::to_string(variable.get()));
        variable.set(10);
    });
    variable.set(2);
    future.add_done_callback([&] { log.push_back(std::to_string(variable.get())); });
    variable.set(3);
    future.set_result(0);
    co_await sleep(0s);
    CHECK(joined(log) == "1 2");
    CHECK(variable.get() == 3);
}

GYRE_TEST_CASE("done-callbacks: a token takes one back, unless it is queued (S64, S415)" *
               in_order) {
    Log log;
    auto callback = [&] { log.push_back("called"); };
    Future<int> future = create_future<int>();
    const DoneToken first = future.add_done_callback(callback);
    const DoneToken second = future.add_done_callback(callback);
    CHECK(future.remove_done_callback(first) == 1);
    CHECK(future.remove_done_callback(first) == 0);
    CHECK(future.remove_done_callback(DoneToken()) == 0);
    Future<int> other = create_future<int>();
    CHECK(other.remove_done_callback(second) == 0);
    future.set_result(1);
    CHECK(future.remove_done_callback(second) == 0);
    co_await sleep(0s);
    CHECK(joined(log) == "called");
}

GYRE_TEST_CASE("done-callbacks: one that adds, removes and completes others (S61, S64)" *
               in_order) {
    Log log;
    Future<int> future = create_future<int>();
    Future<int> other = create_future<int>();
    future.add_done_callback([&] {
        log.push_back("1");
        future.add_done_callback([&] { log.push_back("3"); });
        other.set_result(1);
    });
    const DoneToken token = other.add_done_callback([&] { log.push_back("never"); });
    other.add_done_callback([&] { log.push_back("4"); });
    future.add_done_callback([&] {
        log.push_back("2");
        CHECK(other.remove_done_callback(token) == 0);  // queued by the one before
    });
    future.set_result(1);
    co_await ticks(2);
    CHECK(joined(log) == "1 2 3 never 4");
}

GYRE_TEST_CASE("done-callbacks: one that throws is reported, the others run (S65)" * in_order) {
    Reports reports(loop);
    Log log;
    Future<int> future = create_future<int>();
    future.add_done_callback([] { throw std::runtime_error("boom"); });
    future.add_done_callback([&] { log.push_back("ran"); });
    future.set_result(1);
    co_await sleep(0s);
    CHECK(joined(log) == "ran");
    CHECK(joined(reports.errors) == "boom");
}

GYRE_TEST_CASE("await of a done future does not suspend (S66)") {
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    Future<int> future = create_future<int>();
    future.set_result(1);
    co_await future;
    co_await future;
    Future<int> failed = create_future<int>();
    failed.set_exception(std::runtime_error("boom"));
    std::string end = co_await ending(failed);
    CHECK(end == "boom");
    CHECK(passed.count() == start);
}

GYRE_TEST_CASE("several tasks await one future: woken in order, each gets the value (S67, S419)" *
               in_order) {
    Log log;
    Future<std::string> future = create_future<std::string>();
    auto waits = [&](std::string name) -> Coro<> {
        const std::string& value = co_await future;
        log.push_back(name + value);
    };
    Task<> a = create_task(waits("a"));
    Task<> b = create_task(waits("b"));
    Task<> c = create_task(waits("c"));
    co_await sleep(0s);
    future.set_result("!");
    co_await c;
    CHECK(joined(log) == "a! b! c!");
    static_cast<void>(a.done() && b.done());
}

GYRE_TEST_CASE("an exception nobody asked for is reported when the last handle goes (S68, S416)") {
    Reports reports(loop);
    {
        Future<int> lost = create_future<int>();
        lost.set_exception(std::runtime_error("lost"));
        Future<int> copy = lost;
        lost = {};
        CHECK(reports.count() == 0);
    }
    CHECK(joined(reports.messages) == "Future exception was never retrieved");
    CHECK(joined(reports.errors) == "lost");
    {
        Task<> task = create_task(fails("task"));
        co_await ticks(3);
    }
    REQUIRE(reports.count() == 2);
    CHECK(reports.messages[1] == "Task exception was never retrieved");

    // Asked for, awaited, cancelled, or a value: no report.
    Future<int> asked = create_future<int>();
    asked.set_exception(std::runtime_error("asked"));
    static_cast<void>(asked.exception());
    asked = {};
    Task<> awaited = create_task(fails("awaited"));
    co_await ending(std::move(awaited));
    Future<int> value = create_future<int>();
    value.set_result(1);
    value = {};
    Future<int> cancelled = create_future<int>();
    cancelled.cancel();
    cancelled = {};
    CHECK(reports.count() == 2);
}

TEST_CASE("a future that outlives its loop stays safe to use (S413, S416)") {
    Future<int> future;
    Task<> task;
    {
        const std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
        Reports reports(*loop);
        future = create_future<int>(*loop);
        task = create_task(*loop, forever());
        loop->close();
        CHECK(reports.count() == 1);
    }
    CHECK(!future.done());
    CHECK(!task.done());
    future.set_result(3);
    CHECK(outcome(future) == "3");
    CHECK(future.get_loop().is_closed());
    task.cancel();
}

GYRE_TEST_CASE(
    "ensure_future: futures as they are, coroutines and other awaitables as tasks (S70)") {
    Future<int> future = create_future<int>();
    CHECK(ensure_future(future) == future);
    Task<int> task = create_task(number(1));
    Task<int> same = ensure_future(task);
    CHECK(same == task);
    Task<int> made = ensure_future(number(2));
    int value = co_await made;
    CHECK(value == 2);
    Queue<int> queue;
    Task<int> getting = ensure_future(queue.get());
    co_await sleep(0s);
    queue.put_nowait(3);
    value = co_await getting;
    CHECK(value == 3);
    co_await task;
}

TEST_CASE("create_future, gather, shield, as_completed need a running loop (S71)") {
    CHECK(thrown_by([] { return create_future<int>(); }) == "RuntimeError");
    CHECK(thrown_by([] { return gather(); }) == "RuntimeError");
    CHECK(thrown_by([] { return shield(number(1)); }) == "RuntimeError");
    CHECK(thrown_by([] { return gather(number(1)); }) == "RuntimeError");
    std::vector<Coro<int>> coros;
    coros.push_back(number(1));
    CHECK(thrown_by([&] { return as_completed(std::move(coros)); }) == "RuntimeError");
    CHECK(thrown_by([] { return Future<int>().done(); }) == "RuntimeError");
}

GYRE_TEST_CASE("a callback may drop the last handle of what called it (S414)" * in_order) {
    std::optional<Future<int>> future = create_future<int>();
    bool called = false;
    future->add_done_callback([&] {
        future.reset();
        called = true;
    });
    future->set_result(1);
    co_await sleep(0s);
    CHECK(called);
    CHECK(!future);
}

GYRE_TEST_CASE("results that can only be moved (S419)") {
    Future<std::unique_ptr<int>> future = create_future<std::unique_ptr<int>>();
    future.set_result(std::make_unique<int>(4));
    const std::unique_ptr<int>& shared = co_await future;
    CHECK(*shared == 4);
    std::unique_ptr<int> taken = co_await std::move(future);
    CHECK(*taken == 4);
}

GYRE_TEST_CASE("a const handle does everything, as one that a lambda captured is" * in_order) {
    const Future<int> future = create_future<int>();
    int calls = 0;
    const DoneToken token = future.add_done_callback([&] { ++calls; });
    CHECK(future.remove_done_callback(token) == 1);
    const Handle handle = loop.call_soon([future] { future.set_result(1); });
    loop.call_soon([future] { CHECK(!future.cancel()); });
    int value = co_await future;
    CHECK(value == 1);
    CHECK(!handle.cancelled());
    const TimerHandle timer = loop.call_later(1h, [] {});
    timer.cancel();
    CHECK(timer.cancelled());
    const Task<int> task = create_task(later(1h, 2));
    task.set_name("const");
    CHECK(task.cancel());
    CHECK(task.uncancel() == 0);
    const Future<int> other = create_future<int>();
    other.set_exception(std::runtime_error("text"));
    std::string end = co_await ending(other);
    CHECK(end == "text");
    task.cancel();
    end = co_await ending(task);
    CHECK(end == "CancelledError");
    CHECK(calls == 0);
}

GYRE_TEST_CASE("done-callbacks: take the future in any form (S61)" * in_order) {
    struct Counter {
        int count = 0;
        void add(Future<int>& future) { count += future.result(); }
    };
    Counter counter;
    int sum = 0;
    Future<int> future = create_future<int>();
    future.add_done_callback([&](Future<int>& done) { sum += done.result(); });
    future.add_done_callback([&](const Future<int>& done) { sum += done.result(); });
    future.add_done_callback([&](Future<int> done) { sum += done.result(); });
    future.add_done_callback([&](Future<int>&& done) { sum += done.result(); });
    future.add_done_callback([&](auto& done) { sum += done.result(); });
    future.add_done_callback([&](auto&& done) { sum += done.result(); });
    future.add_done_callback([&] { ++sum; });
    future.add_done_callback(std::bind_front(&Counter::add, &counter));
    future.set_result(1);
    co_await sleep(0s);
    CHECK(sum == 7);
    CHECK(counter.count == 1);
    Task<int> task = create_task(number(2));
    task.add_done_callback([&](Task<int>& done) { sum += done.result(); });
    task.add_done_callback([&](Future<int>& done) { sum += done.result(); });
    co_await task;
    CHECK(sum == 11);
}
