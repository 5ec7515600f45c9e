// Section 20: executors.
#include "threading.hpp"

#include <atomic>
#include <concepts>
#include <future>
#include <memory>
#include <thread>

#include <pthread.h>

namespace {

ContextVar<int> variable("variable", 0);

std::string thread_name() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
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

TEST_CASE("ThreadPool: shutdown() waits whoever asked before, and did not wait (S257)") {
    std::atomic<int> done = 0;
    const auto job = [&done] {
        std::this_thread::sleep_for(50ms);
        ++done;
    };
    {
        ThreadPool pool(2);
        pool.submit(job);
        pool.shutdown(false);
        pool.shutdown(true);
        CHECK(done == 1);
    }
    std::thread other;
    {
        ThreadPool pool(1);
        pool.submit(job);
        other = std::thread([&] { pool.shutdown(true); });
        pool.shutdown(true);
        CHECK(done == 2);
        other.join();
    }
}

TEST_CASE("ThreadPool: its own threads do not wait for it, nor end the program (S257)") {
    std::atomic<bool> refused = false;
    {
        ThreadPool pool(2);
        pool.submit([&] { refused = thrown_by([&] { pool.shutdown(); }) == "RuntimeError"; });
    }
    CHECK(refused);
    std::promise<void> gone;
    auto pool = std::make_shared<ThreadPool>(1);
    std::promise<void> may_go;
    pool->submit([pool, &gone, go = may_go.get_future().share()]() mutable {
        go.wait();
        pool.reset();
        gone.set_value();
    });
    pool.reset();
    may_go.set_value();
    gone.get_future().wait();
}
