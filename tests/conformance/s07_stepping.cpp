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
