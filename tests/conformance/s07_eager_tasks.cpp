// Section 7: tasks that begin at once, and task factories.
#include "support.hpp"

#include <functional>
#include <memory>

namespace {

Coro<int> awaitable_chain(int depth) {
    if (depth == 0) {
        co_return 0;
    }
    int rest = co_await awaitable_chain(depth - 1);
    co_return rest + 1;
}

Coro<> recursive_groups(int width, int depth) {
    if (depth == 0) {
        co_return;
    }
    auto body = [=](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < width; ++i) {
            group.create_task(recursive_groups(width, depth - 1));
        }
        co_return;
    };
    co_await with_task_group(body);
}

Coro<> recursive_gather(int width, int depth) {
    if (depth == 0) {
        co_return;
    }
    std::vector<Coro<>> children;
    for (int i = 0; i < width; ++i) {
        children.push_back(recursive_gather(width, depth - 1));
    }
    co_await gather(std::move(children));
}

}  // namespace

GYRE_TEST_CASE("eager_start: the first step runs inside create_task (S89)") {
    Log log;
    const AnyTask outer = current_task();
    Future<> gate = create_future();
    auto body = [&]() -> Coro<int> {
        AnyTask here = current_task();
        log.push_back(here == outer ? "outer" : here.get_name());
        co_await gate;
        co_return 5;
    };
    Task<int> task = create_task(body(), {.name = "eager", .eager_start = true});
    CHECK(joined(log) == "eager");
    CHECK(current_task() == outer);
    CHECK(!task.done());
    gate.set_result();
    int value = co_await task;
    CHECK(value == 5);
}

GYRE_TEST_CASE("eager_start: a body that never suspends is done on return (S89, S90, S91)") {
    std::size_t during = 0;
    auto body = [&]() -> Coro<int> {
        during = all_tasks().size();
        co_return 5;
    };
    Task<int> task = create_task(body(), {.eager_start = true});
    CHECK(task.done());
    CHECK(outcome(task) == "5");
    CHECK(during == 2);
    CHECK(all_tasks().size() == 1);
    CHECK(loop.statistics().ready == 0);
    CHECK(!task.cancel());
    Task<> failed = create_task(
        []() -> Coro<> {
            throw std::runtime_error("boom");
            co_return;
        },
        {.eager_start = true});
    CHECK(outcome(failed) == "boom");
    co_return;
}

GYRE_TEST_CASE("eager_start: after a suspension it is cancelled as any task (S91)") {
    Task<> task = create_task(forever(), {.eager_start = true});
    CHECK(task.cancel("enough"));
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError(enough)");
    CHECK(task.cancelled());
}

GYRE_TEST_CASE("eager_start: the caller goes on in its own context (S89)") {
    static ContextVar<int> variable("variable", 0);
    variable.set(1);
    auto body = [&]() -> Coro<int> {
        const int seen = variable.get();
        variable.set(2);
        co_return seen;
    };
    Task<int> task = create_task(body(), {.eager_start = true});
    CHECK(outcome(task) == "1");
    CHECK(variable.get() == 1);
    co_return;
}

GYRE_TEST_CASE("eager_start: an exit error reaches the creator; loops at rest start lazily (S92)") {
    auto body = []() -> Coro<> {
        throw SystemExit(3);
        co_return;
    };
    const AnyTask outer = current_task();
    Reports reports(loop);
    CHECK(thrown_by([&] { create_task(body(), {.eager_start = true}); }) == "SystemExit");
    CHECK(joined(reports.errors) == "SystemExit");
    CHECK(current_task() == outer);

    const std::unique_ptr<EventLoop> idle = new_event_loop("virtual");
    bool begun = false;
    auto other = [&]() -> Coro<> {
        begun = true;
        co_return;
    };
    Task<> task = create_task(*idle, other(), {.eager_start = true});
    CHECK(!begun);
    task.cancel();
    auto finish = [&] { run_until_complete(*idle, Future<>(task)); };
    CHECK(thrown_by(finish) == "RuntimeError");  // this loop runs on the thread
    // It is closed with an unstarted task, which is reported.
    Reports elsewhere(*idle);
    idle->close();
    CHECK(elsewhere.count() == 1);
    co_return;
}

// --- task factories -----------------------------------------------------------------------------

GYRE_TEST_CASE("task factory: sees every task that is made, and may change its options (S45)") {
    CHECK(!get_task_factory(loop));
    Log made;
    set_task_factory(loop, [&](EventLoop& of, TaskMaker& make, TaskOptions options) {
        CHECK(&of == &loop);
        const std::string name = "made by the factory: " + std::string(options.name);
        options.name = name;
        AnyTask task = make(options);
        made.push_back(task.get_name());
        return task;
    });
    CHECK(get_task_factory(loop));
    Task<int> task = create_task(number(1), {.name = "first"});
    CHECK(task.get_name() == "made by the factory: first");
    int value = co_await task;
    CHECK(value == 1);
    CHECK(made.size() == 1);
    Task<> owned = create_task([]() -> Coro<> { co_return; });
    Task<int> on_loop = create_task(loop, number(2));
    Task<int> ensured = ensure_future(number(3));
    Task<int> slept = create_task(sleep(0s, 4));
    co_await gather(owned, on_loop, ensured, slept, number(5), number(6));
    CHECK(made.size() == 7);
    co_await shield(number(7));
    co_await with_task_group([](TaskGroup& group) -> Coro<> {
        group.create_task(number(8));
        co_return;
    });
    CHECK(made.size() == 9);
    set_task_factory(loop, nullptr);
    CHECK(!get_task_factory(loop));
    CHECK(!create_task(number(10)).get_name().starts_with("made"));
    CHECK(made.size() == 9);
    co_await ticks(1);
}

GYRE_TEST_CASE("task factory: must make the task; one that throws leaves no coroutine (S44, S45)") {
    Reports reports(loop);
    set_task_factory(loop, [](EventLoop&, TaskMaker&, TaskOptions) { return AnyTask(); });
    CHECK(thrown_by([] { return create_task(number(1)); }) == "RuntimeError");
    set_task_factory(loop, [](EventLoop&, TaskMaker&, TaskOptions) -> AnyTask {
        throw std::runtime_error("no");
    });
    CHECK(thrown_by([] { return create_task(number(1)); }) == "no");
    set_task_factory(loop, {});
    CHECK(reports.count() == 0);
    CHECK(all_tasks().size() == 1);
    co_return;
}

GYRE_TEST_CASE("task factory: a task is made once (S45)") {
    std::string second;
    set_task_factory(loop, [&](EventLoop&, TaskMaker& make, TaskOptions options) {
        AnyTask task = make(options);
        second = thrown_by([&] { return make(options); });
        return task;
    });
    int value = co_await create_task(number(4));
    set_task_factory(loop, {});
    CHECK(value == 4);
    CHECK(second == "RuntimeError");
}

GYRE_TEST_CASE("eager_task_factory: every task runs to its first suspension at once (S89, S92)") {
    set_task_factory(loop, eager_task_factory);
    Task<int> done = create_task(number(1));
    CHECK(done.done());
    CHECK(!done.cancel());
    int value = co_await done;
    CHECK(value == 1);
    Future<std::string> future = create_future<std::string>();
    auto answer = [&](std::string text) -> Coro<> {
        future.set_result(text);
        co_return;
    };
    Task<> answering = create_task(answer, "my message");
    CHECK(answering.done());
    std::string text = co_await future;
    CHECK(text == "my message");

    AnyTask seen;
    std::vector<AnyTask> during;
    Future<> gate = create_future();
    auto blocks = [&]() -> Coro<> {
        seen = current_task();
        during = all_tasks();
        co_await gate;
        CHECK(current_task() == seen);
        seen = {};
    };
    Task<> blocked = create_task(blocks());
    CHECK(seen == blocked);
    CHECK(std::count(during.begin(), during.end(), AnyTask(blocked)) == 1);
    during = all_tasks();
    CHECK(std::count(during.begin(), during.end(), AnyTask(blocked)) == 1);
    gate.set_result();
    co_await blocked;
    during = all_tasks();
    CHECK(during.size() == 1);
    during.clear();
    set_task_factory(loop, {});
    Task<int> lazy = create_task(number(2));
    CHECK(!lazy.done());
    co_await lazy;
}

GYRE_TEST_CASE("eager_task_factory: each step in the task's context, from the first (S89)") {
    static ContextVar<int> variable("variable", 0);
    set_task_factory(loop, eager_task_factory);
    variable.set(1);
    Log log;
    auto body = [&]() -> Coro<> {
        log.push_back(std::to_string(variable.get()));
        variable.set(2);
        co_await sleep(0s);
        log.push_back(std::to_string(variable.get()));
        variable.set(3);
    };
    Task<> task = create_task(body());
    CHECK(joined(log) == "1");
    CHECK(variable.get() == 1);
    co_await task;
    CHECK(joined(log) == "1 2");
    CHECK(variable.get() == 1);
    set_task_factory(loop, {});
}

TEST_CASE("task factory: chains, nested groups and gathers make as many tasks as asyncio's (S93)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        for (const bool eager : {false, true}) {
            const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            int made = 0;
            set_task_factory(*loop, [&](EventLoop&, TaskMaker& make, TaskOptions options) {
                ++made;
                options.eager_start = eager;
                return make(options);
            });
            CHECK(run_until_complete(*loop, awaitable_chain(100)) == 100);
            CHECK(made == 1);
            made = 0;
            run_until_complete(*loop, recursive_groups(5, 4));
            CHECK(made == 781);
            made = 0;
            run_until_complete(*loop, recursive_gather(5, 4));
            CHECK(made == 781);
        }
    }
}
