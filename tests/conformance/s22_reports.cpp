// Section 22: what is reported without debug mode.
#include "contexts.hpp"

namespace {

Coro<> idle() { co_await sleep(0s); }
Coro<> stuck() { co_await sleep(1h); }

}  // namespace

// --- coroutines that nobody awaits --------------------------------------------------------------

GYRE_TEST_CASE("never awaited: its name and where it was made, debug mode or not (S275)") {
    Contexts reports(loop);
    for (const bool debug : {false, true}) {
        loop.set_debug(debug);
        { Coro<> lost = idle(); }
        REQUIRE(reports.all.size() == 1);
        const std::string message = reports.all[0].message;
        CHECK(message.starts_with("coroutine '"));
        CHECK(has(message, "idle()"));
        CHECK(has(message, "' was never awaited"));
        CHECK(has(message, "s22_reports.cpp:"));
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
        { Coro<> lost = idle(); }
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
        CHECK(has(details, "s22_reports.cpp:"));
    }
}

TEST_CASE("destroyed but pending: not what run_until_complete() or gather() made (S39, S87)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Contexts reports(*loop);
        auto main = [](EventLoop& on) -> Coro<> {
            on.call_soon([&on] { on.stop(); });
            std::vector<Coro<>> coros;
            coros.push_back(stuck());
            co_await gather(gather(stuck(), sleep(1h)), gather(std::move(coros)));
        };
        CHECK(thrown_by([&] { run_until_complete(*loop, main(*loop)); }) == "RuntimeError");
        loop.reset();
        CHECK(reports.all.empty());
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
