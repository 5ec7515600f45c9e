// Section 22: debug mode, and what is reported without it.
#include "support.hpp"

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

Coro<> stuck() { co_await sleep(1h); }

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// "Executing … took 0.002 seconds", where … begins with `what`.
bool is_slow_report(const std::string& message, const std::string& what) {
    const std::size_t took = message.rfind(" took ");
    const std::size_t point = message.rfind('.');
    return message.starts_with("Executing " + what) && took != std::string::npos &&
           point > took + 6 && message.size() - point == std::string(".123 seconds").size() &&
           message.ends_with(" seconds");
}

// Keeps whole reports.
class Contexts {
public:
    explicit Contexts(EventLoop& loop) : loop_(loop), before_(loop.get_exception_handler()) {
        loop.retain();
        loop.set_exception_handler(
            [this](EventLoop&, const ExceptionContext& context) { all.push_back(context); });
    }
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;
    ~Contexts() {
        loop_.set_exception_handler(before_);
        loop_.release();
    }

    // Messages with this in them. The test's own steps may be slow, too, where the machine has
    // other work, so that a test looks for what it made slow itself.
    [[nodiscard]] std::vector<std::string> with(std::string_view part) const {
        std::vector<std::string> found;
        for (const ExceptionContext& each : all) {
            if (has(each.message, part)) {
                found.push_back(each.message);
            }
        }
        return found;
    }

    std::vector<ExceptionContext> all;

private:
    EventLoop& loop_;
    EventLoop::ExceptionHandler before_;
};

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

// --- coroutines that nobody awaits --------------------------------------------------------------

GYRE_TEST_CASE("never awaited: its name and where it was made, debug mode or not (S275)") {
    Contexts reports(loop);
    for (const bool debug : {false, true}) {
        loop.set_debug(debug);
        { Coro<> lost = slow_step(); }
        REQUIRE(reports.all.size() == 1);
        const std::string message = reports.all[0].message;
        CHECK(message.starts_with("coroutine '"));
        CHECK(has(message, "slow_step()"));
        CHECK(has(message, "' was never awaited"));
        CHECK(has(message, "s22_debug.cpp:"));
        CHECK(!has(message, "Frame"));
        CHECK(reports.all[0].exception == nullptr);
        reports.all.clear();
    }
    loop.set_debug(false);
    co_return;
}

GYRE_TEST_CASE("never awaited: also in a collection or in an argument; not once it ran (S275)") {
    Contexts reports(loop);
    {
        std::vector<Coro<int>> lost;
        lost.push_back(number(1));
        lost.push_back(number(2));
    }
    CHECK(reports.all.size() == 2);
    {
        auto lost = wait_for(number(1), 1s);  // two: itself and what it holds
    }
    CHECK(reports.all.size() == 4);
    reports.all.clear();
    co_await number(1);
    Task<int> cancelled = create_task(number(2));
    cancelled.cancel();
    co_await ending(cancelled);
    Coro<int> closed = number(3);
    closed.close();
    Coro<int> moved = number(4);
    Coro<int> target = std::move(moved);
    co_await std::move(target);
    CHECK(reports.all.empty());
}

TEST_CASE("never awaited: without a running loop it goes to stderr (S275)") {
    std::string text;
    {
        const Stderr written;
        { Coro<> lost = slow_step(); }
        text = written.text();
    }
    CHECK(text.starts_with("coroutine '"));
    CHECK(has(text, "was never awaited"));
}

// --- outcomes that nobody asks for --------------------------------------------------------------

GYRE_TEST_CASE("never retrieved: which future or task it was (S68, S53)") {
    Contexts reports(loop);
    {
        Future<int> lost = create_future<int>();
        lost.set_exception(TimeoutError("lost"));
    }
    REQUIRE(reports.all.size() == 1);
    CHECK(reports.all[0].message == "Future exception was never retrieved");
    CHECK(name_of(reports.all[0].exception) == "TimeoutError");
    CHECK(reports.all[0].details["future"] ==
          "<Future finished exception=gyre::TimeoutError: lost>");
    {
        Task<> lost = create_task(fails("task"), {.name = "lost"});
        co_await ticks(3);
    }
    REQUIRE(reports.all.size() == 2);
    CHECK(reports.all[1].message == "Task exception was never retrieved");
    CHECK(name_of(reports.all[1].exception) == "task");
    const std::string& task = reports.all[1].details["future"];
    CHECK(task.starts_with("<Task finished name='lost' coro=<"));
    CHECK(task.ends_with("> exception=std::runtime_error: task>"));
    CHECK(has(task, "fails"));
    CHECK(has(task, "support.hpp:"));
}

TEST_CASE("destroyed but pending: which task, and where it waits (S87, S53)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        loop->set_debug(true);
        loop->slow_callback_duration = 1h;
        Contexts reports(*loop);
        Task<> task = create_task(*loop, stuck(), {.name = "left"});
        auto main = []() -> Coro<> { co_await sleep(0s); };
        run_until_complete(*loop, main());
        CHECK(!task.done());
        loop.reset();
        REQUIRE(reports.all.size() == 1);
        CHECK(reports.all[0].message == "Task was destroyed but it is pending!");
        const std::string& details = reports.all[0].details["task"];
        CHECK(details.starts_with("<Task pending name='left' coro=<"));
        CHECK(has(details, "stuck"));
        CHECK(has(details, "s22_debug.cpp:"));
    }
}

TEST_CASE("never awaited: not what a group kept ready for its end when its loop goes (S275)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        std::string text;
        {
            const Stderr written;
            auto loop = new_event_loop(spec);
            create_task(*loop, with_task_group([](TaskGroup&) -> Coro<> { co_await sleep(1h); }));
            loop->call_soon([&] { loop->stop(); });
            loop->run_forever();
            loop.reset();
            text = written.text();
        }
        CHECK(has(text, "Task was destroyed but it is pending!"));
        CHECK_FALSE(has(text, "never awaited"));
    }
}

GYRE_TEST_CASE("an exception in a callback: which one (S46, S53)" * in_order) {
    Contexts reports(loop);
    loop.call_soon([] { throw std::runtime_error("soon"); });
    Future<> future = create_future();
    future.add_done_callback([] { throw std::runtime_error("done"); });
    future.set_result();
    co_await ticks(2);
    REQUIRE(reports.all.size() == 2);
    CHECK(reports.all[0].message.starts_with("Exception in callback <Handle "));
    CHECK(reports.all[0].details["handle"].starts_with("<Handle "));
    CHECK(reports.all[1].message == "Exception in callback of <Future finished>");
    CHECK(reports.all[1].details["future"] == "<Future finished>");
}
