// Section 19: run and Runner.
#include "support.hpp"

#include <array>
#include <csignal>
#include <cstdlib>

namespace {

// A Ctrl-C, so many iterations from now.
void interrupt_after(EventLoop& loop, int iterations) {
    if (iterations > 0) {
        loop.call_soon([&loop, iterations] { interrupt_after(loop, iterations - 1); });
    } else {
        std::raise(SIGINT);
    }
}

void (*sigint_action())(int) {
    struct sigaction action {};
    sigaction(SIGINT, nullptr, &action);
    return action.sa_handler;
}

void nothing(int /*signal*/) {}

}  // namespace

TEST_CASE("run: gives the result or throws the exception, and closes the loop (S241)") {
    on_all_loops([](const std::string& spec) {
        const RunOptions options{.loop = spec};
        CHECK(run(number(4), options) == 4);
        CHECK(thrown_by([&] { run(fails("boom"), options); }) == "boom");
        CHECK(thrown_by([&] {
                  run(
                      []() -> Coro<> {
                          co_await sleep(0s);
                          throw CancelledError("own");
                      },
                      options);
              }) == "CancelledError(own)");
        EventLoop* used = nullptr;
        std::string name;
        run(
            [&]() -> Coro<> {
                used = &get_running_loop();
                used->retain();
                name = used->name();
                co_return;
            },
            options);
        CHECK(used->is_closed());
        CHECK(name == spec);
        used->release();
    });
}

TEST_CASE("run: a callable with its arguments, owned meanwhile (S241)") {
    auto add = [](int a, std::string b) -> Coro<std::string> {
        co_await sleep(0s);
        co_return std::to_string(a) + b;
    };
    CHECK(run(add, 1, std::string("x")) == "1x");
    auto unique = std::make_unique<int>(5);
    auto owner = [held = std::move(unique)]() -> Coro<int> {
        co_await sleep(0s);
        co_return *held;
    };
    CHECK(run(std::move(owner), {.loop = "virtual"}) == 5);
}

GYRE_TEST_CASE(
    "run inside a running loop: RuntimeError that names it; nothing starts (S241, S40)") {
    bool begun = false;
    auto body = [&]() -> Coro<> {
        begun = true;
        co_return;
    };
    std::string text;
    try {
        run(body());
    } catch (const RuntimeError& error) {
        text = error.what();
    }
    CHECK(text.find("run()") != std::string::npos);
    Runner runner({.loop = "virtual"});
    CHECK(thrown_by([&] { runner.run(body()); }) == "RuntimeError");
    const std::unique_ptr<EventLoop> other = new_event_loop("virtual");
    CHECK(thrown_by([&] { run_until_complete(*other, body()); }) == "RuntimeError");
    CHECK(thrown_by([&] { run_until_complete(loop, body()); }) == "RuntimeError");
    CHECK(thrown_by([&] { loop.run_forever(); }) == "RuntimeError");
    CHECK(thrown_by([&] { loop.close(); }) == "RuntimeError");
    CHECK(!begun);
    CHECK(&get_running_loop() == &loop);
    co_return;
}

TEST_CASE("Runner: one loop for several runs, made on first use (S242)") {
    on_all_loops([](const std::string& spec) {
        Runner runner({.loop = spec});
        EventLoop& loop = runner.get_loop();
        CHECK(!loop.is_running());
        auto here = []() -> Coro<EventLoop*> { co_return &get_running_loop(); };
        CHECK(runner.run(here()) == &loop);
        CHECK(runner.run(here()) == &loop);
        runner.close();
        runner.close();
        CHECK(thrown_by([&] { runner.run(number(1)); }) == "RuntimeError");
        CHECK(thrown_by([&]() -> EventLoop& { return runner.get_loop(); }) == "RuntimeError");
        Runner unused({.loop = spec});
        unused.close();
        CHECK(thrown_by([&]() -> EventLoop& { return unused.get_loop(); }) == "RuntimeError");
    });
    // The spec is looked at when the loop is made.
    Runner nonsense({.loop = "nonsense"});
    CHECK(thrown_by([&]() -> EventLoop& { return nonsense.get_loop(); }) == "ValueError");
}

TEST_CASE("Runner: it is not closed while its loop runs (S41)") {
    on_all_loops([](const std::string& spec) {
        Runner runner({.loop = spec});
        auto closes = [&runner]() -> Coro<std::string> {
            std::string thrown = thrown_by([&] { runner.close(); });
            co_await sleep(0s);
            co_return thrown;
        };
        CHECK(runner.run(closes()) == "RuntimeError");
        CHECK(runner.run(number(1)) == 1);
    });
}

TEST_CASE("Runner: the runs share one context (S243)") {
    static ContextVar<int> variable("variable", 0);
    on_all_loops([](const std::string& spec) {
        Runner runner({.loop = spec});
        auto count = []() -> Coro<int> {
            const int before = variable.get();
            variable.set(before + 1);
            co_return before;
        };
        CHECK(runner.run(count()) == 0);
        CHECK(runner.run(count()) == 1);
        CHECK(runner.run(count()) == 2);
        CHECK(variable.get() == 0);
        const Context own = copy_context();
        CHECK(runner.run(count(), own) == 0);
        CHECK(runner.run(count(), own) == 1);
        CHECK(runner.run(count()) == 3);
    });
}

TEST_CASE("Runner: debug: what is said, else the environment (S244)") {
    Runner on({.loop = "virtual", .debug = true});
    CHECK(on.get_loop().get_debug());
    Runner off({.loop = "virtual", .debug = false});
    CHECK(!off.get_loop().get_debug());
    ::setenv("GYRE_DEBUG", "1", 1);
    Runner from_environment({.loop = "virtual"});
    CHECK(from_environment.get_loop().get_debug());
    Runner against({.loop = "virtual", .debug = false});
    CHECK(!against.get_loop().get_debug());
    ::unsetenv("GYRE_DEBUG");
    Runner plain({.loop = "virtual"});
    CHECK(!plain.get_loop().get_debug());
}

TEST_CASE("run: what is left is cancelled and awaited, its errors are reported (S246)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        Runner runner({.loop = spec});
        Reports reports(runner.get_loop());
        auto failing = []() -> Coro<> {
            std::string end = co_await ending(sleep(1h));
            throw std::runtime_error("in cleanup");
        };
        auto generate = [](Log& to) -> AsyncGenerator<int> {
            struct Leave {
                Log& log;
                explicit Leave(Log& l) : log(l) {}
                Leave(const Leave&) = delete;
                Leave& operator=(const Leave&) = delete;
                ~Leave() { log.push_back("generator"); }
            } leave(to);
            co_yield 1;
            co_yield 2;
        };
        AsyncGenerator<int> left = generate(log);
        auto main = [&]() -> Coro<int> {
            create_task(until_cancelled(log, "task", 2));
            create_task(failing());
            static_cast<void>(co_await left.next());
            co_return 7;
        };
        CHECK(runner.run(main()) == 7);
        CHECK(log.empty());
        runner.close();
        CHECK(joined(log) == "task generator");
        CHECK(joined(reports.messages) == "unhandled exception during run() shutdown");
        CHECK(joined(reports.errors) == "in cleanup");
    });
}

TEST_CASE("run: the exception of main is not affected by the shutdown (S246)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        auto main = [&]() -> Coro<> {
            create_task(until_cancelled(log, "task", 2));
            co_await sleep(0s);
            throw std::runtime_error("main");
        };
        CHECK(thrown_by([&] { run(main(), {.loop = spec}); }) == "main");
        CHECK(joined(log) == "task");
    });
}

TEST_CASE("run: a task that suppresses the last cancel is awaited all the same (S247)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        auto stubborn = [&]() -> Coro<> {
            std::string end = co_await ending(sleep(1h));
            co_await sleep(2ms);
            log.push_back("ended");
        };
        auto main = [&]() -> Coro<> {
            create_task(stubborn());
            co_await sleep(0s);
        };
        run(main(), {.loop = spec});
        CHECK(joined(log) == "ended");
    });
}

TEST_CASE("Ctrl-C cancels the main task; KeyboardInterrupt when that ends so (S248, S249)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        auto main = [&]() -> Coro<> {
            interrupt_after(get_running_loop(), 2);
            co_await until_cancelled(log, "main", 2);
        };
        CHECK(thrown_by([&] { run(main(), {.loop = spec}); }) == "KeyboardInterrupt");
        CHECK(joined(log) == "main");
        CHECK((sigint_action() == SIG_DFL));
    });
}

TEST_CASE("Ctrl-C does not interrupt running code (S248)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        auto main = [&]() -> Coro<> {
            std::raise(SIGINT);
            log.push_back("went on");
            co_await sleep(1h);
        };
        CHECK(thrown_by([&] { run(main(), {.loop = spec}); }) == "KeyboardInterrupt");
        CHECK(joined(log) == "went on");
    });
}

TEST_CASE("Ctrl-C with another cancel outstanding: CancelledError (S249)") {
    on_all_loops([](const std::string& spec) {
        auto main = [&]() -> Coro<> {
            interrupt_after(get_running_loop(), 1);
            AnyTask here = current_task();
            std::string first = co_await ending(sleep(1h));
            here.cancel("own");
            co_await sleep(1h);
        };
        CHECK(thrown_by([&] { run(main(), {.loop = spec}); }) == "CancelledError(own)");
    });
}

TEST_CASE("Ctrl-C swallowed: the value; turned into another error: that one (S250)") {
    on_all_loops([](const std::string& spec) {
        auto swallows = [&]() -> Coro<std::string> {
            interrupt_after(get_running_loop(), 1);
            std::string end = co_await ending(sleep(1h));
            co_return end;
        };
        CHECK(run(swallows(), {.loop = spec}) == "CancelledError");
        auto turns = [&]() -> Coro<> {
            interrupt_after(get_running_loop(), 1);
            std::string end = co_await ending(sleep(1h));
            throw std::runtime_error("turned");
        };
        CHECK(thrown_by([&] { run(turns(), {.loop = spec}); }) == "turned");
    });
}

TEST_CASE("a second Ctrl-C throws at once (S251)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        auto main = [&]() -> Coro<> {
            interrupt_after(get_running_loop(), 1);
            std::string end = co_await ending(sleep(1h));
            log.push_back(end);
            interrupt_after(get_running_loop(), 1);
            end = co_await ending(sleep(1h));
            log.push_back(end);
        };
        CHECK(thrown_by([&] { run(main(), {.loop = spec}); }) == "KeyboardInterrupt");
        // The second entry is of the shutdown, which cancels the main task too.
        CHECK(joined(log) == "CancelledError CancelledError");
        CHECK((sigint_action() == SIG_DFL));
    });
}

TEST_CASE("the user's own SIGINT action is left alone (S252)") {
    on_all_loops([](const std::string& spec) {
        std::signal(SIGINT, nothing);
        bool same = false;
        auto main = [&]() -> Coro<std::string> {
            same = sigint_action() == nothing;
            interrupt_after(get_running_loop(), 1);
            std::string end = co_await ending(sleep(2ms));
            co_return end;
        };
        CHECK(run(main(), {.loop = spec}) == "done");
        CHECK(same);
        CHECK((sigint_action() == nothing));
        std::signal(SIGINT, SIG_DFL);
    });
}

TEST_CASE("Runner: each run catches its own Ctrl-C (S248, S252)") {
    on_all_loops([](const std::string& spec) {
        Runner runner({.loop = spec});
        for (int i = 0; i < 3; ++i) {
            auto main = [&]() -> Coro<> {
                interrupt_after(get_running_loop(), 1);
                co_await sleep(1h);
            };
            CHECK(thrown_by([&] { runner.run(main()); }) == "KeyboardInterrupt");
            CHECK((sigint_action() == SIG_DFL));
        }
        CHECK(runner.run(number(3)) == 3);
    });
}

TEST_CASE("run: an exit error of main, of a task, of a callback leaves it (S47, S48)") {
    on_all_loops([](const std::string& spec) {
        Log log;
        auto exits = []() -> Coro<> {
            co_await sleep(0s);
            throw SystemExit(4);
        };
        CHECK(thrown_by([&] { run(exits(), {.loop = spec}); }) == "SystemExit");
        Task<> task;
        auto child = [&]() -> Coro<> {
            task = create_task(exits());
            co_await until_cancelled(log, "main", 2);
        };
        CHECK(thrown_by([&] { run(child(), {.loop = spec}); }) == "SystemExit");
        CHECK(joined(log) == "main");
        CHECK(outcome(task) == "SystemExit");
        task = {};
        auto callback = [&]() -> Coro<> {
            get_running_loop().call_soon([] { throw KeyboardInterrupt(); });
            co_await sleep(1h);
        };
        CHECK(thrown_by([&] { run(callback(), {.loop = spec}); }) == "KeyboardInterrupt");
    });
}

TEST_CASE("run_until_complete: stopped first; the future stays and may run again (S36, S37)") {
    on_all_loops([](const std::string& spec) {
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Task<int> task = create_task(*loop, later(2ms, 5));
        loop->call_soon([&] { loop->stop(); });
        auto run_it = [&] { return run_until_complete(*loop, Future<int>(task)); };
        CHECK(thrown_by(run_it) == "RuntimeError");
        CHECK(!task.done());
        CHECK(run_it() == 5);
        // No stop of the first run is left behind.
        CHECK(run_until_complete(*loop, later(1ms, 6)) == 6);
        const std::unique_ptr<EventLoop> other = new_event_loop("virtual");
        CHECK(thrown_by([&] { return run_until_complete(*other, Future<int>(task)); }) ==
              "ValueError");
        loop->close();
        CHECK(thrown_by([&] { return run_until_complete(*loop, number(1)); }) == "RuntimeError");
        CHECK(thrown_by([&] { return create_task(*loop, number(1)); }) == "RuntimeError");
    });
}

TEST_CASE("create_task on a closed loop disposes of the coroutine in silence (S44)") {
    std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
    Reports reports(*loop);
    const auto frames = detail::step.live_frames;
    loop->close();
    CHECK(thrown_by([&] { return create_task(*loop, number(1)); }) == "RuntimeError");
    CHECK(detail::step.live_frames == frames);
    CHECK(reports.count() == 0);
}
