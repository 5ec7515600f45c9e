// Section 32: Ctrl-C in run() (S248 to S252).
#include "interrupts.hpp"

#include "raw_loop.hpp"

#include <csignal>
#include <thread>

TEST_CASE(
    "the first Ctrl-C cancels the main task, which then raises KeyboardInterrupt (S248, S249, "
    "S252)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        std::string order;
        const auto body = [&]() -> Coro<> {
            ::raise(SIGINT);
            order += "unhurt ";
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                order += "cancelled ";
                throw;
            }
        };
        CHECK(thrown_by([&] { run(body(), {.loop = spec}); }) == "KeyboardInterrupt");
        CHECK(order == "unhurt cancelled ");
        CHECK(has_default_action(SIGINT));
    }
}

TEST_CASE("Ctrl-C wakes a loop that waits (S248)") {
    for (const std::string_view spec : real_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        std::thread elsewhere;
        const auto body = [&]() -> Coro<> {
            elsewhere = std::thread([] { ::kill(::getpid(), SIGINT); });
            co_await sleep(1h);
        };
        CHECK(thrown_by([&] { run(body(), {.loop = spec}); }) == "KeyboardInterrupt");
        elsewhere.join();
        CHECK(has_default_action(SIGINT));
    }
}

TEST_CASE("with another cancel outstanding it is CancelledError (S249)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        const auto body = []() -> Coro<> {
            ::raise(SIGINT);
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                current_task().cancel();
                throw;
            }
        };
        CHECK(thrown_by([&] { run(body(), {.loop = spec}); }) == "CancelledError");
        CHECK(has_default_action(SIGINT));
    }
}

TEST_CASE("a main task that swallows Ctrl-C gives its value, or its other exception (S250)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        const auto body = [](bool fail) -> Coro<int> {
            ::raise(SIGINT);
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
            }
            if (fail) {
                throw std::runtime_error("other");
            }
            co_return 5;
        };
        CHECK(run(body(false), {.loop = spec}) == 5);
        CHECK(thrown_by([&] { run(body(true), {.loop = spec}); }) == "other");
        CHECK(has_default_action(SIGINT));
    }
}

TEST_CASE("the second Ctrl-C raises KeyboardInterrupt from wherever the loop is (S251)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        int caught = 0;
        const auto body = [&]() -> Coro<> {
            ::raise(SIGINT);
            for (;;) {
                try {
                    co_await sleep(1h);
                } catch (const CancelledError&) {
                    if (++caught == 2) {
                        throw;  // run() ends its tasks
                    }
                    ::raise(SIGINT);
                }
            }
        };
        CHECK(thrown_by([&] { run(body(), {.loop = spec}); }) == "KeyboardInterrupt");
        CHECK(caught == 2);
        CHECK(has_default_action(SIGINT));
    }
}

TEST_CASE("a handler of the program's own is left alone (S252)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const OwnHandler own;
        own_calls = 0;
        const auto body = []() -> Coro<int> {
            ::raise(SIGINT);
            co_await sleep(1ms);
            co_return 6;
        };
        CHECK(run(body(), {.loop = spec}) == 6);
        CHECK(own_calls == 1);
        CHECK(OwnHandler::installed());
    }
}

TEST_CASE("a handler that the program installs during the run stays (S252)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        std::signal(SIGINT, SIG_DFL);
        own_calls = 0;
        const auto body = []() -> Coro<> {
            std::signal(SIGINT, own_handler);
            ::raise(SIGINT);
            co_await sleep(1ms);
        };
        CHECK(thrown_by([&] { run(body(), {.loop = spec}); }) == "nothing");
        CHECK(own_calls == 1);
        CHECK(OwnHandler::installed());
        std::signal(SIGINT, SIG_DFL);
    }
}

TEST_CASE("a handler that main adds to the loop for Ctrl-C outlives the run (S252)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        int calls = 0;
        const auto body = [&](bool first) -> Coro<int> {
            if (first) {
                get_running_loop().add_signal_handler(SIGINT, [&] { ++calls; });
            }
            ::raise(SIGINT);
            co_await sleep(1ms);
            co_return calls;
        };
        Runner runner({.loop = spec});
        CHECK(runner.run(body(true)) == 1);
        CHECK(runner.run(body(false)) == 2);
        CHECK(runner.get_loop().statistics().signals == 1);
        CHECK(runner.get_loop().remove_signal_handler(SIGINT));
        CHECK(has_default_action(SIGINT));
    }
}

TEST_CASE("remove_signal_handler does not take Ctrl-C from the run (S252, S389)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        bool removed = true;
        const auto body = [&]() -> Coro<> {
            removed = get_running_loop().remove_signal_handler(SIGINT);
            ::raise(SIGINT);
            co_await sleep(1h);
        };
        CHECK(thrown_by([&] { run(body(), {.loop = spec}); }) == "KeyboardInterrupt");
        CHECK(!removed);
    }
}

TEST_CASE("in another thread run() does not touch SIGINT (S248)") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const DefaultInterrupt at_first;
        bool untouched = false;
        const auto body = [&]() -> Coro<> {
            untouched = has_default_action(SIGINT);
            co_return;
        };
        std::thread([&] { run(body(), {.loop = spec}); }).join();
        CHECK(untouched);
        CHECK(has_default_action(SIGINT));
    }
}
