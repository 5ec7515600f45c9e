// The forms in which one call may be written: kinds of durations, collections, handles, callables.
#include "support.hpp"

#include <algorithm>
#include <any>
#include <array>
#include <chrono>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace {

using Seconds = std::chrono::duration<double>;

Coro<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }

struct Counter {
    void add(int more) { value += more; }
    Coro<int> later(int more) const {
        co_await sleep(0s);
        co_return value + more;
    }
    int value = 0;
};

}  // namespace

// --- durations ----------------------------------------------------------------------------------

TEST_CASE("durations of any unit, floating point too, rounded up") {
    auto main = []() -> Coro<> {
        EventLoop& loop = get_running_loop();
        co_await sleep(0.001s);
        CHECK(loop.time() == 1ms);
        co_await sleep(Seconds(0.002));
        CHECK(loop.time() == 3ms);
        co_await sleep(std::chrono::duration<float, std::milli>(1.0F));
        CHECK(loop.time() == 4ms);
        co_await sleep(std::chrono::minutes(1) - 59s - 996ms);
        CHECK(loop.time() == 8ms);
        TimerHandle timer = loop.call_at(loop.time() + 0.5s, [] {});
        CHECK(timer.when() == 508ms);
        timer.cancel();
        timer = loop.call_later(Seconds(0.25), [] {});
        CHECK(timer.when() == 258ms);
        timer.cancel();
        timer = loop.call_at(1h, [] {});
        CHECK(timer.when() == 1h);
        timer.cancel();
        loop.slow_callback_duration = 0.05s;
        CHECK(loop.slow_callback_duration == 50ms);
    };
    run(main(), {.loop = "virtual"});
}

TEST_CASE("limits and deadlines of any unit, and none") {
    auto main = []() -> Coro<> {
        EventLoop& loop = get_running_loop();
        auto asleep = [](Timeout& limit) -> Coro<> {
            CHECK(limit.when());
            co_await sleep(1h);
        };
        std::string end = co_await ending(timeout_at(loop.time() + 0.5s, asleep));
        CHECK(end == "TimeoutError");
        CHECK(loop.time() == 500ms);
        end = co_await ending(timeout(Seconds(0.5), asleep));
        CHECK(end == "TimeoutError");
        CHECK(loop.time() == 1s);
        auto moved = [&loop](Timeout& limit) -> Coro<> {
            CHECK(!limit.when());
            limit.reschedule(loop.time() + 1.5s);
            limit.reschedule(std::nullopt);
            limit.reschedule(loop.time() + std::chrono::milliseconds(500));
            co_await sleep(1h);
        };
        end = co_await ending(timeout(std::nullopt, moved));
        CHECK(end == "TimeoutError");
        CHECK(loop.time() == 1500ms);
        end = co_await ending(timeout_at(std::nullopt, moved));
        CHECK(loop.time() == 2s);

        std::optional<std::chrono::seconds> limit;
        int value = co_await wait_for(later(5s, 1), limit);
        CHECK(value == 1);
        limit = 1s;
        end = co_await ending(wait_for(later(5s, 1), limit));
        CHECK(end == "TimeoutError");
        CHECK(loop.time() == 8s);
        end = co_await ending(timeout(limit, asleep));
        CHECK(end == "TimeoutError");
        CHECK(thrown_by([] {
                  return wait_for(sleep(1s), Seconds(std::numeric_limits<double>::quiet_NaN()));
              }) == "ValueError");

        std::vector<Task<>> tasks;
        tasks.push_back(create_task(forever()));
        auto result = co_await wait(tasks, {.timeout = 0.5s});
        CHECK(result.pending.size() == 1);
        result = co_await wait(tasks, {.timeout = limit, .return_when = FIRST_COMPLETED});
        CHECK(result.pending.size() == 1);
        CHECK(loop.time() == 10500ms);
        auto completing = as_completed(tasks, limit);
        end = co_await ending(completing.next());
        CHECK(end == "TimeoutError");
        co_await shutdown_default_executor(0.5s);
        co_await shutdown_default_executor(limit);
    };
    // The report of the coroutine refused for NaN's sake is not what this is about.
    Runner runner({.loop = "virtual"});
    Reports reports(runner.get_loop());
    runner.run(main());
}

// --- collections --------------------------------------------------------------------------------

GYRE_TEST_CASE("gather, wait, as_completed: any collection, views too") {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(number(i)));
    }
    const std::vector<int> all{0, 1, 2};
    const std::list<Task<int>> list(tasks.begin(), tasks.end());
    std::vector<int> values = co_await gather(list);
    CHECK(values == all);
    std::array<Task<int>, 2> array{tasks[1], tasks[2]};
    values = co_await gather(array);
    CHECK(values == std::vector<int>{1, 2});
    std::deque<Coro<int>> coroutines;
    coroutines.push_back(number(4));
    values = co_await gather(coroutines);  // consumed, as a named coroutine that is awaited
    CHECK(values == std::vector<int>{4});

    // A view's handles stay where they are.
    std::map<std::string, Task<int>> named{{"a", tasks[0]}, {"b", tasks[1]}};
    auto by_name = named | std::views::values;
    values = co_await gather(by_name);
    CHECK(values == std::vector<int>{0, 1});
    CHECK(named["a"]);
    auto again = by_name;
    auto completing = as_completed(std::move(again));
    while (auto each = co_await completing.next()) {
        CHECK(each->done());
    }
    CHECK(named["b"]);
    auto waited = co_await wait(by_name);
    CHECK(waited.done.size() == 2);
    auto some = tasks | std::views::filter([](const Task<int>& task) { return task.done(); });
    auto filtered = co_await wait(some);
    CHECK(filtered.done == tasks);

    // A view that makes them makes each once.
    auto made = all | std::views::transform([](int i) { return number(i); });
    values = co_await gather(made);
    CHECK(values == all);
    auto results = co_await gather(return_exceptions, made);
    CHECK(results.size() == 3);
    CHECK(*results[2] == 2);
}

GYRE_TEST_CASE("wait and as_completed: braces") {
    Task<int> first = create_task(number(1));
    Task<int> second = create_task(number(2));
    auto waiting = wait({first, second}, {.return_when = ALL_COMPLETED});
    auto result = co_await std::move(waiting);
    CHECK(result.done.size() == 2);
    auto completing = as_completed({first, second}, 1h);
    int sum = 0;
    while (auto each = co_await completing.next()) {
        sum += each->result();
    }
    CHECK(sum == 3);
}

GYRE_TEST_CASE("as_completed: tickets of results that can only be moved") {
    std::vector<Coro<std::unique_ptr<int>>> coroutines;
    coroutines.push_back(owned(3));
    auto completing = as_completed(std::move(coroutines));
    for (auto& ticket : completing.tickets()) {
        std::unique_ptr<int> value = co_await std::move(ticket);
        CHECK(*value == 3);
    }
}

TEST_CASE("run_until_complete: a future whose result can only be moved, a callable, a sleep") {
    const std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
    CHECK(*run_until_complete(*loop, create_task(*loop, owned(3))) == 3);
    CHECK(run_until_complete(*loop, number, 4) == 4);
    CHECK(run_until_complete(*loop, [] { return number(5); }) == 5);
    CHECK(run_until_complete(*loop, sleep(1s, 6)) == 6);
    CHECK(run(sleep(1s, 7), {.loop = "virtual"}) == 7);
    Runner runner({.loop = "virtual"});
    CHECK(runner.run(sleep(1s, 8)) == 8);
}

// --- handles ------------------------------------------------------------------------------------

GYRE_TEST_CASE("a const handle does what another one does" * in_order) {
    const Future<int> future = create_future<int>();
    Log log;
    const DoneToken token = future.add_done_callback([&] { log.push_back("removed"); });
    future.add_done_callback(
        [&](const Future<int>& done) { log.push_back(std::to_string(done.result())); });
    future.add_done_callback([&](auto& done) { log.push_back(done == future ? "same" : "other"); });
    CHECK(future.remove_done_callback(token) == 1);
    loop.call_soon([future] { future.set_result(1); });
    int value = co_await future;
    CHECK(value == 1);
    co_await ticks(1);
    CHECK(joined(log) == "1 same");

    const std::vector<Task<>> tasks{create_task(forever()), create_task(forever())};
    for (const auto& task : tasks) {
        task.set_name("cancelled");
        task.cancel("why");
        CHECK(task.cancelling() == 1);
        task.uncancel();
        task.cancel();
    }
    auto results = co_await gather(return_exceptions, tasks);
    CHECK(name_of(results[0].error()) == "CancelledError");
    const Future<int> null_error = create_future<int>();
    CHECK(thrown_by([&] { null_error.set_exception(nullptr); }) == "ValueError");
    CHECK(!null_error.done());
}

GYRE_TEST_CASE("handles are keys: a set of tasks that drop themselves, names by task") {
    std::set<Task<>> ordered;
    std::unordered_set<AnyTask> any;
    for (int i = 0; i < 3; ++i) {
        Task<> task = create_task(ticks(i));
        ordered.insert(task);
        any.insert(task);
        task.add_done_callback([&](Task<> done) { ordered.erase(done); });
        task.add_done_callback([&](const AnyTask& done) { any.erase(done); });
    }
    CHECK(ordered.size() == 3);
    CHECK(any.size() == 3);
    co_await wait(ordered);
    co_await ticks(2);
    CHECK(ordered.empty());
    CHECK(any.empty());
    std::unordered_map<Task<int>, std::string> names;
    Task<int> one = create_task(number(1));
    names[one] = "one";
    auto completing = as_completed({one});
    while (auto done = co_await completing.next()) {
        CHECK(names.at(*done) == "one");
    }
}

GYRE_TEST_CASE("AnyTask: awaited, gathered, waited for, shielded; its result stays its own" *
               in_order) {
    CHECK(current_task() != nullptr);
    CHECK(AnyTask() == nullptr);
    for (int i = 0; i < 3; ++i) {
        create_task(forever());
    }
    co_await sleep(0s);
    std::vector<AnyTask> others;
    for (const AnyTask& task : all_tasks()) {
        if (task != current_task()) {
            task.cancel("the end");
            others.push_back(task);
        }
    }
    auto results = co_await gather(return_exceptions, others);
    REQUIRE(results.size() == 3);
    CHECK(name_of(results[2].error()) == "CancelledError(the end)");

    Task<int> value = create_task(number(1));
    Task<std::string> text = create_task(sleep(0s, std::string("text")));
    const std::vector<AnyTask> both{value, text};
    auto waited = co_await wait(both);
    CHECK(waited.done == both);
    CHECK(value == both[0]);
    co_await both[0];
    co_await wait_for(both[1], 1s);
    co_await shield(both[1]);
    Task<> failing = create_task(fails("boom"));
    std::string end = co_await ending(AnyTask(failing));
    CHECK(end == "boom");
    int calls = 0;
    const DoneToken token = both[0].add_done_callback([&](const AnyTask& done) {
        CHECK(done == value);
        ++calls;
    });
    static_cast<void>(token);
    co_await ticks(1);
    CHECK(calls == 1);
}

// --- callables ----------------------------------------------------------------------------------

GYRE_TEST_CASE("tasks of callables: functions, members, lambdas that own what they capture" *
               in_order) {
    Counter counter;
    counter.value = 3;
    Task<int> member = create_task(&Counter::later, &counter, 1);
    Task<int> copied = create_task(&Counter::later, counter, 2);
    Task<int> on_loop = create_task(loop, number, 6);
    auto owning = [held = std::make_unique<int>(7)]() -> Coro<int> {
        co_await sleep(0s);
        co_return *held;
    };
    Task<int> captured = create_task(loop, std::move(owning), {.name = "captured"});
    CHECK(captured.get_name() == "captured");
    std::function<Coro<int>(int)> function = number;
    Task<int> wrapped = create_task(function, 8);
    auto values = co_await gather(member, copied, on_loop, captured, wrapped);
    CHECK(values == std::tuple(4, 5, 6, 7, 8));
    loop.call_soon(&Counter::add, &counter, 4);
    co_await ticks(1);
    CHECK(counter.value == 7);
}

GYRE_TEST_CASE("tasks of what is a coroutine in asyncio: sleeps, waits, gets") {
    Event event;
    Queue<int> queue;
    Task<> sleeping = create_task(sleep(0s), {.name = "sleeping"});
    CHECK(sleeping.get_name() == "sleeping");
    Task<bool> waiting = create_task(event.wait());
    Task<int> getting = create_task(loop, queue.get());
    co_await ticks(1);
    event.set();
    queue.put_nowait(4);
    auto values = co_await gather(sleeping, waiting, getting, queue.put(5));
    CHECK(std::get<1>(values));
    CHECK(std::get<2>(values) == 4);
    auto named = sleep(0s, std::string("slept"));
    std::string slept = co_await named;
    CHECK(slept == "slept");
    slept = co_await wait_for(sleep(0s, std::string("in time")), 1h);
    CHECK(slept == "in time");
    auto result = co_await wait_for(sleep(0s, std::make_unique<int>(6)), std::nullopt);
    CHECK(*result == 6);
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        Task<int> five = group.create_task(queue.get(), {.name = "five"});
        int value = co_await five;
        CHECK(value == 5);
    });
}

GYRE_TEST_CASE("gather: results that take anything, and exceptions that are results") {
    auto anything = []() -> Coro<std::any> { co_return std::any(5); };
    auto no_error = []() -> Coro<std::exception_ptr> { co_return nullptr; };
    auto fails = []() -> Coro<std::any> {
        co_await sleep(0s);
        throw std::runtime_error("boom");
    };
    auto gathering = gather(return_exceptions, anything(), no_error(), fails());
    auto [five, none, failed] = co_await std::move(gathering);
    CHECK(std::any_cast<int>(five.value()) == 5);
    CHECK(none.has_value());
    CHECK(none.value() == nullptr);
    CHECK_FALSE(failed.has_value());
}

GYRE_TEST_CASE("task groups by with(): one of its own, a named one") {
    std::string text;
    auto own = with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
        group.create_task([&]() -> Coro<> {
            co_await sleep(1ms);
            text += "ended ";
        });
        co_return;
    });
    co_await std::move(own);
    CHECK(text == "ended ");
    TaskGroup named;
    auto body = [](TaskGroup& group) -> Coro<int> {
        group.create_task(sleep(1h));
        co_await sleep(1ms);
        group.cancel();
        co_return 4;
    };
    auto in_named = with(named, body);
    int four = co_await std::move(in_named);
    CHECK(four == 4);
}

GYRE_TEST_CASE("contexts: the value of a variable, by name of the variable; none is an error") {
    static ContextVar<int> variable("variable", 3);
    Context context = copy_context();
    CHECK_THROWS_AS(static_cast<void>(context[variable]), std::out_of_range);
    context.run([] { variable.set(7); });
    Context copy = context.copy();
    context.run([] { variable.set(8); });
    CHECK(context[variable] == 8);
    CHECK(copy[variable] == 7);
    CHECK(variable.get() == 3);
    co_return;
}
