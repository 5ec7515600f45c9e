// Section 16: TaskGroup, cancelled from outside, by a child or by itself.
#include "support.hpp"

GYRE_TEST_CASE("TaskGroup: the parent cancelled: children cancelled and awaited (S185)") {
    for (const bool waiting_at_exit : {false, true}) {
        Log log;
        Task<> parent = create_task([&]() -> Coro<> {
            co_await with_task_group([&](TaskGroup& tasks) -> Coro<> {
                tasks.create_task(until_cancelled(log, "slow", 3));
                tasks.create_task(until_cancelled(log, "quick"));
                if (!waiting_at_exit) {
                    co_await sleep(1h);
                }
            });
        });
        co_await ticks(3);
        parent.cancel("outside");
        std::string end = co_await ending(parent);
        CHECK(end == "CancelledError(outside)");
        CHECK(joined(log) == "quick slow");
        CHECK(parent.cancelling() == 1);
    }
}

GYRE_TEST_CASE(
    "TaskGroup: cancelled from outside, and errors: the errors, then the cancel (S186, S187)") {
    Log log;
    Task<> parent = create_task([&]() -> Coro<> {
        auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
            tasks.create_task([]() -> Coro<> {
                std::string seen = co_await ending(sleep(1h));
                throw std::runtime_error("in cleanup");
            });
            co_await sleep(1h);
        });
        std::string end = co_await ending(std::move(group));
        log.push_back(end);
        AnyTask here = current_task();
        log.push_back(std::to_string(here.cancelling()));
        end = co_await ending(sleep(0s));
        log.push_back(end);
        log.push_back(std::to_string(here.cancelling()));
    });
    co_await ticks(2);
    parent.cancel();
    co_await parent;
    CHECK(joined(log) == "ExceptionGroup(in cleanup) 1 CancelledError 1");
}

GYRE_TEST_CASE("TaskGroup: the count of cancels on leaving is that on entry (S188)") {
    Task<std::string> parent = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        here.cancel();
        std::string seen = co_await ending(sleep(0s));
        auto group = with_task_group([](TaskGroup& tasks) -> Coro<> {
            tasks.create_task(fails("boom"));
            co_return;
        });
        seen = co_await ending(std::move(group));
        seen += " " + std::to_string(here.cancelling());
        // The request from outside is thrown anew (S187).
        const std::string next = co_await ending(sleep(0s));
        co_return seen + " " + next;
    });
    std::string seen = co_await parent;
    CHECK(seen == "ExceptionGroup(boom) 1 CancelledError");

    Task<std::string> quiet = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        here.cancel();
        std::string end = co_await ending(sleep(0s));
        co_await with_task_group([](TaskGroup& tasks) -> Coro<> {
            tasks.create_task(number(1));
            co_return;
        });
        co_return std::to_string(here.cancelling());
    });
    seen = co_await quiet;
    CHECK(seen == "1");
}

GYRE_TEST_CASE("TaskGroup: repeated cancels while it waits: children are cancelled once (S189)") {
    int cancels = 0;
    Task<> parent = create_task([&]() -> Coro<> {
        co_await with_task_group([&](TaskGroup& tasks) -> Coro<> {
            tasks.create_task([&]() -> Coro<> {
                for (int i = 0; i < 8; ++i) {
                    std::string seen = co_await ending(sleep(i == 0 ? 1h : 0h));
                    cancels += seen == "CancelledError" ? 1 : 0;
                }
            });
            co_return;
        });
    });
    co_await ticks(3);
    for (int i = 0; i < 4; ++i) {
        parent.cancel();
        co_await sleep(0s);
        CHECK(!parent.done());
    }
    std::string end = co_await ending(parent);
    CHECK(end == "CancelledError");
    CHECK(cancels == 1);
    CHECK(parent.cancelling() == 4);
}

GYRE_TEST_CASE("TaskGroup: a cancel from outside during an abort is not lost (S187, S189)") {
    Log log;
    Task<> parent = create_task([&]() -> Coro<> {
        auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
            tasks.create_task(until_cancelled(log, "slow", 4));
            tasks.create_task(fails("boom"));
            co_return;
        });
        std::string end = co_await ending(std::move(group));
        log.push_back(end);
        end = co_await ending(sleep(0s));
        log.push_back(end);
    });
    co_await ticks(5);
    parent.cancel();
    co_await parent;
    CHECK(joined(log) == "slow ExceptionGroup(boom) CancelledError");
    CHECK(parent.cancelling() == 1);
}

GYRE_TEST_CASE("group.cancel(): children and body are cancelled, the block ends quietly (S195)") {
    Log log;
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        Task<> child = group.create_task(forever());
        co_await sleep(0s);
        group.cancel();
        group.cancel();
        CHECK(thrown_by([&] { group.create_task(forever()); }) == "RuntimeError");
        std::string end = co_await ending(sleep(1h));
        log.push_back(end);
        std::string childs = co_await ending(child);
        log.push_back(childs);
    });
    CHECK(log == Log{"CancelledError", "CancelledError"});
    CHECK(current_task().cancelling() == 0);

    // From a child, with the body at its end.
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        group.create_task(forever());
        group.create_task([&group]() -> Coro<> {
            group.cancel();
            co_return;
        });
        co_return;
    });
    CHECK(current_task().cancelling() == 0);

    // A body that has no value to give.
    auto valued = with_task_group([](TaskGroup& group) -> Coro<int> {
        group.cancel();
        co_await sleep(1h);
        co_return 1;
    });
    std::string end = co_await ending(std::move(valued));
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("group.cancel(), then a cancel from outside: that one goes out (S189, S195)") {
    Log log;
    Event asked;
    Task<> parent = create_task([&]() -> Coro<> {
        co_await with_task_group([&](TaskGroup& group) -> Coro<> {
            group.create_task(until_cancelled(log, "child", 50));
            co_await ticks(2);
            group.cancel();
            asked.set();
        });
    });
    co_await asked.wait();
    co_await ticks(2);
    parent.cancel("outside");
    std::string end = co_await ending(parent);
    CHECK(end == "CancelledError(outside)");
    CHECK(parent.cancelling() == 1);
    CHECK(joined(log) == "child");
}

GYRE_TEST_CASE("group.cancel() in an eager first step cancels that task, too (S194, S195)") {
    Log log;
    co_await with_task_group([&log](TaskGroup& group) -> Coro<> {
        auto cancels = [](TaskGroup& tasks, Log& to) -> Coro<> {
            tasks.cancel();
            std::string end = co_await ending(sleep(1h));
            to.push_back(end);
        };
        group.create_task(cancels(group, log), {.eager_start = true});
        co_await sleep(1h);
    });
    CHECK(log == Log{"CancelledError"});
}

GYRE_TEST_CASE("group.cancel() while it ends by the body's own CancelledError (S195)") {
    Log log;
    TaskGroup group;
    Event thrown;
    auto block = with(group, [&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(until_cancelled(log, "child", 50));
        co_await ticks(2);
        thrown.set();
        throw CancelledError("own");
    });
    Task<std::string> parent = create_task(ending(std::move(block)));
    co_await thrown.wait();
    co_await ticks(2);
    group.cancel();
    std::string end = co_await parent;
    CHECK(end == "CancelledError(own)");
    CHECK(parent.cancelling() == 0);
    CHECK(joined(log) == "child");
}

GYRE_TEST_CASE("TaskGroup: exit() without enter() is a RuntimeError") {
    TaskGroup group;
    std::string end = co_await ending(group.exit(nullptr));
    CHECK(end == "RuntimeError");
}

GYRE_TEST_CASE(
    "group.cancel() before it is entered, with errors, with a cancel from outside (S195)" *
    in_order) {
    TaskGroup group;
    group.cancel();
    group.enter();
    std::string slept = co_await ending(sleep(1h));
    CHECK(slept == "CancelledError");
    co_await group.exit(nullptr);
    group.cancel();
    CHECK(current_task().cancelling() == 0);

    auto failing = with_task_group([](TaskGroup& inner) -> Coro<> {
        inner.create_task([]() -> Coro<> {
            std::string end = co_await ending(sleep(1h));
            throw std::runtime_error("cleanup");
        });
        co_await sleep(0s);
        inner.cancel();
        co_await sleep(1h);
    });
    std::string end = co_await ending(std::move(failing));
    CHECK(end == "ExceptionGroup(cleanup)");

    Task<> outside = create_task([]() -> Coro<> {
        co_await with_task_group([](TaskGroup& inner) -> Coro<> {
            inner.create_task(forever());
            inner.cancel();
            current_task().cancel();
            co_await sleep(1h);
        });
    });
    std::string outer = co_await ending(outside);
    CHECK(outer == "CancelledError");
}

GYRE_TEST_CASE("TaskGroup: cancelled through a task that awaits it, errors go out (S186, S107)") {
    auto nested = []() -> Coro<> {
        co_await with_task_group([](TaskGroup& group) -> Coro<> {
            group.create_task([]() -> Coro<> {
                co_await ticks(6);
                throw std::runtime_error("soon");
            });
            std::exception_ptr error;
            try {
                co_await sleep(1h);
            } catch (...) {
                error = std::current_exception();
            }
            co_await ticks(9);
            std::rethrow_exception(error);
        });
    };
    Task<> inner = create_task(nested());
    Task<> outer = create_task([inner]() -> Coro<> { co_await inner; });
    co_await ticks(3);
    outer.cancel();
    std::string end = co_await ending(outer);
    CHECK(end == "ExceptionGroup(soon)");
    CHECK(inner.cancelling() == 1);
    CHECK(outer.cancelling() == 1);
}
