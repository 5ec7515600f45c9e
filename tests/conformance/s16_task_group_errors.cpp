// Section 16: TaskGroup, when a child or the body fails.
#include "support.hpp"

#include <functional>

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
    Reports reports(loop);
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
    CHECK(joined(reports.errors) == "lost");
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
