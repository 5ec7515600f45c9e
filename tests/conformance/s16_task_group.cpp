// Section 16: TaskGroup: its block, its children.
#include "support.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace {

Coro<> throws_now(std::string text) {
    throw std::runtime_error(text);
    co_return;
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
