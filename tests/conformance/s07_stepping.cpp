// Section 7: how tasks are stepped. Ticks: s35_ticks.cpp.
#include "support.hpp"

#include <functional>
#include <memory>

namespace {

template <class X>
concept MakesTask = requires(X x) {
    create_task(std::move(x));
};
static_assert(MakesTask<Coro<int>>, "a coroutine becomes a task (S83)");
static_assert(!MakesTask<int> && !MakesTask<Future<int>>,
              "neither a value nor a future does (S83)");

Coro<Future<int>> gives(Future<int> future) { co_return future; }

Coro<std::string> name_of_this_task() {
    AnyTask here = current_task();
    co_return here.get_name();
}

}  // namespace

GYRE_TEST_CASE("create_task: the body begins in the next iteration (S72)" * in_order) {
    Log log;
    auto body = [&]() -> Coro<> {
        log.push_back("body");
        co_return;
    };
    loop.call_soon([&] { log.push_back("before"); });
    Task<> task = create_task(body());
    loop.call_soon([&] { log.push_back("after"); });
    CHECK(log.empty());
    co_await task;
    CHECK(joined(log) == "before body after");
}

GYRE_TEST_CASE(
    "current_task: the running one, also when tasks interleave; none in callbacks (S73)") {
    Log log;
    auto body = [&](std::string name) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            AnyTask here = current_task();
            log.push_back(here.get_name() == name ? "same" : "other");
            co_await sleep(0s);
        }
    };
    const AnyTask outer = current_task();
    Task<> a = create_task(body("a"), {.name = "a"});
    Task<> b = create_task(body("b"), {.name = "b"});
    bool none = false;
    loop.call_soon([&] { none = !current_task(); });
    co_await a;
    co_await b;
    CHECK(joined(log) == "same same same same same same");
    CHECK(none);
    CHECK(current_task() == outer);
    CHECK(current_task(loop) == outer);
}

GYRE_TEST_CASE("await of a coroutine: the same task, no iteration (S74)" * in_order) {
    const AnyTask outer = current_task();
    outer.set_name("outer");
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    std::string name = co_await name_of_this_task();
    CHECK(name == "outer");
    CHECK(passed.count() == start);
    Task<std::string> beside = create_task(name_of_this_task());
    std::string other = co_await beside;
    CHECK(other != "outer");
    CHECK(passed.count() - start == 2);
}

GYRE_TEST_CASE("sleep(0): what is queued before runs first (S76)" * in_order) {
    Log log;
    loop.call_soon([&] { log.push_back("1"); });
    loop.call_soon([&] {
        log.push_back("2");
        loop.call_soon([&] { log.push_back("later"); });
    });
    co_await sleep(0s);
    CHECK(joined(log) == "1 2");
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 later");
}

GYRE_TEST_CASE("a task ends as its body does: result, exception, cancelled unasked (S78)") {
    Task<int> value = create_task(number(7));
    Task<> error = create_task(fails("boom"));
    Task<> cancelled = create_task([]() -> Coro<> {
        co_await sleep(0s);
        throw CancelledError("my own");
    });
    co_await ticks(3);
    CHECK(outcome(value) == "7");
    CHECK(outcome(error) == "boom");
    CHECK(!error.cancelled());
    CHECK(cancelled.cancelled());
    CHECK(cancelled.cancelling() == 0);
    CHECK(outcome(cancelled) == "CancelledError(my own)");
}

GYRE_TEST_CASE("a task that awaits itself gets RuntimeError in the next iteration (S79)" *
               in_order) {
    Task<> task;
    std::string error;
    Ticks passed(loop);
    task = create_task([&]() -> Coro<> {
        const int start = passed.count();
        Task<> self = task;
        error = co_await ending(self);
        error += " " + std::to_string(passed.count() - start);
    });
    co_await task;
    CHECK(error == "RuntimeError 1");
}

GYRE_TEST_CASE("awaiting another loop's future: RuntimeError at the await (S80)") {
    const std::unique_ptr<EventLoop> elsewhere = new_event_loop("virtual");
    Future<int> foreign = create_future<int>(*elsewhere);
    std::string text;
    try {
        co_await foreign;
    } catch (const RuntimeError& error) {
        text = error.what();
    }
    CHECK(text.find("attached to a different loop") != std::string::npos);
    CHECK(!foreign.done());
    // A done one needs no loop.
    foreign.set_result(3);
    int value = co_await foreign;
    CHECK(value == 3);
}

GYRE_TEST_CASE("a task's outcome cannot be set from outside (S81)") {
    Task<int> task = create_task(number(7));
    CHECK(thrown_by([&] { task.set_result(1); }) == "RuntimeError");
    CHECK(thrown_by([&] { task.set_exception(std::runtime_error("x")); }) == "RuntimeError");
    int value = co_await task;
    CHECK(value == 7);
    CHECK(thrown_by([&] { task.set_result(1); }) == "RuntimeError");
}

GYRE_TEST_CASE("a future as the body's value is not awaited (S82)") {
    Future<int> inner = create_future<int>();
    Task<Future<int>> task = create_task(gives(inner));
    Future<int> given = co_await task;
    CHECK(given == inner);
    CHECK(!given.done());
}

GYRE_TEST_CASE("names: Task-N counts up; a given one stays (S84)") {
    Task<int> first = create_task(number(1));
    Task<int> second = create_task(number(2));
    const std::string one = first.get_name();
    const std::string two = second.get_name();
    CHECK(one.starts_with("Task-"));
    CHECK(std::stoi(two.substr(5)) == std::stoi(one.substr(5)) + 1);
    Task<int> named = create_task(number(3), {.name = "mine"});
    CHECK(named.get_name() == "mine");
    named.set_name("renamed");
    CHECK(named.get_name() == "renamed");
    CHECK(AnyTask(named).get_name() == "renamed");
    co_await first;
    co_await second;
    co_await named;
    CHECK(named.get_name() == "renamed");
}

TEST_CASE("current_task, all_tasks, create_task outside of a loop: RuntimeError (S71, S85)") {
    CHECK(thrown_by([] { return current_task(); }) == "RuntimeError");
    CHECK(thrown_by([] { return all_tasks(); }) == "RuntimeError");
    // The rejected coroutine goes without a report.
    const auto frames = detail::step.live_frames;
    CHECK(thrown_by([] { return create_task(number(1)); }) == "RuntimeError");
    CHECK(detail::step.live_frames == frames);
    const std::unique_ptr<EventLoop> idle = new_event_loop("virtual");
    CHECK(!current_task(*idle));
}

GYRE_TEST_CASE("all_tasks: those not done, the unstarted too (S86)") {
    CHECK(all_tasks().size() == 1);
    Task<int> quick = create_task(number(1));
    Task<> slow = create_task(forever());
    CHECK(all_tasks().size() == 3);
    CHECK(all_tasks(loop)[1] == AnyTask(quick));
    co_await quick;
    const std::vector<AnyTask> left = all_tasks();
    REQUIRE(left.size() == 2);
    CHECK(left[0] == current_task());
    CHECK(left[1] == AnyTask(slow));
    slow.cancel();
    co_await ending(slow);
    CHECK(all_tasks().size() == 1);
}

TEST_CASE("a task pending when its loop goes: reported, its frame destroyed (S87)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Log log;
        const auto frames = detail::step.live_frames;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        struct Local {
            Log& log;
            explicit Local(Log& to) : log(to) {}
            Local(const Local&) = delete;
            Local& operator=(const Local&) = delete;
            ~Local() { log.push_back("destroyed"); }
        };
        auto body = [&]() -> Coro<> {
            Local local(log);
            co_await sleep(1h);
            log.push_back("never");
        };
        Task<> task = create_task(*loop, body(), {.name = "left"});
        Task<> unstarted;
        run_until_complete(*loop, ticks(2));
        unstarted = create_task(*loop, body());
        loop->close();
        CHECK(joined(reports.messages) ==
              "Task was destroyed but it is pending! Task was destroyed but it is pending!");
        CHECK(joined(log) == "destroyed");
        CHECK(!task.done());
        CHECK(detail::step.live_frames == frames);
    }
}

GYRE_TEST_CASE("no task is lost when the last handle goes: the loop owns it (S87)") {
    bool ended = false;
    create_task([&]() -> Coro<> {
        co_await sleep(1ms);
        ended = true;
    });
    co_await sleep(5ms);
    CHECK(ended);
}

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

GYRE_TEST_CASE("a chain of awaited coroutines is one task (S93)") {
    struct Chain {
        static Coro<int> deep(int depth) {
            if (depth == 0) {
                co_await sleep(0s);
                co_return static_cast<int>(all_tasks().size());
            }
            int tasks = co_await deep(depth - 1);
            co_return tasks;
        }
    };
    int tasks = co_await Chain::deep(500);
    CHECK(tasks == 1);
}

GYRE_TEST_CASE("create_task: of whatever can be awaited: a sleep, an acquire, a get (S72)" *
               in_order) {
    Queue<std::unique_ptr<int>> queue(1);
    Event event;
    Lock lock;
    Task<std::unique_ptr<int>> getter = create_task(queue.get(), {.name = "getter"});
    Task<bool> waiting = create_task(loop, event.wait());
    Task<bool> acquired = create_task(lock.acquire());
    Task<> sleeping = create_task(sleep(1ms));
    Task<int> slept = create_task(sleep(1ms, 3));
    Task<> called = create_task([&] { return queue.put(std::make_unique<int>(4)); });
    CHECK(getter.get_name() == "getter");
    co_await sleep(0s);
    event.set();
    std::unique_ptr<int> item = co_await std::move(getter);
    CHECK(*item == 4);
    bool set = co_await waiting;
    CHECK(set);
    co_await gather(acquired, sleeping, called);
    int result = co_await slept;
    CHECK(result == 3);
    CHECK(lock.locked());
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        group.create_task(queue.put(std::make_unique<int>(5)), {.name = "putter"});
        group.create_task(queue.put(std::make_unique<int>(6)));
        std::unique_ptr<int> next = co_await queue.get();
        CHECK(*next == 5);
    });
    CHECK(queue.qsize() == 1);
    Task<bool> cancelled = create_task(lock.acquire());
    co_await sleep(0s);
    cancelled.cancel("text");
    std::string end = co_await ending(cancelled);
    CHECK(end == "CancelledError(text)");
}

GYRE_TEST_CASE("Coro: of whatever can be awaited (S74)") {
    Queue<int> queue;
    Event event;
    std::vector<Coro<int>> coros;
    coros.push_back(queue.get());
    coros.push_back(number(2));
    coros.push_back(sleep(1ms, 3));
    std::vector<Coro<>> others;
    others.push_back(event.wait());  // its value is dropped
    others.push_back(queue.put(1));
    auto nap = [] { return sleep(1ms); };
    const std::function<Coro<>()> function = nap;
    others.push_back(function());
    event.set();
    co_await gather(std::move(others));
    std::vector<int> values = co_await gather(std::move(coros));
    CHECK((values == std::vector<int>{1, 2, 3}));
    Coro<bool> named = event.wait();
    bool set = co_await named;
    CHECK(set);
    static_assert(!std::is_convertible_v<Task<int>, Coro<int>>);
    static_assert(!std::is_convertible_v<Future<int>, Coro<int>>);
    static_assert(!std::is_convertible_v<int, Coro<int>>);
    static_assert(!std::is_convertible_v<Event::Wait, Coro<std::string>>);
}

TEST_CASE("run, run_until_complete: of whatever can be awaited (S34, S241)") {
    Queue<int> queue;
    queue.put_nowait(4);
    CHECK(run(queue.get(), {.loop = "virtual"}) == 4);
    run(sleep(1ms), {.loop = "virtual"});
    const std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
    CHECK(run_until_complete(*loop, sleep(1ms, 5)) == 5);
    Runner runner({.loop = "virtual"});
    CHECK(runner.run(sleep(1ms, 6)) == 6);
}

GYRE_TEST_CASE("AnyTask: awaited, gathered, waited for, whatever its result (S86)") {
    Task<int> number_task = create_task(later(1ms, 3));
    Task<> plain = create_task(ticks(3));
    create_task(forever());
    std::vector<AnyTask> tasks = all_tasks();
    CHECK(std::erase(tasks, current_task()) == 1);
    CHECK(tasks.size() == 3);
    CHECK(plain == tasks[1]);
    CHECK(tasks[1] == plain);
    CHECK(number_task != current_task());
    AnyTask any = number_task;
    co_await any;
    CHECK(outcome(number_task) == "3");
    auto waited = co_await wait(tasks, {.return_when = FIRST_COMPLETED});
    CHECK(waited.done.size() == 2);
    CHECK(waited.pending.size() == 1);
    int ended = 0;
    for (const AnyTask& task : tasks) {
        task.add_done_callback([&](const AnyTask& done) { ended += done.done() ? 1 : 0; });
        task.cancel();
    }
    auto results = co_await gather(return_exceptions, tasks);
    CHECK(results[0].has_value());
    CHECK(name_of(results[2].error()) == "CancelledError");
    CHECK(ended == 3);
    AnyTask failing = create_task(fails("text"));
    std::string end = co_await ending(wait_for(failing, 1s));
    CHECK(end == "text");
    end = co_await ending(shield(AnyTask(create_task(fails("text")))));
    CHECK(end == "text");
    auto completed = as_completed(std::vector<AnyTask>{plain, number_task});
    auto first = co_await completed.next();
    CHECK(first->done());
    static_assert(!std::is_convertible_v<AnyTask, Coro<>>);
}

// --- task factories -----------------------------------------------------------------------------

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
