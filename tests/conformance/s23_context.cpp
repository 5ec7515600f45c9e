// Section 23: context variables.
#include "support.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
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

GYRE_TEST_CASE("the exception handler runs in the context of what failed (S51)") {
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
