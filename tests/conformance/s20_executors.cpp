// Section 20: executors and threads.
#include "support.hpp"

#include <atomic>
#include <concepts>
#include <future>
#include <memory>
#include <thread>

#include <pthread.h>

// An exception's count of references is libstdc++'s own, which is not instrumented: the sanitizer
// does not see what orders its end in one thread after its use in another.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "race:std::runtime_error::~runtime_error\nrace:gyre::CancelledError::~CancelledError\n"
           "race:__cxa_free_exception\nrace:std::__exception_ptr::exception_ptr::_M_release\n";
}

namespace {

ContextVar<int> variable("variable", 0);

std::string thread_name() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

// What a thread waits at until the loop lets it through.
class Gate {
public:
    void open() { promise_.set_value(); }
    void pass() const { opened_.wait(); }
    [[nodiscard]] bool is_open() const { return opened_.wait_for(0s) == std::future_status::ready; }

private:
    std::promise<void> promise_;
    std::shared_future<void> opened_ = promise_.get_future().share();
};

// Lets the loop turn until the gate is open.
Coro<> opened(const Gate& gate) {
    while (!gate.is_open()) {
        co_await sleep(0s);
    }
}

// Says where it lives and dies.
class Tracked {
public:
    explicit Tracked(std::atomic<int>& live) : live_(&live) { ++*live_; }
    Tracked(Tracked&& other) noexcept : live_(std::exchange(other.live_, nullptr)) {}
    Tracked& operator=(Tracked&&) = delete;
    ~Tracked() {
        if (live_ != nullptr) {
            --*live_;
        }
    }

private:
    std::atomic<int>* live_;
};

// Runs f() in another thread; the loop turns meanwhile. Not to_thread, which is under test here.
template <class F>
auto elsewhere(ThreadPool& pool, F f) {
    return run_in_executor(pool, std::move(f));
}

template <class L, class P>
concept TakesExecutor = requires(L& loop, P pool) {
    set_default_executor(loop, pool);
};

}  // namespace

// --- run_in_executor ----------------------------------------------------------------------------

GYRE_TEST_CASE("run_in_executor: submitted by the call, not by the await (S253)") {
    ThreadPool pool(1);
    Gate begun;
    Future<int> answer = run_in_executor(pool, [&] {
        begun.open();
        return 42;
    });
    begun.pass();  // the loop does not turn
    CHECK(!answer.done());
    int value = co_await answer;
    CHECK(value == 42);
}

GYRE_TEST_CASE("run_in_executor: results and exceptions arrive in the loop's thread (S253)" *
               in_order) {
    ThreadPool pool(2);
    const std::thread::id here = std::this_thread::get_id();
    std::thread::id there;
    std::thread::id callback;
    Future<std::string> text = run_in_executor(pool, [&] {
        there = std::this_thread::get_id();
        return std::string("text");
    });
    text.add_done_callback([&] { callback = std::this_thread::get_id(); });
    std::string value = co_await text;
    CHECK(value == "text");
    CHECK(there != here);
    CHECK(callback == here);
    std::string end =
        co_await ending(run_in_executor(pool, []() -> int { throw std::runtime_error("boom"); }));
    CHECK(end == "boom");
    end = co_await ending(run_in_executor(pool, [] { throw CancelledError("own"); }));
    CHECK(end == "CancelledError(own)");
    auto moved = co_await run_in_executor(pool, [] { return std::make_unique<int>(3); });
    CHECK(*moved == 3);
    const std::string kept = "kept";
    std::string copied =
        co_await run_in_executor(pool, [&]() -> const std::string& { return kept; });
    CHECK(copied == "kept");
    int sum = co_await run_in_executor(
        pool, [](int a, std::unique_ptr<int> b) { return a + *b; }, 1, std::make_unique<int>(2));
    CHECK(sum == 3);
}

GYRE_TEST_CASE("run_in_executor: null is the loop's own pool, made on first use (S253)") {
    std::string first = co_await run_in_executor(nullptr, thread_name);
    CHECK(first.starts_with("asyncio"));
    ThreadPool named(1, "worker");
    std::string second = co_await run_in_executor(named, thread_name);
    CHECK(second == "worker_0");
    std::string third = co_await run_in_executor(&named, thread_name);
    CHECK(third == "worker_0");
}

GYRE_TEST_CASE("run_in_executor: the context does not go along (S254)") {
    variable.set(1);
    ThreadPool pool(1);
    int seen = co_await run_in_executor(pool, [] {
        const int before = variable.get();
        variable.set(5);
        return before;
    });
    CHECK(seen == 0);
    CHECK(variable.get() == 1);
}

GYRE_TEST_CASE("run_in_executor: a job that has not begun is withdrawn by the cancel (S255)") {
    ThreadPool pool(1);
    Gate gate;
    bool ran = false;
    std::atomic<int> live = 0;
    Future<> first = run_in_executor(pool, [&] { gate.pass(); });
    auto job = [&ran, tracked = Tracked(live)] { ran = true; };
    Future<> second = run_in_executor(pool, std::move(job));
    CHECK(live == 1);
    CHECK(second.cancel("why"));
    CHECK(second.cancelled());
    CHECK(outcome(second) == "CancelledError(why)");
    gate.open();
    co_await first;
    pool.shutdown();
    CHECK(!ran);
    second = {};
    CHECK(live == 0);
}

GYRE_TEST_CASE("run_in_executor: one that runs goes on, its outcome is dropped (S255)") {
    ThreadPool pool(1);
    Gate begun;
    Gate gate;
    bool ended = false;
    Future<> future = run_in_executor(pool, [&] {
        begun.open();
        gate.pass();
        ended = true;
        throw std::runtime_error("nobody hears it");
    });
    begun.pass();
    CHECK(future.cancel());
    CHECK(future.cancelled());
    CHECK(!future.cancel());
    gate.open();
    pool.shutdown();
    CHECK(ended);
    co_await ticks(3);
    CHECK(outcome(future) == "CancelledError");
}

GYRE_TEST_CASE("run_in_executor: cancelling who awaits it ends the await at once (S255)") {
    ThreadPool pool(1);
    Gate begun;
    Gate gate;
    auto body = [&]() -> Coro<> {
        auto job = run_in_executor(pool, [&] {
            begun.open();
            gate.pass();
        });
        co_await std::move(job);
    };
    Task<> task = create_task(body());
    co_await opened(begun);
    task.cancel();
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError");
    gate.open();
    pool.shutdown();
    co_await ticks(2);
}

TEST_CASE("run_in_executor: a job that ends after the loop was closed is ignored (S256)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        ThreadPool pool(1);
        Gate begun;
        Gate gate;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Future<> future;
        auto main = [&]() -> Coro<> {
            future = run_in_executor(pool, [&] {
                begun.open();
                gate.pass();
                throw std::runtime_error("too late");
            });
            begun.pass();
            co_return;
        };
        run_until_complete(*loop, main());
        Reports reports(*loop);
        loop->close();
        gate.open();
        pool.shutdown();
        CHECK(!future.done());
        CHECK(reports.count() == 0);
        future = {};
        loop.reset();
    }
}

TEST_CASE("run_in_executor: RuntimeError outside of a loop and after a shutdown (S43, S257)") {
    ThreadPool pool(1);
    CHECK(thrown_by([&] { return run_in_executor(pool, [] {}); }) == "RuntimeError");
    pool.shutdown();
    auto main = [&]() -> Coro<std::string> {
        co_return thrown_by([&] { return run_in_executor(pool, [] {}); });
    };
    CHECK(run(main(), {.loop = "virtual"}) == "RuntimeError");
    CHECK(thrown_by([&] { pool.submit([] {}); }) == "RuntimeError");
}

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

// --- the loop's own pool ------------------------------------------------------------------------

GYRE_TEST_CASE("shutdown_default_executor: waits, and the loop turns meanwhile (S257)") {
    Gate begun;
    Gate gate;
    Future<int> last = run_in_executor(nullptr, [&] {
        begun.open();
        gate.pass();
        return 1;
    });
    Task<> shutdown = create_task(shutdown_default_executor());
    co_await opened(begun);
    co_await ticks(10);
    CHECK(!shutdown.done());
    CHECK(!last.done());
    gate.open();
    co_await shutdown;
    int value = co_await last;
    CHECK(value == 1);
}

GYRE_TEST_CASE("shutdown_default_executor: no more work for it; other pools serve (S257)") {
    co_await shutdown_default_executor();
    CHECK(thrown_by([] { return run_in_executor(nullptr, [] {}); }) == "RuntimeError");
    std::string end = co_await ending(to_thread([] { return 1; }));
    CHECK(end == "RuntimeError");
    ThreadPool pool(1);
    int value = co_await run_in_executor(pool, [] { return 2; });
    CHECK(value == 2);
    co_await shutdown_default_executor();  // does nothing more
}

GYRE_TEST_CASE("shutdown_default_executor: over the limit it reports that and leaves (S257)" *
               by_the_clock) {
    Gate gate;
    Future<> stuck = run_in_executor(nullptr, [&] { gate.pass(); });
    Reports reports(loop);
    co_await shutdown_default_executor(0.005s);
    REQUIRE(reports.count() == 1);
    CHECK(reports.messages[0] ==
          "The executor did not finish joining its threads within the time limit.");
    CHECK(!stuck.done());
    gate.open();
    co_await stuck;
    while (loop.statistics().posts != 0) {
        co_await sleep(1ms);  // the thread that waited for it
    }
}

TEST_CASE("run: waits for the functions that still run in the loop's pool (S246, S257)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        std::atomic<bool> ended = false;
        auto main = [&]() -> Coro<int> {
            static_cast<void>(run_in_executor(nullptr, [&] {
                std::this_thread::sleep_for(2ms);
                ended = true;
            }));
            co_return 5;
        };
        CHECK(run(main(), {.loop = spec}) == 5);
        CHECK(ended);
    }
}

TEST_CASE("close() of a loop does not wait for its pool (S42)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Gate begun;
        Gate gate;
        Gate ended;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        auto main = [&]() -> Coro<> {
            static_cast<void>(run_in_executor(nullptr, [&] {
                begun.open();
                gate.pass();
                ended.open();
            }));
            begun.pass();
            co_return;
        };
        run_until_complete(*loop, main());
        loop.reset();
        gate.open();
        ended.pass();
    }
}

GYRE_TEST_CASE("set_default_executor: a ThreadPool, once (S258)") {
    static_assert(TakesExecutor<EventLoop, std::shared_ptr<ThreadPool>>);
    static_assert(!TakesExecutor<EventLoop, int>);
    static_assert(!TakesExecutor<EventLoop, std::shared_ptr<int>>);
    auto pool = std::make_shared<ThreadPool>(1, "own");
    set_default_executor(loop, pool);
    std::string name = co_await to_thread(thread_name);
    CHECK(name == "own_0");
    name = co_await run_in_executor(pool, thread_name);
    CHECK(name == "own_0");
    CHECK(thrown_by([&] { set_default_executor(loop, std::make_shared<ThreadPool>(1)); }) ==
          "RuntimeError");
    co_await shutdown_default_executor();
    CHECK(thrown_by([&] { pool->submit([] {}); }) == "RuntimeError");
}

// --- ThreadPool ---------------------------------------------------------------------------------

TEST_CASE("ThreadPool: no more threads than its bound, functions in order; shutdown waits") {
    ThreadPool pool(2, "pool");
    CHECK(pool.statistics().max_threads == 2);
    CHECK(pool.statistics().threads == 0);
    Gate gate;
    for (int i = 0; i < 4; ++i) {
        pool.submit([&] { gate.pass(); });
    }
    CHECK(pool.statistics().threads == 2);
    std::atomic<int> last = 0;
    for (int i = 0; i < 4; ++i) {
        pool.submit([&last, i] { last = i; });
    }
    CHECK(pool.statistics().queued >= 4);
    gate.open();
    pool.shutdown();
    CHECK(last == 3);
    CHECK(pool.statistics().queued == 0);
    pool.shutdown();
    CHECK(ThreadPool().statistics().max_threads > 0);
}

TEST_CASE("ThreadPool: shutdown(false) does not wait, what is queued still runs") {
    std::atomic<int> calls = 0;
    Gate gate;
    Gate ended;
    {
        ThreadPool pool(1);
        pool.submit([&] { gate.pass(); });
        pool.submit([&] {
            ++calls;
            ended.open();
        });
        pool.shutdown(false);
        CHECK(calls == 0);
    }
    gate.open();
    ended.pass();
    CHECK(calls == 1);
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
