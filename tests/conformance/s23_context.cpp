// Section 23: context variables.
#include "support.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <thread>

namespace {

ContextVar<int> variable("variable", 0);

Coro<int> adds(int step) {
    const int before = variable.get();
    variable.set(before + step);
    co_await sleep(0s);
    co_return variable.get();
}

}  // namespace

GYRE_TEST_CASE("a task has a copy of its creator's values and changes its own (S279)") {
    variable.set(1);
    Task<int> first = create_task(adds(10));
    variable.set(2);
    Task<int> second = create_task(adds(100));
    int value = co_await first;
    CHECK(value == 11);
    value = co_await second;
    CHECK(value == 102);
    CHECK(variable.get() == 2);
    // A coroutine that is awaited is not apart.
    value = co_await adds(1000);
    CHECK(value == 1002);
    CHECK(variable.get() == 1002);
}

GYRE_TEST_CASE("all steps of a task share one context; tasks may share one (S280)") {
    Context shared;
    shared.run([] { variable.set(5); });
    Task<int> first = create_task(adds(1), {.context = &shared});
    int value = co_await first;
    CHECK(value == 6);
    Task<int> second = create_task(adds(1), {.context = &shared});
    value = co_await second;
    CHECK(value == 7);
    CHECK(shared.run([] { return variable.get(); }) == 7);
    // The values are the ones at each step, not those at the start.
    Task<int> waiting = create_task(
        []() -> Coro<int> {
            co_await ticks(2);
            co_return variable.get();
        },
        TaskOptions{.context = &shared});
    shared.run([] { variable.set(50); });
    value = co_await waiting;
    CHECK(value == 50);
}

GYRE_TEST_CASE("callbacks see a copy of the context of their registration (S281, S12)") {
    Log log;
    const auto note = [&](const char* what) {
        log.push_back(what + std::to_string(variable.get()));
        variable.set(99);
    };
    variable.set(1);
    loop.call_soon([&] { note("soon"); });
    variable.set(2);
    loop.call_later(1ms, [&] { note("later"); });
    variable.set(3);
    loop.call_at(loop.time() + 2ms, [&] { note("at"); });
    variable.set(4);
    loop.call_soon_threadsafe([&] { note("threadsafe"); });
    variable.set(5);
    Future<> future = create_future();
    future.add_done_callback([&] { note("done"); });
    variable.set(6);
    future.set_result();
    co_await sleep(5ms);
    std::sort(log.begin(), log.end());
    CHECK(joined(log) == "at3 done5 later2 soon1 threadsafe4");
    CHECK(variable.get() == 6);
}

GYRE_TEST_CASE("readers, writers and signal handlers see that of their registration (S281)") {
    if (loop == "virtual") {
        co_return;  // no descriptors there
    }
    Log log;
    const int fd = ::eventfd(1, EFD_NONBLOCK);
    variable.set(1);
    loop.add_reader(fd, [&] {
        log.push_back("reader" + std::to_string(variable.get()));
        loop.remove_reader(fd);
    });
    variable.set(2);
    loop.add_writer(fd, [&] {
        log.push_back("writer" + std::to_string(variable.get()));
        loop.remove_writer(fd);
    });
    variable.set(3);
    loop.add_signal_handler(SIGUSR1,
                            [&] { log.push_back("signal" + std::to_string(variable.get())); });
    variable.set(4);
    std::raise(SIGUSR1);
    while (log.size() < 3) {
        co_await sleep(1ms);
    }
    loop.remove_signal_handler(SIGUSR1);
    ::close(fd);
    std::sort(log.begin(), log.end());
    CHECK(joined(log) == "reader1 signal3 writer2");
}

GYRE_TEST_CASE("a done-callback cannot change the task's values (S282)") {
    variable.set(1);
    Future<> future = create_future();
    future.add_done_callback([] { variable.set(7); });
    future.set_result();
    co_await sleep(0s);
    CHECK(variable.get() == 1);
}

GYRE_TEST_CASE("a task that ends wakes its awaiter in the awaiter's context (S73)") {
    variable.set(1);
    Task<int> inner = create_task(adds(10));
    Task<int> outer = create_task([&]() -> Coro<int> {
        variable.set(20);
        co_await inner;
        co_return variable.get();
    });
    int value = co_await outer;
    CHECK(value == 20);
    CHECK(variable.get() == 1);
}

GYRE_TEST_CASE("set, get, reset") {
    static ContextVar<std::string> text("text");
    CHECK(text.name() == "text");
    CHECK(thrown_by([] { return text.get(); }) == "RuntimeError");
    CHECK(text.get("fallback") == "fallback");
    auto first = text.set("one");
    auto second = text.set("two");
    CHECK(text.get() == "two");
    CHECK(text.get("fallback") == "two");
    static ContextVar<std::string> other("other");
    CHECK(thrown_by([&] { other.reset(second); }) == "ValueError");
    text.reset(second);
    CHECK(text.get() == "one");
    CHECK(thrown_by([&] { text.reset(second); }) == "RuntimeError");
    text.reset(std::move(first));
    CHECK(thrown_by([] { return text.get(); }) == "RuntimeError");
    co_return;
}

GYRE_TEST_CASE("copy_context and Context::run") {
    variable.set(1);
    const Context copy = copy_context();
    variable.set(2);
    CHECK(copy.run([] { return variable.get(); }) == 1);
    copy.run([](int value) { variable.set(value); }, 8);
    CHECK(variable.get() == 2);
    const Context same = copy;
    CHECK(same.run([] { return variable.get(); }) == 8);
    CHECK(thrown_by([&] { copy.run([] { throw std::runtime_error("boom"); }); }) == "boom");
    CHECK(variable.get() == 2);
    const Context empty;
    CHECK(empty.run([] { return variable.get(); }) == 0);
    co_return;
}

GYRE_TEST_CASE("the exception handler runs in the context of what failed (S51)" * in_order) {
    Log log;
    const EventLoop::ExceptionHandler before = loop.get_exception_handler();
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        log.push_back(name_of(context.exception) + std::to_string(variable.get()));
    });
    variable.set(1);
    loop.call_soon([] { throw std::runtime_error("soon"); });
    variable.set(2);
    Future<> future = create_future();
    future.add_done_callback([] { throw std::runtime_error("done"); });
    future.set_result();
    variable.set(3);
    co_await ticks(2);
    CHECK(joined(log) == "soon1 done2");
    loop.set_exception_handler(before);
}

TEST_CASE("each thread has values of its own") {
    variable.set(4);
    int there = -1;
    std::thread([&] {
        there = variable.get();
        variable.set(5);
    }).join();
    CHECK(there == 0);
    CHECK(variable.get() == 4);
    variable.set(0);
}

GYRE_TEST_CASE("the exception handler runs in the context of the task that failed (S51)") {
    Log log;
    const EventLoop::ExceptionHandler before = loop.get_exception_handler();
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        log.push_back(name_of(context.exception) + std::to_string(variable.get()));
    });
    variable.set(1);
    auto body = []() -> Coro<> {
        variable.set(5);
        co_await sleep(0s);
        throw std::runtime_error("lost");
    };
    create_task(body());
    co_await ticks(3);
    CHECK(joined(log) == "lost5");
    CHECK(variable.get() == 1);
    loop.set_exception_handler(before);
}

TEST_CASE("a task left at the end is reported in its context (S51, S87, S246)") {
    auto body = [](bool fails) -> Coro<> {
        variable.set(6);
        std::string end = co_await ending(sleep(1h));
        if (fails) {
            throw std::runtime_error(end);
        }
    };
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Log log;
        auto note = [&](EventLoop&, const ExceptionContext& context) {
            log.push_back(context.message + std::to_string(variable.get()));
        };
        Runner runner({.loop = spec});
        runner.get_loop().set_exception_handler(note);
        auto main = [&]() -> Coro<> {
            create_task(body, true);
            co_await sleep(0s);
        };
        runner.run(main());
        runner.close();
        CHECK(joined(log) == "unhandled exception during run() shutdown6");
        log.clear();
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        loop->set_exception_handler(note);
        create_task(*loop, body, false);
        run_until_complete(*loop, ticks(2));
        loop.reset();
        CHECK(joined(log) == "Task was destroyed but it is pending!6");
        CHECK(variable.get() == 0);
    }
}

GYRE_TEST_CASE("a task may be renamed or cancelled while another context is entered (S280)") {
    auto body = []() -> Coro<> {
        variable.set(7);
        AnyTask here = current_task();
        const Context other;
        other.run([&] { here.set_name("renamed"); });
        CHECK(variable.get() == 7);
        auto child = [here]() -> Coro<> {
            here.cancel("by the child");
            co_return;
        };
        Task<> eager = create_task(child(), {.eager_start = true});
        CHECK(variable.get() == 7);
        variable.set(8);
        std::string end = co_await ending(sleep(1h));
        CHECK(end == "CancelledError(by the child)");
        CHECK(variable.get() == 8);
        CHECK(here.get_name() == "renamed");
    };
    Task<> task = create_task(body);
    co_await task;
}

GYRE_TEST_CASE("get_context: the one that the task runs in (S280)") {
    const Context given = copy_context();
    Task<int> shared = create_task(adds(3), {.context = given});
    CHECK(shared.get_context().box() == given.box());
    co_await shared;
    CHECK(given.get(variable) == 3);
    Task<int> own = create_task(adds(4));
    const Context seen = own.get_context();
    CHECK(seen.get(variable).value_or(0) == 0);
    co_await own;
    CHECK(seen.get(variable) == 4);
    own = {};
    CHECK(seen.run([] { return variable.get(); }) == 4);
    AnyTask here = current_task();
    here.get_context().run([] { variable.set(2); });
    CHECK(variable.get() == 2);
}

GYRE_TEST_CASE("Context: get and contains leave the default out; copy is another one") {
    static ContextVar<int> number("number", 42);
    const Context first;
    first.run([&] {
        CHECK(number.get() == 42);
        CHECK(!first.get(number));
        CHECK(!first.contains(number));
        auto token = number.set(10);
        CHECK(first.get(number) == 10);
        const Context second = first.copy();
        number.set(20);
        CHECK(first.get(number) == 20);
        CHECK(second.get(number) == 10);
        second.run([&] { number.set(30); });
        CHECK(first.get(number) == 20);
        CHECK(second.get(number) == 30);
        number.reset(token);
        CHECK(!first.contains(number));
        CHECK(number.get() == 42);
    });
    co_return;
}

GYRE_TEST_CASE("a variable may hold what cannot be copied, in many tasks at once (S279)") {
    static ContextVar<std::unique_ptr<int>> held("held");
    held.set(std::make_unique<int>(1));
    auto body = [](int value) -> Coro<int> {
        const int before = *held.get();
        for (int i = 0; i < 3; ++i) {
            held.set(std::make_unique<int>(value + i));
            co_await sleep(0s);
            CHECK(*held.get() == value + i);
        }
        co_return before;
    };
    std::vector<Coro<int>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(body(i));
    }
    std::vector<int> seen = co_await gather(std::move(all));
    CHECK(seen == std::vector<int>(20, 1));
    CHECK(*held.get() == 1);
}

GYRE_TEST_CASE("reset: not with a token of another context, nor one that was used") {
    static ContextVar<int> number("number", 42);
    const Context other;
    auto token = other.run([] { return number.set(1); });
    CHECK(thrown_by([&] { number.reset(token); }) == "ValueError");
    CHECK(number.get() == 42);
    other.run([&] { number.reset(token); });
    CHECK(!other.contains(number));
    CHECK(thrown_by([&] { other.run([&] { number.reset(token); }); }) == "RuntimeError");
    // Awaits in between are no matter.
    auto body = []() -> Coro<> {
        const auto before = number.set(2);
        co_await sleep(0s);
        current_task().set_name("renamed");
        number.reset(before);
        CHECK(number.get() == 42);
    };
    co_await create_task(body());
}
