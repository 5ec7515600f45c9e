// Section 22: debug mode.
#include "contexts.hpp"

#include <chrono>
#include <concepts>
#include <cstdlib>
#include <memory>
#include <thread>

namespace {

// Longer than a step takes on a machine that has other work, too.
constexpr auto kSlow = 20ms;

// Blocks the loop, and is slow.
void busy() {
    const auto end = std::chrono::steady_clock::now() + kSlow + 2ms;
    while (std::chrono::steady_clock::now() < end) {
    }
}

Coro<> slow_step() {
    co_await sleep(0s);
    busy();
    co_await sleep(0s);
}

// "Executing … took 0.002 seconds", where … begins with `what`.
bool is_slow_report(const std::string& message, const std::string& what) {
    const std::size_t took = message.rfind(" took ");
    const std::size_t point = message.rfind('.');
    return message.starts_with("Executing " + what) && took != std::string::npos &&
           point > took + 6 && message.size() - point == std::string(".123 seconds").size() &&
           message.ends_with(" seconds");
}

// The text of what f() throws in another thread, "" if it throws nothing.
template <class F>
std::string thrown_there(F f) {
    std::string text;
    std::thread([&] {
        try {
            f();
        } catch (const RuntimeError& error) {
            text = error.what();
        }
    }).join();
    return text;
}

constexpr const char* wrong_thread =
    "Non-thread-safe operation invoked on an event loop other than the current one";

template <class F>
concept Callback = requires(EventLoop& loop, F f) {
    loop.call_soon(f);
    loop.call_later(1s, f);
    loop.call_at(1s, f);
    loop.call_soon_threadsafe(f);
};

}  // namespace

// --- on and off ---------------------------------------------------------------------------------

TEST_CASE("debug mode: set_debug, GYRE_DEBUG, RunOptions.debug (S269, S244)") {
    auto debug = []() -> Coro<bool> { co_return get_running_loop().get_debug(); };
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        CHECK(!loop->get_debug());
        loop->set_debug(true);
        CHECK(loop->get_debug());
        loop->set_debug(false);
        CHECK(!loop->get_debug());
        for (const char* on : {"1", "yes"}) {
            ::setenv("GYRE_DEBUG", on, 1);
            CHECK(new_event_loop(spec)->get_debug());
            CHECK(run(debug(), {.loop = spec}));
            CHECK(!run(debug(), {.loop = spec, .debug = false}));
        }
        for (const char* off : {"", "0"}) {
            ::setenv("GYRE_DEBUG", off, 1);
            CHECK(!new_event_loop(spec)->get_debug());
            CHECK(!run(debug(), {.loop = spec}));
            CHECK(run(debug(), {.loop = spec, .debug = true}));
        }
        ::unsetenv("GYRE_DEBUG");
        CHECK(!run(debug(), {.loop = spec}));
    }
}

// --- slow callbacks -----------------------------------------------------------------------------

GYRE_TEST_CASE("slow: a step of a task, with its name, coroutine, file and line (S270)" *
               by_the_clock) {
    CHECK(loop.slow_callback_duration == 100ms);
    Contexts reports(loop);
    loop.set_debug(true);
    loop.slow_callback_duration = 0.02s;
    Task<> task = create_task(slow_step(), {.name = "sluggish"});
    co_await task;
    loop.set_debug(false);
    const std::vector<std::string> found = reports.with("pending name='sluggish'");
    REQUIRE_FALSE(found.empty());
    const std::string& message = found[0];
    CHECK(is_slow_report(message, "<Task pending name='sluggish' coro=<"));
    CHECK(has(message, "slow_step"));
    CHECK(has(message, "s22_debug.cpp:"));
}

GYRE_TEST_CASE("slow: the last step of a task, and one that throws (S270)" * in_order) {
    Contexts reports(loop);
    loop.set_debug(true);
    loop.slow_callback_duration = kSlow;
    auto returns = []() -> Coro<> {
        co_await sleep(0s);
        busy();
    };
    auto throws = []() -> Coro<> {
        co_await sleep(0s);
        busy();
        throw std::runtime_error("boom");
    };
    Task<> first = create_task(returns, {.name = "returns"});
    Task<> second = create_task(throws, {.name = "throws"});
    co_await ticks(3);
    loop.set_debug(false);
    const std::vector<std::string> returned = reports.with("finished name='returns'");
    const std::vector<std::string> threw = reports.with("finished name='throws'");
    REQUIRE(returned.size() == 1);
    REQUIRE(threw.size() == 1);
    CHECK(is_slow_report(returned[0], "<Task finished name='returns' coro=<"));
    CHECK(is_slow_report(threw[0], "<Task finished name='throws' coro=<"));
    CHECK(has(threw[0], "> exception=std::runtime_error: boom> took "));
    CHECK(outcome(second) == "boom");
}

GYRE_TEST_CASE("slow: callbacks, timers and done-callbacks (S270)" * in_order) {
    Contexts reports(loop);
    loop.set_debug(true);
    loop.slow_callback_duration = kSlow;
    loop.call_soon(busy);
    loop.call_later(0s, busy);
    Future<> future = create_future();
    future.add_done_callback(busy);
    future.set_result();
    co_await ticks(3);
    loop.set_debug(false);
    const std::vector<std::string> handles = reports.with("<Handle ");
    const std::vector<std::string> done = reports.with("done-callback");
    REQUIRE(handles.size() == 2);
    REQUIRE(done.size() == 1);
    CHECK(is_slow_report(handles[0], "<Handle "));
    CHECK(is_slow_report(done[0], "done-callback"));
    CHECK(is_slow_report(handles[1], "<Handle "));
}

GYRE_TEST_CASE("slow: not what is quicker, nor anything without debug mode (S270)" * by_the_clock) {
    Contexts reports(loop);
    loop.slow_callback_duration = kSlow;
    loop.call_soon(busy);
    co_await ticks(2);
    loop.set_debug(true);
    loop.slow_callback_duration = 1h;
    loop.call_soon(busy);
    co_await ticks(2);
    CHECK(reports.all.empty());
    loop.set_debug(false);
}

GYRE_TEST_CASE("slow: a handler that throws or exits is no danger to the loop (S50, S270)" *
               by_the_clock) {
    const EventLoop::ExceptionHandler before = loop.get_exception_handler();
    std::string text;
    {
        const Stderr written;
        loop.set_exception_handler(
            [](EventLoop&, const ExceptionContext&) { throw std::runtime_error("broken"); });
        loop.set_debug(true);
        loop.slow_callback_duration = kSlow;
        loop.call_soon(busy);
        co_await ticks(2);
        loop.set_debug(false);
        text = written.text();
    }
    loop.set_exception_handler(before);
    CHECK(text.starts_with("Unhandled error in exception handler\n"));
    CHECK(has(text, "context: Executing <Handle "));
}

// --- the wrong thread ---------------------------------------------------------------------------

GYRE_TEST_CASE("the wrong thread: call_soon, call_later, call_at throw RuntimeError (S271)") {
    loop.set_debug(true);
    loop.slow_callback_duration = 1h;
    bool ran = false;
    auto callback = [&] { ran = true; };
    CHECK(thrown_there([&] { loop.call_soon(callback); }) == wrong_thread);
    CHECK(thrown_there([&] { loop.call_later(1ms, callback); }) == wrong_thread);
    CHECK(thrown_there([&] { loop.call_at(loop.time(), callback); }) == wrong_thread);
    co_await ticks(2);
    CHECK(!ran);
    CHECK(thrown_there([&] { loop.call_soon_threadsafe(callback); }).empty());
    while (!ran) {
        co_await sleep(0s);
    }
    loop.set_debug(false);
}

GYRE_TEST_CASE("the wrong thread: tasks are not made there, nor futures completed (S29, S271)") {
    loop.set_debug(true);
    loop.slow_callback_duration = 1h;
    Future<int> future = create_future<int>();
    Task<> task = create_task(forever());
    co_await sleep(0s);
    CHECK(thrown_there([&] { create_task(loop, number(1)); }) == wrong_thread);
    CHECK(thrown_there([&] { future.set_result(1); }) == wrong_thread);
    CHECK(thrown_there([&] { future.set_exception(TimeoutError()); }) == wrong_thread);
    CHECK(thrown_there([&] { future.cancel(); }) == wrong_thread);
    CHECK(thrown_there([&] { task.cancel(); }) == wrong_thread);
    CHECK(!future.done());
    CHECK(task.cancelling() == 0);
    // The ways that lead there.
    std::thread([&] {
        loop.call_soon_threadsafe([&] { future.set_result(2); });
        static_cast<void>(run_coroutine_threadsafe(number(1), loop));
    }).join();
    int value = co_await future;
    CHECK(value == 2);
    task.cancel();
    co_await ending(task);
    loop.set_debug(false);
}

GYRE_TEST_CASE("the wrong thread: no task that waits is woken there (S29, S271)") {
    loop.set_debug(true);
    loop.slow_callback_duration = 1h;
    Queue<int> queue;
    Event event;
    Lock lock;
    Semaphore semaphore(0);
    Condition condition;
    StreamReader reader;
    co_await lock.acquire();
    auto lines = [](StreamReader from) -> Coro<> { static_cast<void>(co_await from.readline()); };
    auto notified = [](Condition& by) -> Coro<> {
        auto guard = co_await by.scoped();
        co_await by.wait();
    };
    std::vector<AnyTask> waiting{create_task(queue.get()),         create_task(event.wait()),
                                 create_task(lock.acquire()),      create_task(semaphore.acquire()),
                                 create_task(notified(condition)), create_task(lines(reader))};
    co_await ticks(2);
    co_await condition.acquire();
    CHECK(thrown_there([&] { queue.put_nowait(1); }) == wrong_thread);
    CHECK(thrown_there([&] { queue.shutdown(); }) == wrong_thread);
    CHECK(thrown_there([&] { event.set(); }) == wrong_thread);
    CHECK(thrown_there([&] { lock.release(); }) == wrong_thread);
    CHECK(thrown_there([&] { semaphore.release(); }) == wrong_thread);
    CHECK(thrown_there([&] { condition.notify_all(); }) == wrong_thread);
    CHECK(thrown_there([&] { reader.feed_data("line\n"); }) == wrong_thread);
    Future<> done = create_future();
    done.set_result();
    CHECK(thrown_there([&] { done.add_done_callback([] {}); }) == wrong_thread);
    // Nothing has happened.
    CHECK(queue.empty());
    CHECK(!event.is_set());
    CHECK(lock.locked());
    CHECK(semaphore.locked());
    condition.release();
    for (const AnyTask& each : waiting) {
        CHECK(!each.done());
        each.cancel();
    }
    co_await gather(return_exceptions, waiting);
    loop.set_debug(false);
}

TEST_CASE("the wrong thread: nothing is checked while the loop does not run (S271)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        loop->set_debug(true);
        loop->slow_callback_duration = 1h;
        bool ran = false;
        CHECK(thrown_there([&] { loop->call_soon([&] { ran = true; }); }).empty());
        loop->stop();
        loop->run_forever();
        CHECK(ran);
    }
}

// --- what is no callback ------------------------------------------------------------------------

GYRE_TEST_CASE("what cannot be called is no callback; a coroutine in one never runs (S272)") {
    static_assert(Callback<void (*)()>);
    static_assert(!Callback<int>);
    static_assert(!Callback<std::string>);
    static_assert(!Callback<Coro<>>);
    static_assert(!Callback<void (*)(int)>);
    Contexts reports(loop);
    loop.call_soon([] { static_cast<void>(number(1)); });
    co_await ticks(2);
    REQUIRE(reports.all.size() == 1);
    CHECK(has(reports.all[0].message, "was never awaited"));
}
