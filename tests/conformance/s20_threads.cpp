// Section 20: to_thread, and coroutines run from other threads.
#include "threading.hpp"

#include <atomic>
#include <future>
#include <thread>

namespace {

ContextVar<int> variable("variable", 0);

// Runs f() in another thread; the loop turns meanwhile. Not to_thread, which is under test here.
template <class F>
auto elsewhere(ThreadPool& pool, F f) {
    return run_in_executor(pool, std::move(f));
}

}  // namespace

// --- to_thread ----------------------------------------------------------------------------------

GYRE_TEST_CASE("to_thread: the value or the exception of f (S253)") {
    int sum = co_await to_thread([](int a, int b) { return a + b; }, 40, 2);
    CHECK(sum == 42);
    std::string end =
        co_await ending(to_thread([] { throw std::runtime_error("Something wrong happened"); }));
    CHECK(end == "Something wrong happened");
    struct Counter {
        int add(int more) { return value += more; }
        int value = 0;
    } counter;
    sum = co_await to_thread(&Counter::add, &counter, 4);
    CHECK(sum == 4);
    int changed = 0;
    co_await to_thread([](int& there) { there = 7; }, std::ref(changed));
    CHECK(changed == 7);
    std::string kept = "kept";
    std::string copied = co_await to_thread([&]() -> std::string& { return kept; });
    CHECK(copied == "kept");
}

GYRE_TEST_CASE("to_thread: nothing happens before the await (S254)") {
    std::atomic<int> calls = 0;
    auto call = to_thread([&] { ++calls; });
    co_await ticks(3);
    CHECK(calls == 0);
    co_await std::move(call);
    CHECK(calls == 1);
    // Not awaited, it says so like any coroutine.
    Reports reports(loop);
    {
        auto never = to_thread([&] { ++calls; });
    }
    CHECK(reports.count() == 1);
    CHECK(calls == 1);
}

GYRE_TEST_CASE("to_thread: a copy of the caller's context goes along (S254)") {
    variable.set(1);
    auto call = to_thread([] {
        const int before = variable.get();
        variable.set(9);
        return std::pair(before, variable.get());
    });
    variable.set(2);  // it is the context of the await that counts
    auto seen = co_await std::move(call);
    CHECK(seen.first == 2);
    CHECK(seen.second == 9);
    CHECK(variable.get() == 2);
}

GYRE_TEST_CASE("to_thread: many at once") {
    std::atomic<int> calls = 0;
    std::vector<Coro<int>> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back(to_thread([&calls, i] {
            ++calls;
            return i;
        }));
    }
    std::vector<int> values = co_await gather(std::move(all));
    CHECK(calls == 10);
    CHECK(values == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

GYRE_TEST_CASE("to_thread: a cancelled await ends at once, the function goes on (S255)" *
               by_the_clock) {
    Gate begun;
    Gate gate;
    Gate ended;
    auto call = to_thread([&] {
        begun.open();
        gate.pass();
        ended.open();
    });
    std::string end;
    auto limited = wait_for(std::move(call), 5ms);
    try {
        co_await std::move(limited);
    } catch (const TimeoutError&) {
        end = "TimeoutError";
    }
    begun.pass();
    CHECK(end == "TimeoutError");
    CHECK(!ended.is_open());
    gate.open();
    ended.pass();
    co_await shutdown_default_executor();
}

// --- run_coroutine_threadsafe -------------------------------------------------------------------

GYRE_TEST_CASE("run_coroutine_threadsafe: the result or the exception, in a std::future (S260)" *
               by_the_clock) {
    ThreadPool pool(1);
    auto call = [&loop] {
        std::future<int> sum = run_coroutine_threadsafe(later(1ms, 3), loop);
        return sum.get();
    };
    int value = co_await elsewhere(pool, call);
    CHECK(value == 3);
    auto failing = [&loop] {
        return thrown_by([&] { run_coroutine_threadsafe(fails("Fail!"), loop).get(); });
    };
    std::string end = co_await elsewhere(pool, failing);
    CHECK(end == "Fail!");
    auto no_value = [&loop](bool cancelled) {
        auto body = [cancelled]() -> Coro<std::string> {
            co_await sleep(0s);
            if (cancelled) {
                current_task().cancel();
                co_await sleep(0s);
            }
            throw std::runtime_error("no value");
        };
        return thrown_by([&] { return run_coroutine_threadsafe(body, loop).get(); });
    };
    end = co_await run_in_executor(pool, no_value, false);
    CHECK(end == "no value");
    end = co_await run_in_executor(pool, no_value, true);
    CHECK(end == "CancelledError");
    auto moving = [&loop] {
        auto make = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
        return run_coroutine_threadsafe(make, loop).get();
    };
    auto moved = co_await elsewhere(pool, moving);
    CHECK(*moved == 4);
    auto operation = [&loop] {
        return run_coroutine_threadsafe(sleep(1ms, std::string("slept")), loop).get();
    };
    end = co_await elsewhere(pool, operation);
    CHECK(end == "slept");
}

GYRE_TEST_CASE("run_coroutine_threadsafe: a task of the loop, in the loop's thread (S260)" *
               in_order) {
    ThreadPool pool(1);
    const std::thread::id here = std::this_thread::get_id();
    auto call = [&loop] {
        auto body = [&loop]() -> Coro<std::thread::id> {
            CHECK(&get_running_loop() == &loop);
            CHECK(current_task());
            co_return std::this_thread::get_id();
        };
        return run_coroutine_threadsafe(body, loop).get();
    };
    std::thread::id there = co_await elsewhere(pool, call);
    CHECK(there == here);
    // From the loop's own thread, too, as long as nobody waits there.
    std::future<int> own = run_coroutine_threadsafe(number(6), loop);
    co_await ticks(3);
    REQUIRE((own.wait_for(0s) == std::future_status::ready));
    CHECK(own.get() == 6);
}

GYRE_TEST_CASE("run_coroutine_threadsafe: a cancelled task gives CancelledError (S260)") {
    ThreadPool pool(1);
    Gate begun;
    AnyTask inner;
    auto call = [&] {
        auto body = [&]() -> Coro<> {
            inner = current_task();
            begun.open();
            co_await forever();
        };
        auto future = run_coroutine_threadsafe(body, loop);
        return thrown_by([&] { future.get(); });
    };
    Future<std::string> end = elsewhere(pool, call);
    co_await opened(begun);
    inner.cancel("stop it");
    inner = {};
    std::string text = co_await end;
    CHECK(text == "CancelledError(stop it)");
}

GYRE_TEST_CASE("run_coroutine_threadsafe: a waiting thread may give up, the task goes on (S260)") {
    ThreadPool pool(1);
    Gate gate;
    Gate ended;
    auto call = [&] {
        auto body = [&]() -> Coro<> {
            co_await opened(gate);
            ended.open();
        };
        auto future = run_coroutine_threadsafe(body, loop);
        return future.wait_for(1ms) == std::future_status::timeout;
    };
    bool gave_up = co_await elsewhere(pool, call);
    CHECK(gave_up);
    gate.open();
    co_await opened(ended);
    co_await ticks(1);
}

GYRE_TEST_CASE("run_coroutine_threadsafe: no task: in the future and in the handler (S260)") {
    ThreadPool pool(1);
    set_task_factory(loop, [](EventLoop&, TaskMaker&, TaskOptions) -> AnyTask {
        throw std::runtime_error("no task today");
    });
    Reports reports(loop);
    auto call = [&loop] {
        return thrown_by([&] { run_coroutine_threadsafe(number(1), loop).get(); });
    };
    std::string end = co_await elsewhere(pool, call);
    CHECK(end == "no task today");
    CHECK(joined(reports.errors) == "no task today");
    set_task_factory(loop, {});
}

TEST_CASE("run_coroutine_threadsafe: a closed loop (S260, S43)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        std::future<int> early;
        std::future<void> pending = run_coroutine_threadsafe(forever(), *loop);
        run_until_complete(*loop, ticks(3));
        Reports reports(*loop);
        std::thread([&] { early = run_coroutine_threadsafe(number(1), *loop); }).join();
        loop->close();
        CHECK(thrown_by([&] { return early.get(); }) == "RuntimeError");
        CHECK(thrown_by([&] { pending.get(); }) == "RuntimeError");
        CHECK(thrown_by([&] { return run_coroutine_threadsafe(number(1), *loop); }) ==
              "RuntimeError");
        CHECK(joined(reports.messages) == "Task was destroyed but it is pending!");
    }
}
