// Section 37: what a language without a garbage collector owes.
#include "support.hpp"

#include <memory>
#include <optional>

namespace {

class Tracked {
public:
    explicit Tracked(int& live) : live_(&live) { ++live; }
    Tracked(const Tracked& other) : live_(other.live_) { ++*live_; }
    Tracked& operator=(const Tracked&) = delete;
    ~Tracked() { --*live_; }

private:
    int* live_;
};

Coro<int> with_parameter(Tracked /*tracked*/) {
    co_await sleep(0s);
    co_return 1;
}

}  // namespace

GYRE_TEST_CASE("a coroutine never started frees its frame and says so (S412, S275)") {
    int live = 0;
    const auto frames = detail::step.live_frames;
    Reports reports(loop);
    {
        Coro<int> never = with_parameter(Tracked(live));
        CHECK(static_cast<bool>(never));
        CHECK(live == 1);
    }
    CHECK(live == 0);
    CHECK(detail::step.live_frames == frames);
    REQUIRE(reports.count() == 1);
    CHECK(reports.messages[0].find("with_parameter") != std::string::npos);
    CHECK(reports.messages[0].find("was never awaited") != std::string::npos);
    CHECK(reports.messages[0].find("s37_cpp.cpp:") != std::string::npos);
    // Closed, it goes in silence; assigned to, it says so.
    Coro<int> closed = with_parameter(Tracked(live));
    closed.close();
    CHECK(!closed);
    Coro<int> assigned = number(1);
    assigned = number(2);
    CHECK(reports.count() == 2);
    assigned.close();
    CHECK(live == 0);
    co_return;
}

GYRE_TEST_CASE("a coroutine is awaited once: then RuntimeError") {
    Coro<int> coro = number(3);
    int value = co_await coro;
    CHECK(value == 3);
    CHECK(!coro);
    std::string end;
    try {
        static_cast<void>(co_await coro);
    } catch (...) {
        end = name_of(std::current_exception());
    }
    CHECK(end == "RuntimeError");
    CHECK(thrown_by([&] { return create_task(std::move(coro)); }) == "RuntimeError");
}

TEST_CASE("a frame destroyed where it waits runs its destructors (S412)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        int live = 0;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        auto waits = [&]() -> Coro<> {
            Tracked local(live);
            static_cast<void>(co_await with_parameter(Tracked(live)));
            Future<int> never = create_future<int>();
            co_await never;
        };
        create_task(*loop, waits());
        run_until_complete(*loop, ticks(1));
        CHECK(live >= 1);
        loop.reset();
        CHECK(live == 0);
    }
}

GYRE_TEST_CASE("an awaiter that goes takes its wake-up along (S413)") {
    // The task is cancelled and gone before the future is done.
    Future<int> future = create_future<int>();
    Task<> task = create_task([&]() -> Coro<> { co_await shield(future); });
    co_await ticks(2);
    task.cancel();
    std::string end = co_await ending(std::move(task));
    CHECK(end == "CancelledError");
    task = {};
    future.set_result(1);
    co_await ticks(3);

    Event event;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task([&]() -> Coro<> { co_await event.wait(); }));
    }
    co_await sleep(0s);
    tasks[1].cancel();
    co_await ending(tasks[1]);
    CHECK(event.statistics().waiting == 2);
    event.set();
    co_await tasks[0];
    co_await tasks[2];
}

GYRE_TEST_CASE("the state outlives who completes it and who awaits it (S413)") {
    std::optional<Future<int>> completer = create_future<int>();
    Task<int> task = create_task([future = *completer]() -> Coro<int> {
        int value = co_await future;
        co_return value;
    });
    co_await sleep(0s);
    completer->set_result(7);
    completer.reset();
    int value = co_await task;
    CHECK(value == 7);
}

GYRE_TEST_CASE("a done-callback may drop the last handle of its task (S414)") {
    Log log;
    std::optional<Task<>> task = create_task([&]() -> Coro<> {
        log.push_back("body");
        co_return;
    });
    task->add_done_callback([&] {
        task.reset();
        log.push_back("callback");
    });
    co_await ticks(3);
    CHECK(joined(log) == "body callback");
    CHECK(!task);
}

GYRE_TEST_CASE("a task may drop its own last handle, and be cancelled in its last step (S414)") {
    auto task = std::make_shared<Task<>>();
    bool ended = false;
    *task = create_task([&]() -> Coro<> {
        co_await sleep(0s);
        task->cancel();
        task.reset();
        ended = true;
    });
    co_await ticks(3);
    CHECK(ended);
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("callbacks and their captures are freed when taken back (S415)") {
    auto alive = std::make_shared<int>(1);
    Future<int> future = create_future<int>();
    const DoneToken token = future.add_done_callback([alive] { static_cast<void>(alive); });
    CHECK(alive.use_count() == 2);
    CHECK(future.remove_done_callback(token) == 1);
    CHECK(alive.use_count() == 1);
    future.add_done_callback([alive] { static_cast<void>(alive); });
    future = {};
    CHECK(alive.use_count() == 1);
    co_return;
}

TEST_CASE("the report of an exception nobody asked for does not throw (S416)") {
    Future<int> late;
    {
        const std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
        loop->set_exception_handler(
            [](EventLoop&, const ExceptionContext&) { throw std::runtime_error("handler"); });
        Future<int> lost = create_future<int>(*loop);
        lost.set_exception(std::runtime_error("lost"));
        lost = {};
        late = create_future<int>(*loop);
        late.set_exception(std::runtime_error("late"));
    }
    CHECK(late.get_loop().is_closed());
    late = {};  // a line on stderr
}

GYRE_TEST_CASE("CancelledError is no std::exception (S417)" * in_order) {
    static_assert(!std::is_base_of_v<std::exception, CancelledError>);
    static_assert(!std::is_base_of_v<std::exception, ExitError>);
    static_assert(std::is_base_of_v<std::exception, Error>);
    Log log;
    Task<> task = create_task([&]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const std::exception&) {
            log.push_back("wrong");
        } catch (const CancelledError& error) {
            log.push_back(error.message());
            throw;
        }
    });
    co_await sleep(0s);
    task.cancel("right");
    co_await ending(task);
    CHECK(joined(log) == "right");
}

GYRE_TEST_CASE("every awaiter of a task gets the value, a sole rvalue moves it (S419)") {
    auto make = []() -> Coro<std::string> {
        co_await sleep(0s);
        co_return std::string(100, 'x');
    };
    Task<std::string> task = create_task(make());
    auto length = [](Task<std::string> of) -> Coro<int> {
        const std::string& value = co_await of;
        co_return static_cast<int>(value.size());
    };
    auto all = gather(length(task), length(task), task);
    auto results = co_await all;
    CHECK(std::get<0>(results) == 100);
    CHECK(std::get<1>(results) == 100);
    CHECK(std::get<2>(results).size() == 100);
    all = {};
    const std::string& shared = co_await task;
    CHECK(shared.size() == 100);
    std::string moved = co_await std::move(task);
    CHECK(moved.size() == 100);
}

GYRE_TEST_CASE("results that only move, in vectors and pairs too (S419)") {
    using Pointers = std::vector<std::unique_ptr<int>>;
    auto make = []() -> Coro<Pointers> {
        co_await sleep(0s);
        Pointers pointers;
        pointers.push_back(std::make_unique<int>(1));
        co_return pointers;
    };
    Pointers awaited = co_await make();
    CHECK(*awaited.front() == 1);
    Pointers of_task = co_await create_task(make());
    CHECK(*of_task.front() == 1);
    auto both = co_await gather(make(), make());
    CHECK(*std::get<1>(both).front() == 1);
    Pointers limited = co_await wait_for(create_task(make()), 1s);
    CHECK(*limited.front() == 1);
    Pointers shielded = co_await shield(make());
    CHECK(*shielded.front() == 1);
    Queue<Pointers> queue;
    co_await queue.put(std::move(shielded));
    Pointers taken = co_await queue.get();
    CHECK(*taken.front() == 1);
}

GYRE_TEST_CASE("a handle that refers to nothing: RuntimeError, whoever it is given to") {
    const Future<int> none;
    const std::vector<Task<int>> tasks(2);
    const std::vector<AnyTask> any(1);
    CHECK(thrown_by([&] { return none.done(); }) == "RuntimeError");
    CHECK(thrown_by([&] { return gather(none); }) == "RuntimeError");
    CHECK(thrown_by([&] { return gather(return_exceptions, none); }) == "RuntimeError");
    CHECK(thrown_by([&] { return gather(tasks); }) == "RuntimeError");
    CHECK(thrown_by([&] { return gather(any); }) == "RuntimeError");
    CHECK(thrown_by([&] { return as_completed(tasks); }) == "RuntimeError");
    CHECK(thrown_by([&] { return shield(none); }) == "RuntimeError");
    std::vector<Coro<std::string>> ends;
    ends.push_back(ending(wait(tasks)));
    ends.push_back(ending(wait(any)));
    ends.push_back(ending(none));
    for (Coro<std::string>& each : ends) {
        std::string end = co_await each;
        CHECK(end == "RuntimeError");
    }
}
