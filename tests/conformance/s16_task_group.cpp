// Section 16: TaskGroup.
#include "support.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace {

Coro<> throws_now(std::string text) {
    throw std::runtime_error(text);
    co_return;
}

// Logs "name" when it ends cancelled.
Coro<> until_cancelled(Log& log, std::string name, int cleanup = 0) {
    std::exception_ptr error;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        error = std::current_exception();
    }
    co_await ticks(cleanup);
    log.push_back(name);
    std::rethrow_exception(error);
}

}  // namespace

GYRE_TEST_CASE("TaskGroup: only in a task, once; create_task in between only (S175)" * in_order) {
    const auto frames = detail::step.live_frames;
    TaskGroup group;
    auto create = [&] { return group.create_task(number(1)); };
    CHECK(thrown_by(create) == "RuntimeError");
    group.enter();
    CHECK(thrown_by([&] { group.enter(); }) == "RuntimeError");
    Task<int> child = group.create_task(number(2));
    co_await group.exit(nullptr);
    CHECK(outcome(child) == "2");
    CHECK(thrown_by(create) == "RuntimeError");
    child = {};
    CHECK(detail::step.live_frames == frames);

    std::string outside;
    loop.call_soon([&] {
        TaskGroup other;
        outside = thrown_by([&] { other.enter(); });
    });
    co_await sleep(0s);
    CHECK(outside == "RuntimeError");
}

GYRE_TEST_CASE("TaskGroup: children may make children while the group waits (S176)") {
    Log log;
    auto leaf = [&](std::string name) -> Coro<> {
        co_await sleep(0s);
        log.push_back(name);
    };
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        group.create_task([&]() -> Coro<> {
            co_await ticks(2);
            group.create_task(leaf("grandchild"));
            log.push_back("child");
        });
        co_return;
    });
    CHECK(joined(log) == "child grandchild");
}

GYRE_TEST_CASE("TaskGroup: the block ends when all children have (S177)") {
    std::optional<Task<int>> a;
    std::optional<Task<int>> b;
    int value = co_await with_task_group([&](TaskGroup& group) -> Coro<int> {
        a = group.create_task(later(1ms, 1));
        b = group.create_task(later(2ms, 2));
        co_return 3;
    });
    CHECK(value == 3);
    CHECK(outcome(*a) == "1");
    CHECK(outcome(*b) == "2");
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("TaskGroup: a failing child cancels its siblings and the waiting parent (S178)") {
    Log log;
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(until_cancelled(log, "sibling"));
        tasks.create_task(fails("boom"));
        co_return;
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(boom)");
    CHECK(joined(log) == "sibling");
    CHECK(current_task().cancelling() == 0);
    co_await sleep(0s);  // nothing is left to be thrown here
}

GYRE_TEST_CASE("TaskGroup: a failing child cancels the body (S178, S181)") {
    Log log;
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(fails("boom"));
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            AnyTask here = current_task();
            log.push_back("cancelled " + std::to_string(here.cancelling()));
            throw;
        }
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(boom)");
    CHECK(joined(log) == "cancelled 1");
    CHECK(current_task().cancelling() == 0);

    // A body that does not wait any more leaves by the group's error all the same.
    auto swallowing = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(fails("boom"));
        std::string seen = co_await ending(sleep(1h));
        log.push_back(seen);
    });
    end = co_await ending(std::move(swallowing));
    CHECK(end == "ExceptionGroup(boom)");
    CHECK(joined(log) == "cancelled 1 CancelledError");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("TaskGroup: a cancelled child is no error (S179)") {
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        Task<> cancelled = group.create_task(forever());
        Task<int> sibling = group.create_task(later(2ms, 1));
        group.create_task([]() -> Coro<> {
            throw CancelledError();
            co_return;
        });
        co_await sleep(0s);
        cancelled.cancel();
        int value = co_await sibling;
        CHECK(value == 1);
        CHECK(cancelled.cancelled());
    });
}

GYRE_TEST_CASE("TaskGroup: no new tasks once it shuts down (S175, S180)") {
    std::string refused;
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(fails("boom"));
        std::string seen = co_await ending(sleep(1h));
        refused = thrown_by([&] { return tasks.create_task(number(1)); });
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(boom)");
    CHECK(refused == "RuntimeError");
}

GYRE_TEST_CASE("TaskGroup: the body's error comes last, after the children's (S182, S183)") {
    Log log;
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(until_cancelled(log, "child", 2));
        tasks.create_task([]() -> Coro<> {
            std::string seen = co_await ending(sleep(1h));
            throw std::runtime_error("child");
        });
        co_await ticks(2);
        throw std::runtime_error("body");
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(child, body)");
    CHECK(joined(log) == "child");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("TaskGroup: errors in order of occurrence (S183)") {
    auto group = with_task_group([](TaskGroup& tasks) -> Coro<> {
        tasks.create_task([]() -> Coro<> {
            std::string seen = co_await ending(sleep(1h));
            co_await ticks(3);
            throw std::runtime_error("slow");
        });
        tasks.create_task([]() -> Coro<> {
            std::string seen = co_await ending(sleep(1h));
            throw std::runtime_error("quick");
        });
        tasks.create_task(fails("first"));
        co_return;
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(first, quick, slow)");
}

GYRE_TEST_CASE("TaskGroup: an exit error of the body leaves bare, after the children (S184)") {
    Log log;
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(until_cancelled(log, "child", 2));
        tasks.create_task([]() -> Coro<> {
            std::string seen = co_await ending(sleep(1h));
            throw std::runtime_error("lost");
        });
        co_await ticks(2);
        throw KeyboardInterrupt();
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "KeyboardInterrupt");
    CHECK(joined(log) == "child");
}

TEST_CASE("TaskGroup: an exit error of a child ends the run, then the block, bare (S184, S48)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        {
            std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            Log log;
            auto body = [&]() -> Coro<> {
                auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
                    tasks.create_task(until_cancelled(log, "child"));
                    tasks.create_task([]() -> Coro<> {
                        co_await sleep(0s);
                        throw SystemExit(2);
                    });
                    co_return;
                });
                std::string end = co_await ending(std::move(group));
                log.push_back(end);
            };
            Task<> main = create_task(*loop, body());
            auto run = [&] { run_until_complete(*loop, Future<>(main)); };
            CHECK(thrown_by(run) == "SystemExit");
            CHECK(log.empty());
            CHECK(thrown_by(run) == "nothing");
            CHECK(joined(log) == "child SystemExit");
            main = {};
            CHECK(testing::left_on(*loop).empty());
        }
        CHECK(detail::step.live_frames == frames);
    }
}

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

GYRE_TEST_CASE("TaskGroup: nested: the inner's errors are one member of the outer's (S190)") {
    auto nested = with_task_group([](TaskGroup& outer) -> Coro<> {
        outer.create_task([]() -> Coro<> {
            std::string seen = co_await ending(sleep(1h));
            throw std::runtime_error("outer child");
        });
        co_await with_task_group([](TaskGroup& inner) -> Coro<> {
            inner.create_task(fails("inner child"));
            co_return;
        });
    });
    std::string end = co_await ending(std::move(nested));
    CHECK(end == "ExceptionGroup(outer child, ExceptionGroup(inner child))");
    CHECK(current_task().cancelling() == 0);

    Log log;
    auto other = with_task_group([&](TaskGroup& outer) -> Coro<> {
        outer.create_task(fails("outer child"));
        co_await with_task_group([&](TaskGroup& inner) -> Coro<> {
            inner.create_task(until_cancelled(log, "inner"));
            co_await sleep(1h);
        });
    });
    end = co_await ending(std::move(other));
    CHECK(end == "ExceptionGroup(outer child)");
    CHECK(joined(log) == "inner");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("TaskGroup: the body's own error while it is cancelled is grouped (S191)") {
    auto group = with_task_group([](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(fails("child"));
        std::string seen = co_await ending(sleep(1h));
        throw std::runtime_error("body");
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(child, body)");
}

GYRE_TEST_CASE("TaskGroup: name and context go to the child (S192)" * in_order) {
    static ContextVar<int> variable("variable", 0);
    variable.set(1);
    Context own;
    own.run([] { variable.set(2); });
    Log log;
    auto body = [&]() -> Coro<> {
        AnyTask here = current_task();
        log.push_back(here.get_name() + std::to_string(variable.get()));
        variable.set(9);
        co_return;
    };
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        group.create_task(body(), {.name = "named"});
        group.create_task(body(), {.name = "own", .context = &own});
        co_return;
    });
    CHECK(joined(log) == "named1 own2");
    CHECK(variable.get() == 1);
    CHECK(own.run([] { return variable.get(); }) == 9);
}

GYRE_TEST_CASE("TaskGroup: a finished child is dropped at once (S193)") {
    auto alive = std::make_shared<int>(1);
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        auto give = [alive]() -> Coro<std::shared_ptr<int>> { co_return alive; };
        group.create_task(give);
        CHECK(alive.use_count() > 2);
        co_await ticks(3);
        CHECK(alive.use_count() == 2);  // ours and the lambda's
        Task<> last = group.create_task(ticks(1));
        static_cast<void>(last);
    });
    CHECK(alive.use_count() == 1);
}

GYRE_TEST_CASE("TaskGroup: an eager child that fails does not cancel inside create_task (S194)") {
    Log log;
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        Task<> eager = tasks.create_task(throws_now("eager"), {.eager_start = true});
        CHECK(eager.done());
        AnyTask here = current_task();
        log.push_back(std::to_string(here.cancelling()));
        Task<int> next = tasks.create_task(number(1));
        std::string seen = co_await ending(next);
        log.push_back(seen);
        log.push_back(std::to_string(here.cancelling()));
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(eager)");
    CHECK(joined(log) == "0 CancelledError 1");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("TaskGroup: a child that somebody waits for before the group can (S177, S183)" *
               in_order) {
    int ends = 0;
    set_task_factory(loop, [&ends](EventLoop&, TaskMaker& make, TaskOptions options) {
        AnyTask task = make(options);
        task.add_done_callback([&ends] { ++ends; });
        return task;
    });
    for (const bool eager : {false, true}) {
        ends = 0;
        const auto body = [&](TaskGroup& tasks) -> Coro<> {
            tasks.create_task(ticks(2), {.eager_start = eager});
            tasks.create_task(ticks(0), {.eager_start = eager});
            co_return;
        };
        co_await with_task_group(body);
        CHECK(ends == 2);
        CHECK(all_tasks().size() == 1);
        auto failing = with_task_group([&](TaskGroup& tasks) -> Coro<> {
            tasks.create_task(forever());
            tasks.create_task(throws_now("one"), {.eager_start = eager});
            tasks.create_task(throws_now("two"), {.eager_start = eager});
            co_return;
        });
        std::string end = co_await ending(std::move(failing));
        CHECK(end == "ExceptionGroup(one, two)");
        CHECK(ends == 5);
    }
    set_task_factory(loop, {});
}

GYRE_TEST_CASE("TaskGroup: a child that gather() and wait() wait for, too (S177)") {
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        std::vector<Task<int>> tasks;
        tasks.push_back(group.create_task(later(1ms, 1)));
        tasks.push_back(group.create_task(later(3ms, 3)));
        tasks.push_back(group.create_task(later(2ms, 2)));
        auto waiting = wait(tasks, {.return_when = FIRST_COMPLETED});
        auto first = co_await std::move(waiting);
        CHECK(!first.done.empty());
        auto gathered = gather(tasks);
        std::vector<int> all = co_await gathered;
        CHECK(all == std::vector<int>{1, 3, 2});
        // Done, and heard of before.
        auto again = wait(tasks);
        auto ended = co_await std::move(again);
        CHECK(ended.done.size() == 3);
    });
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

GYRE_TEST_CASE("TaskGroup: the parent is done when a child fails: reported (S196)") {
    Reports reports(loop);
    auto group = std::make_shared<TaskGroup>();
    Task<> parent = create_task([group]() -> Coro<> {
        group->enter();
        group->create_task([]() -> Coro<> {
            co_await ticks(4);
            throw std::runtime_error("too late");
        });
        co_return;
    });
    co_await parent;
    co_await ticks(6);
    CHECK(joined(reports.errors) == "too late");
}

GYRE_TEST_CASE("TaskGroup: inner and outer fail in one iteration (S187, S190)") {
    Log log;
    auto nested = with_task_group([&](TaskGroup& outer) -> Coro<> {
        auto inner_group = with_task_group([&](TaskGroup& inner) -> Coro<> {
            inner.create_task(fails("inner"));
            outer.create_task(fails("outer"));
            co_return;
        });
        std::string end = co_await ending(std::move(inner_group));
        AnyTask here = current_task();
        log.push_back(end + " " + std::to_string(here.cancelling()));
    });
    std::string end = co_await ending(std::move(nested));
    CHECK(joined(log) == "ExceptionGroup(inner) 1");
    CHECK(end == "ExceptionGroup(outer)");
    CHECK(current_task().cancelling() == 0);
}

GYRE_TEST_CASE("TaskGroup: children that make children, until one fails (S176, S178)") {
    int heads = 0;
    std::function<Coro<>(TaskGroup&)> hydra = [&](TaskGroup& group) -> Coro<> {
        ++heads;
        co_await sleep(10us);
        group.create_task(hydra(group));
        group.create_task(hydra, std::ref(group));
    };
    auto group = with_task_group([&](TaskGroup& tasks) -> Coro<> {
        tasks.create_task(hydra(tasks));
        tasks.create_task([&]() -> Coro<> {
            while (heads < 10) {
                co_await sleep(15us);
            }
            throw std::runtime_error("hercules");
        });
        co_return;
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(hercules)");
    CHECK(heads >= 10);
    CHECK(all_tasks().size() == 1);
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

GYRE_TEST_CASE("TaskGroup: what is thrown may be of any type (S183)") {
    struct Own {};
    auto group = with_task_group([](TaskGroup& tasks) -> Coro<> {
        tasks.create_task([]() -> Coro<> {
            co_await sleep(0s);
            throw Own();
        });
        std::string seen = co_await ending(sleep(1h));
        throw 5;
    });
    std::string end = co_await ending(std::move(group));
    CHECK(end == "ExceptionGroup(something else, something else)");
}
