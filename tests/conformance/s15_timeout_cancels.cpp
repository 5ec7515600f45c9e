// Section 15: a timeout among other timeouts, cancels and errors.
#include "support.hpp"

GYRE_TEST_CASE("timeout: the level of cancels on entry decides (S167)") {
    Task<std::string> task = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        here.cancel();
        std::string first = co_await ending(sleep(1h));
        // One request stays outstanding, and is none of the limit's.
        auto body = timeout(1ms, [] { return forever(); });
        std::string second = co_await ending(std::move(body));
        co_return first + " " + second + " " + std::to_string(here.cancelling());
    });
    std::string seen = co_await task;
    CHECK(seen == "CancelledError TimeoutError 1");
}

GYRE_TEST_CASE("timeout: a cancel after it expired: CancelledError (S167, S170)") {
    Task<std::string> task = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        auto body = timeout(1ms, [&]() -> Coro<> {
            std::string end = co_await ending(sleep(1h));
            here.cancel("outside");
            co_await sleep(1h);
        });
        std::string end = co_await ending(std::move(body));
        co_return end + " " + std::to_string(here.cancelling());
    });
    std::string seen = co_await task;
    CHECK(seen == "CancelledError(outside) 1");
}

GYRE_TEST_CASE("timeout: swallowed: the body's value, expired, the count restored (S168)") {
    bool expired = false;
    auto body = timeout(1ms, [&](Timeout& limit) -> Coro<int> {
        std::string end = co_await ending(sleep(1h));
        expired = limit.expired();
        co_await ticks(2);
        co_return 6;
    });
    int value = co_await std::move(body);
    CHECK(value == 6);
    CHECK(expired);
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("timeout: another exception made of it leaves unchanged (S169)") {
    auto body = timeout(1ms, []() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::runtime_error("mine");
        }
    });
    std::string end = co_await ending(std::move(body));
    CHECK(end == "mine");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("timeout: a cancel at the moment it expires wins, in either order (S170)" *
               in_order) {
    for (const bool cancel_first : {true, false}) {
        const auto deadline = loop.time() + 3ms;
        Task<> task;
        if (cancel_first) {
            loop.call_at(deadline, [&] { task.cancel("outside"); });
        }
        task = create_task(
            [&]() -> Coro<> { co_await timeout_at(deadline, [] { return forever(); }); });
        co_await sleep(0s);
        if (!cancel_first) {
            loop.call_at(deadline, [&] { task.cancel("outside"); });
        }
        std::string end = co_await ending(task);
        // The first request is the one that was passed on.
        CHECK(end == (cancel_first ? "CancelledError(outside)" : "CancelledError"));
        CHECK(task.cancelled());
        CHECK(task.cancelling() == 1);
    }
}

GYRE_TEST_CASE("timeout: nested, both over at one moment: only the outer throws (S172)") {
    Log log;
    const auto deadline = loop.time() + 2ms;
    auto outer = timeout_at(deadline, [&](Timeout& outer_limit) -> Coro<> {
        auto inner = timeout_at(deadline, [&]() -> Coro<> { co_await sleep(1h); });
        std::exception_ptr error;
        try {
            co_await std::move(inner);
        } catch (...) {
            error = std::current_exception();
        }
        log.push_back(name_of(error));
        log.push_back(outer_limit.expired() ? "expired" : "active");
        std::rethrow_exception(error);
    });
    std::string end = co_await ending(std::move(outer));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "CancelledError expired");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("timeout: nested: each throws its own (S172)") {
    Log log;
    auto outer = timeout(1h, [&](Timeout& outer_limit) -> Coro<> {
        auto inner = timeout(1ms, [] { return forever(); });
        std::string end = co_await ending(std::move(inner));
        log.push_back(end);
        log.push_back(outer_limit.expired() ? "expired" : "active");
        outer_limit.reschedule(loop.time() + 1ms);
        co_await sleep(1h);
    });
    std::string end = co_await ending(std::move(outer));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "TimeoutError active");
}

GYRE_TEST_CASE("timeout: one in the cleanup of another (S172)") {
    Log log;
    auto outer = timeout(1ms, [&]() -> Coro<> {
        std::exception_ptr error;
        try {
            co_await sleep(1h);
        } catch (...) {
            error = std::current_exception();
        }
        auto cleanup = timeout(1ms, [] { return forever(); });
        std::string end = co_await ending(std::move(cleanup));
        log.push_back(end);
        std::rethrow_exception(error);
    });
    std::string end = co_await ending(std::move(outer));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "TimeoutError");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("timeout: an exception before it expires passes (S173)") {
    auto body = timeout(1h, [] { return fails("boom"); });
    std::string end = co_await ending(std::move(body));
    CHECK(end == "boom");
    CHECK(loop.statistics().timers == 0);
    auto cancelled = timeout(1h, []() -> Coro<> {
        throw CancelledError("own");
        co_return;
    });
    end = co_await ending(std::move(cancelled));
    CHECK(end == "CancelledError(own)");
}

GYRE_TEST_CASE("timeout: of a task group: its children are cancelled first (S169, S185)") {
    Log log;
    auto body = timeout(1ms, [&]() -> Coro<> {
        co_await with_task_group([&](TaskGroup& group) -> Coro<> {
            group.create_task([&]() -> Coro<> {
                std::string end = co_await ending(sleep(1h));
                log.push_back(end);
            });
            co_return;
        });
    });
    std::string end = co_await ending(std::move(body));
    CHECK(end == "TimeoutError");
    CHECK(joined(log) == "CancelledError");
    CHECK(current_task().cancelling() == 0);
}
