// Section 8: cancellation.
#include "support.hpp"

GYRE_TEST_CASE("cancelled() only turns true when the body has ended so (S95)" * in_order) {
    Task<> task = create_task(forever());
    co_await sleep(0s);
    task.cancel();
    CHECK(!task.cancelled());
    CHECK(!task.done());
    co_await sleep(0s);
    CHECK(task.cancelled());
}

GYRE_TEST_CASE("cancel: what the task waits for is cancelled, the error comes through it (S96)" *
               in_order) {
    Future<int> future = create_future<int>();
    std::string seen;
    Task<> task = create_task([&]() -> Coro<> {
        Future<int> same = future;
        seen = co_await ending(same);
    });
    co_await sleep(0s);
    task.cancel("stop");
    CHECK(future.cancelled());
    CHECK(outcome(future) == "CancelledError(stop)");
    CHECK(seen.empty());
    co_await task;
    CHECK(seen == "CancelledError(stop)");
}

GYRE_TEST_CASE("cancel before the first step: the body is never entered (S98)" * in_order) {
    bool entered = false;
    const auto frames = detail::step.live_frames;
    Task<> task = create_task([&]() -> Coro<> {
        entered = true;
        co_return;
    });
    CHECK(task.cancel("early"));
    CHECK(!task.done());
    co_await sleep(0s);
    CHECK(task.cancelled());
    CHECK(!entered);
    CHECK(outcome(task) == "CancelledError(early)");
    CHECK(detail::step.live_frames == frames);
}

GYRE_TEST_CASE("cancel after the awaited future is done: CancelledError in place of it (S97, S99)" *
               in_order) {
    Future<int> future = create_future<int>();
    auto body = [&]() -> Coro<std::string> {
        Future<int> same = future;
        std::string seen = co_await ending(same);
        co_return seen;
    };
    Task<std::string> task = create_task(body());
    co_await sleep(0s);
    future.set_result(5);
    CHECK(task.cancel("late"));
    CHECK(!future.cancelled());
    std::string seen = co_await task;
    CHECK(seen == "CancelledError(late)");
    CHECK(outcome(future) == "5");

    // The same for an exception, and for a wait that is no future.
    Future<int> failing = create_future<int>();
    future = failing;
    Task<std::string> other = create_task(body());
    co_await sleep(0s);
    failing.set_exception(std::runtime_error("boom"));
    other.cancel();
    seen = co_await other;
    CHECK(seen == "CancelledError");
    CHECK(outcome(failing) == "boom");

    Event event;
    Task<std::string> third = create_task([&]() -> Coro<std::string> {
        std::string end = co_await ending(event.wait());
        co_return end;
    });
    co_await sleep(0s);
    event.set();
    third.cancel("late");
    seen = co_await third;
    CHECK(seen == "CancelledError(late)");
}

GYRE_TEST_CASE("self-cancel: what is awaited next is cancelled at once (S100)" * in_order) {
    Future<int> future = create_future<int>();
    std::string seen;
    std::string slept;
    std::string yielded;
    Task<> task = create_task([&]() -> Coro<> {
        AnyTask here = current_task();
        here.cancel("self");
        Future<int> same = future;
        seen = co_await ending(same);
        here.cancel("again");
        slept = co_await ending(sleep(1h));
        here.cancel("third");
        yielded = co_await ending(sleep(0s));
    });
    co_await sleep(0s);
    CHECK(future.cancelled());
    CHECK(seen.empty());
    co_await task;
    CHECK(seen == "CancelledError(self)");
    CHECK(slept == "CancelledError(again)");
    CHECK(yielded == "CancelledError(third)");
    CHECK(task.cancelling() == 3);
}

GYRE_TEST_CASE("self-cancel: a task awaited next is cancelled too, and waited for (S100)") {
    Task<int> inner = create_task(ignores_cancel(6));
    co_await sleep(0s);
    std::string seen;
    Task<> outer = create_task([&]() -> Coro<> {
        AnyTask here = current_task();
        here.cancel();
        Task<int> same = inner;
        seen = co_await ending(same);
    });
    co_await outer;
    CHECK(inner.cancelling() == 1);
    CHECK(seen == "6");
}

GYRE_TEST_CASE("a marked task: done futures and coroutines deliver nothing (S101)") {
    Log log;
    Task<> task = create_task([&]() -> Coro<> {
        AnyTask here = current_task();
        here.cancel();
        Future<int> done = create_future<int>();
        done.set_result(1);
        co_await done;
        log.push_back("future");
        co_await number(2);
        log.push_back("coroutine");
        co_await sleep(0s);
        log.push_back("sleep");
    });
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError");
    CHECK(joined(log) == "future coroutine");
}

GYRE_TEST_CASE("marked, the body returns: cancelled; it throws: the exception (S102, S103)") {
    Task<int> returns = create_task([]() -> Coro<int> {
        AnyTask here = current_task();
        here.cancel("marked");
        co_return 3;
    });
    Task<> throws = create_task([]() -> Coro<> {
        AnyTask here = current_task();
        here.cancel();
        throw std::runtime_error("boom");
        co_return;
    });
    std::string end = co_await ending(returns);
    CHECK(end == "CancelledError(marked)");
    CHECK(returns.cancelled());
    end = co_await ending(throws);
    CHECK(end == "boom");
    CHECK(!throws.cancelled());
}

GYRE_TEST_CASE("two cancels before delivery: one error; its message (S104)" * in_order) {
    int errors = 0;
    Log messages;
    auto counts = [&](auto awaited) -> Coro<> {
        try {
            co_await std::move(awaited);
        } catch (const CancelledError& error) {
            ++errors;
            messages.push_back(error.message());
        }
        co_await sleep(0s);
    };
    // Delegated, to a future and to a wait of another kind: the first one's.
    Task<> future = create_task(counts(create_future<int>()));
    Task<> sleeping = create_task(counts(sleep(1h)));
    // Only marked: the last one's.
    Future<int> ready = create_future<int>();
    Task<> marked = create_task(counts(ready));
    co_await sleep(0s);
    ready.set_result(1);
    for (const char* message : {"first", "second"}) {
        future.cancel(message);
        sleeping.cancel(message);
        marked.cancel(message);
    }
    co_await future;
    co_await sleeping;
    co_await marked;
    CHECK(errors == 3);
    std::sort(messages.begin(), messages.end());
    CHECK(joined(messages) == "first first second");
    CHECK(future.cancelling() == 2);
    CHECK(!future.cancelled());
    CHECK(!marked.cancelled());
}

GYRE_TEST_CASE("a cancel during cleanup interrupts the cleanup's await (S106)" * in_order) {
    Log log;
    Task<> task = create_task([&]() -> Coro<> {
        std::string end = co_await ending(sleep(1h));
        log.push_back(end);
        end = co_await ending(sleep(1h));
        log.push_back(end);
    });
    co_await sleep(0s);
    task.cancel("one");
    co_await sleep(0s);
    CHECK(joined(log) == "CancelledError(one)");
    task.cancel("two");
    co_await task;
    CHECK(joined(log) == "CancelledError(one) CancelledError(two)");
}

GYRE_TEST_CASE("cancelling who awaits a task: the inner first, its outcome then (S107)" *
               in_order) {
    Ticks passed(loop);
    int inner_at = 0;
    int outer_at = 0;
    Task<> inner = create_task([&]() -> Coro<> {
        std::string end = co_await ending(sleep(1h));
        inner_at = passed.count();
        throw CancelledError("from inside");
    });
    std::string seen;
    Task<> outer = create_task([&]() -> Coro<> {
        Task<> same = inner;
        seen = co_await ending(same);
        outer_at = passed.count();
    });
    co_await ticks(2);
    const int start = passed.count();
    outer.cancel();
    CHECK(inner.cancelling() == 1);
    co_await outer;
    CHECK(inner_at - start == 1);
    CHECK(outer_at - start == 2);
    CHECK(seen == "CancelledError(from inside)");

    Task<int> stubborn = create_task(ignores_cancel(5));
    Task<int> waiting = create_task([&]() -> Coro<int> {
        int value = co_await stubborn;
        co_return value;
    });
    co_await ticks(2);
    waiting.cancel();
    int value = co_await waiting;
    CHECK(value == 5);
    CHECK(waiting.cancelling() == 1);
    CHECK(!waiting.cancelled());
}

GYRE_TEST_CASE("an exception raised while handling the cancel is the outcome (S109)" * in_order) {
    Task<> task = create_task([]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::runtime_error("in cleanup");
        }
    });
    co_await sleep(0s);
    task.cancel();
    std::string end = co_await ending(task);
    CHECK(end == "in cleanup");
    CHECK(!task.cancelled());
}

GYRE_TEST_CASE("each cancel is delegated anew when the inner ignored the last one (S113)" *
               in_order) {
    int ignored = 0;
    Task<> inner = create_task([&]() -> Coro<> {
        while (ignored < 2) {
            std::string end = co_await ending(sleep(1h));
            ++ignored;
        }
        co_await sleep(1h);
    });
    Task<> outer = create_task([&]() -> Coro<> { co_await inner; });
    co_await ticks(2);
    for (int i = 0; i < 3; ++i) {
        CHECK(!outer.done());
        outer.cancel();
        co_await ticks(2);
    }
    CHECK(ignored == 2);
    CHECK(inner.cancelled());
    CHECK(outer.cancelled());
    CHECK(inner.cancelling() == 3);
    CHECK(outer.cancelling() == 3);
}

GYRE_TEST_CASE("cancel() runs nothing of the target (S114)" * in_order) {
    bool ran = false;
    Task<> task = create_task([&]() -> Coro<> {
        std::string end = co_await ending(sleep(1h));
        ran = true;
    });
    co_await sleep(0s);
    task.cancel();
    CHECK(!ran);
    co_await task;
    CHECK(ran);
}

GYRE_TEST_CASE("cancelling a long chain of tasks reaches the last one (S107)") {
    constexpr int kLength = 2000;
    std::vector<Task<>> chain;
    chain.push_back(create_task(forever()));
    for (int i = 1; i < kLength; ++i) {
        Task<> inner = chain.back();
        auto body = [](Task<> awaited) -> Coro<> { co_await awaited; };
        chain.push_back(create_task(body(inner)));
    }
    co_await ticks(2);
    CHECK(chain.back().cancel("all"));
    std::string end = co_await ending(chain.back());
    CHECK(end == "CancelledError(all)");
    std::size_t cancelled = 0;
    for (const Task<>& each : chain) {
        cancelled += each.cancelled() && each.cancelling() == 1 ? 1 : 0;
    }
    CHECK(cancelled == kLength);
}

GYRE_TEST_CASE("catch (const std::exception&) lets it pass, catch (...) swallows it (S105, S417)" *
               in_order) {
    Task<int> passes = create_task([]() -> Coro<int> {
        int value = 1;
        try {
            co_await sleep(1h);
        } catch (const std::exception&) {
            value = 2;
        }
        co_return value;
    });
    Task<int> stays = create_task([]() -> Coro<int> {
        int value = 1;
        try {
            co_await sleep(1h);
        } catch (...) {
            value = 2;
        }
        co_return value;
    });
    co_await sleep(0s);
    passes.cancel();
    stays.cancel();
    std::string end = co_await ending(passes);
    CHECK(end == "CancelledError");
    end = co_await ending(stays);
    CHECK(end == "2");
}

GYRE_TEST_CASE("a task and what it waits for, cancelled at once: one CancelledError (S97, S99)" *
               in_order) {
    Future<int> future = create_future<int>();
    int caught = 0;
    auto body = [&]() -> Coro<int> {
        try {
            co_await future;
        } catch (const CancelledError&) {
            ++caught;
            throw;
        }
        co_return 12;
    };
    Task<int> task = create_task(body());
    co_await sleep(0s);
    CHECK(future.cancel("the future"));
    CHECK(task.cancel("the task"));
    std::string end = co_await ending(task);
    CHECK(end.starts_with("CancelledError"));
    CHECK(caught == 1);
    CHECK(task.cancelled());
    CHECK(future.cancelled());
}
