// Section 21: asynchronous generators.
#include "generators.hpp"

#include <memory>
#include <optional>

namespace {

Coro<std::string> rest_of(AsyncGenerator<int>& generator) {
    std::string text;
    while (true) {
        std::optional<int> value = co_await generator.next();
        if (!value) {
            break;
        }
        text += std::to_string(*value);
    }
    co_return text;
}

}  // namespace

GYRE_TEST_CASE("generator: its values in order, then nothing, ever after (S261)") {
    AsyncGenerator<int> generator = count(4);
    std::string all = co_await rest_of(generator);
    CHECK(all == "0123");
    std::optional<int> after = co_await generator.next();
    CHECK(!after);
    AsyncGenerator<int> none = count(0);
    std::string nothing = co_await rest_of(none);
    CHECK(nothing.empty());
}

GYRE_TEST_CASE("generator: the body runs in the calling task and its context (S261)") {
    static ContextVar<int> variable("variable", 0);
    const AnyTask outer = current_task();
    bool same = false;
    auto make = [&]() -> AsyncGenerator<int> {
        same = current_task() == outer;
        variable.set(7);
        co_yield variable.get();
    };
    AsyncGenerator<int> generator = make();
    CHECK(!same);
    std::optional<int> value = co_await generator.next();
    CHECK(value == 7);
    CHECK(same);
    CHECK(variable.get() == 7);
    // Another task may take the next step.
    Task<std::string> other = create_task(rest_of(generator));
    std::string rest = co_await other;
    CHECK(rest.empty());
}

GYRE_TEST_CASE("generator: what need not wait takes no iteration (S229)") {
    auto quick = []() -> AsyncGenerator<std::string> {
        co_yield "one";
        co_yield std::string("two");
    };
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    AsyncGenerator<std::string> generator = quick();
    std::optional<std::string> one = co_await generator.next();
    std::optional<std::string> two = co_await generator.next();
    std::optional<std::string> end = co_await generator.next();
    CHECK(one == "one");
    CHECK(two == "two");
    CHECK(!end);
    CHECK(passed.count() == start);
}

GYRE_TEST_CASE("generator: move-only values (S419)") {
    auto make = []() -> AsyncGenerator<std::unique_ptr<int>> {
        for (int i = 0; i < 3; ++i) {
            auto value = std::make_unique<int>(i);
            co_yield std::move(value);
        }
    };
    std::vector<std::unique_ptr<int>> all = co_await collect(make());
    REQUIRE(all.size() == 3);
    CHECK(*all[2] == 2);
}

GYRE_TEST_CASE("generator: an exception of the body reaches next() once (S261)") {
    Log log;
    auto make = [&]() -> AsyncGenerator<int> {
        Leaving leaving(log, "left");
        co_yield 1;
        co_await sleep(0s);
        throw std::runtime_error("boom");
    };
    AsyncGenerator<int> generator = make();
    static_cast<void>(co_await generator.next());
    std::string end = co_await ending(generator.next());
    CHECK(end == "boom");
    CHECK(joined(log) == "left");
    std::optional<int> after = co_await generator.next();
    CHECK(!after);
}

GYRE_TEST_CASE("generator: a cancel is thrown where the body waits, and ends it (S262)" *
               in_order) {
    Log log;
    auto make = [&]() -> AsyncGenerator<int> {
        Leaving leaving(log, "left");
        co_yield 1;
        co_await sleep(1h);
        co_yield 2;
    };
    AsyncGenerator<int> generator = make();
    Task<std::string> task = create_task(rest_of(generator));
    co_await sleep(0s);
    CHECK(log.empty());
    task.cancel("stop");
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError(stop)");
    CHECK(joined(log) == "left");
    std::optional<int> after = co_await generator.next();
    CHECK(!after);
}

GYRE_TEST_CASE("generator: one operation at a time (S263)" * in_order) {
    AsyncGenerator<int> generator = []() -> AsyncGenerator<int> {
        co_await sleep(1ms);
        co_yield 1;
    }();
    Task<std::string> task = create_task(rest_of(generator));
    co_await sleep(0s);
    std::string end = co_await ending(generator.next());
    CHECK(end == "RuntimeError");
    end = co_await ending(generator.aclose());
    CHECK(end == "RuntimeError");
    end = co_await ending(generator.athrow(std::make_exception_ptr(std::runtime_error("x"))));
    CHECK(end == "RuntimeError");
    std::string all = co_await task;
    CHECK(all == "1");
}

GYRE_TEST_CASE("aclose: a fresh generator is not entered, an ended one not touched (S264)") {
    bool entered = false;
    auto make = [&]() -> AsyncGenerator<int> {
        entered = true;
        co_yield 1;
    };
    AsyncGenerator<int> fresh = make();
    co_await fresh.aclose();
    std::optional<int> value = co_await fresh.next();
    CHECK(!value);
    CHECK(!entered);
    AsyncGenerator<int> ended = count(0);
    std::string all = co_await rest_of(ended);
    co_await ended.aclose();
    co_await ended.aclose();
}

GYRE_TEST_CASE("aclose: the body is left at its yield; cleanup may await (S264)") {
    Log log;
    AsyncGenerator<int> generator = logged(log, "left");
    static_cast<void>(co_await generator.next());
    co_await generator.aclose();
    CHECK(joined(log) == "left");
    std::optional<int> after = co_await generator.next();
    CHECK(!after);

    AsyncGenerator<int> slow = awaits_at_end(log, 3);
    static_cast<void>(co_await slow.next());
    co_await slow.aclose();
    CHECK(joined(log) == "left cleaned");
}

GYRE_TEST_CASE("aclose: a body that yields again: RuntimeError; that throws: its error (S264)") {
    auto stubborn = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (...) {
        }
        co_yield 2;
    };
    AsyncGenerator<int> generator = stubborn();
    static_cast<void>(co_await generator.next());
    std::string end = co_await ending(generator.aclose());
    CHECK(end == "RuntimeError");
    co_await generator.aclose();  // from its second yield it lets itself be closed

    auto failing = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (...) {
            throw std::runtime_error("in cleanup");
        }
    };
    AsyncGenerator<int> other = failing();
    static_cast<void>(co_await other.next());
    end = co_await ending(other.aclose());
    CHECK(end == "in cleanup");
}

GYRE_TEST_CASE("athrow: at the yield; gives the next value or the exception (S265)") {
    auto make = []() -> AsyncGenerator<int> {
        for (int i = 0;; ++i) {
            bool caught = false;
            try {
                co_yield i;
            } catch (const std::runtime_error&) {
                caught = true;
            }
            if (caught) {
                co_await sleep(0s);
                co_yield 100;
            }
        }
    };
    AsyncGenerator<int> generator = make();
    static_cast<void>(co_await generator.next());
    std::optional<int> given =
        co_await generator.athrow(std::make_exception_ptr(std::runtime_error("caught")));
    CHECK(given == 100);
    given = co_await generator.next();
    CHECK(given == 1);
    std::string end = co_await ending(generator.athrow(std::make_exception_ptr(ValueError("no"))));
    CHECK(end == "ValueError");
    given = co_await generator.next();
    CHECK(!given);

    AsyncGenerator<int> fresh = make();
    end = co_await ending(fresh.athrow(std::make_exception_ptr(ValueError("no"))));
    CHECK(end == "ValueError");
    given = co_await fresh.next();
    CHECK(!given);
}

GYRE_TEST_CASE("generator let go: not closed at the break but by a task of its own (S266)") {
    Log log;
    {
        AsyncGenerator<int> generator = awaits_at_end(log, 1);
        static_cast<void>(co_await generator.next());
    }
    CHECK(log.empty());
    CHECK(all_tasks().size() == 1);
    co_await ticks(5);
    CHECK(joined(log) == "cleaned");
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("generator let go before its first step: gone at once, without a report (S266)") {
    const auto frames = detail::step.live_frames;
    {
        AsyncGenerator<int> generator = count(3);
        static_cast<void>(generator);
    }
    CHECK(detail::step.live_frames == frames);
    co_return;
}

GYRE_TEST_CASE("generator let go: an error of its end is reported (S266)") {
    Reports reports(loop);
    auto make = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (...) {
            throw std::runtime_error("in cleanup");
        }
    };
    {
        AsyncGenerator<int> generator = make();
        static_cast<void>(co_await generator.next());
    }
    co_await ticks(5);
    CHECK(joined(reports.errors) == "in cleanup");
}

TEST_CASE("generators left are closed together when the run ends; errors are reported (S267)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        {
            Log log;
            Runner runner({.loop = spec});
            Reports reports(runner.get_loop());
            auto failing = []() -> AsyncGenerator<int> {
                try {
                    co_yield 1;
                } catch (...) {
                    throw std::runtime_error("in cleanup");
                }
            };
            AsyncGenerator<int> first = awaits_at_end(log, 2);
            AsyncGenerator<int> second = logged(log, "left");
            AsyncGenerator<int> third = failing();
            AsyncGenerator<int> untouched = logged(log, "never");
            auto main = [&]() -> Coro<> {
                static_cast<void>(co_await first.next());
                static_cast<void>(co_await second.next());
                static_cast<void>(co_await third.next());
            };
            runner.run(main());
            CHECK(log.empty());
            runner.close();
            CHECK(joined(log) == "left cleaned");
            CHECK(joined(reports.messages) ==
                  "an error occurred during closing of asynchronous generator");
            CHECK(joined(reports.errors) == "in cleanup");
        }
        CHECK(detail::step.live_frames == frames);
    }
}

TEST_CASE("a generator let go after its loop: its destructors run, no more (S268)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        Log log;
        std::optional<AsyncGenerator<int>> generator = logged(log, "left");
        {
            const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            auto main = [&]() -> Coro<> { static_cast<void>(co_await generator->next()); };
            run_until_complete(*loop, main());
        }
        CHECK(log.empty());
        generator.reset();
        CHECK(joined(log) == "left");
        CHECK(detail::step.live_frames == frames);
    }
}

GYRE_TEST_CASE("generator: one with a name is used up by who goes through it (S261)") {
    AsyncGenerator<int> generator = count(5);
    std::vector<int> first = co_await collect(generator | take(0));
    CHECK(first.empty());
    std::vector<int> closed = co_await collect(generator);
    CHECK(closed.empty());  // by take(), at its end
    AsyncGenerator<int> other = count(5);
    std::optional<int> begun = co_await other.next();
    CHECK(begun == 0);
    std::vector<int> rest = co_await collect(other);
    CHECK(rest == std::vector<int>{1, 2, 3, 4});
    std::optional<int> after = co_await other.next();
    CHECK(!after);
    AsyncGenerator<int> filtered = count(5);
    std::vector<int> even = co_await collect(filtered | filter([](int n) { return n % 2 == 0; }));
    CHECK(even == std::vector<int>{0, 2, 4});
}

GYRE_TEST_CASE("generator: one that was moved away is a RuntimeError") {
    AsyncGenerator<int> generator = count(1);
    std::vector<int> all = co_await collect(std::move(generator));
    CHECK(all == std::vector<int>{0});
    CHECK(thrown_by([&] { return generator.next(); }) == "RuntimeError");
    CHECK(thrown_by([&] { return generator.aclose(); }) == "RuntimeError");
    CHECK(thrown_by([&] { return generator.athrow(nullptr); }) == "RuntimeError");
    CHECK(thrown_by([&] { return generator | take(1); }) == "RuntimeError");
    CHECK(thrown_by([&] { return collect(generator); }) == "RuntimeError");
}
