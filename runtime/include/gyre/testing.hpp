// GYRE_TEST_CASE: a doctest case whose body is a coroutine, on every loop.
//
// Include it where doctest is to be had; gyre itself does not need it.
#pragma once

#include <doctest/doctest.h>
#include <gyre/gyre.hpp>

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

/// The loops that a case runs on: define it before the include to have others. The environment
/// variable of the same name, a list with commas, goes before it; in it "virtual:1-200" stands for
/// so many orders of the callbacks.
#ifndef GYRE_TEST_LOOPS
#define GYRE_TEST_LOOPS "virtual", "selector", "uv"
#endif

namespace gyre {

/// In a case: `if (loop == "virtual") …`.
inline bool operator==(const EventLoop& loop, std::string_view name) {
    return loop.name() == name || std::string(loop.name()).starts_with(std::string(name) + ":");
}
inline std::ostream& operator<<(std::ostream& out, const EventLoop& loop) {
    return out << loop.name();
}

namespace testing {

/// Everything that a run left behind, a line each; empty if nothing.
[[nodiscard]] inline std::string left_on(EventLoop& loop) {
    std::string text;
    for (const AnyTask& task : all_tasks(loop)) {
        text += "task " + task.get_name() + " at " + task.get_coro() + "\n";
    }
    const EventLoop::Statistics left = loop.statistics();
    const auto line = [&text](std::size_t count, const char* what) {
        if (count != 0) {
            text += std::to_string(count) + " " + what + "\n";
        }
    };
    line(left.ready, "queued callback(s)");
    line(left.timers, "timer(s)");
    line(left.descriptors, "watched descriptor(s)");
    line(left.signals, "signal handler(s)");
    line(left.posts, "job(s) in other threads");
    return text;
}

/// A loop's spec, or "virtual:1-200" for that many seeds.
inline void add_loops(std::vector<std::string>& loops, const std::string& spec) {
    int first = 0;
    int last = 0;
    if (std::sscanf(spec.c_str(), "virtual:%d-%d", &first, &last) != 2) {
        loops.push_back(spec);
        return;
    }
    if (first > last) {
        throw ValueError("GYRE_TEST_LOOPS: a range of seeds is expected, not " + spec);
    }
    for (int seed = first; seed <= last; ++seed) {
        loops.push_back("virtual:" + std::to_string(seed));
    }
}

[[nodiscard]] inline std::vector<std::string> test_loops() {
    std::vector<std::string> loops;
    if (const char* wanted = std::getenv("GYRE_TEST_LOOPS"); wanted != nullptr && *wanted != '\0') {
        std::string_view rest = wanted;
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            add_loops(loops, std::string(rest.substr(0, comma)));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
        return loops;
    }
    return {GYRE_TEST_LOOPS};
}

/// Runs the case on one loop; what it leaves, and what reaches the exception handler, is a failure.
inline void run_case(const std::string& spec, Coro<> (*body)(EventLoop& loop)) {
    INFO("loop: ", spec);
    const auto frames_before = detail::step.live_frames;
    std::string reports;
    std::string left;
    {
        Runner runner(RunOptions{spec, {}});
        EventLoop& loop = runner.get_loop();
        loop.set_exception_handler([&reports](EventLoop&, const ExceptionContext& context) {
            reports += context.message + "\n";
            if (context.exception != nullptr) {
                reports += "  " + describe(context.exception) + "\n";
            }
        });
        runner.run(body(loop));
        left = left_on(loop);
        runner.close();
    }
    const auto frames_left = detail::step.live_frames - frames_before;
    CHECK_MESSAGE(left.empty(), "left on the loop:\n", left);
    CHECK_MESSAGE(reports.empty(), "reached the exception handler:\n", reports);
    // A coroutine that another thread made counts there, and is freed here.
    CHECK_MESSAGE(frames_left <= 0, frames_left, " coroutine frame(s) left");
}

inline void run_on_all(Coro<> (*body)(EventLoop& loop)) {
    for (const std::string& spec : test_loops()) {
        run_case(spec, body);
    }
}

}  // namespace testing
}  // namespace gyre

#define GYRE_TEST_NAME_(prefix, line) prefix##line
#define GYRE_TEST_NAME(prefix, line) GYRE_TEST_NAME_(prefix, line)

/// A case: its body is a coroutine, run in a task of a fresh loop, once for each of
/// GYRE_TEST_LOOPS; `loop` is the running EventLoop.
///
/// ```
/// GYRE_TEST_CASE("a queue gives items in order") {
///     Queue<int> queue;
///     co_await queue.put(1);
///     int item = co_await queue.get();
///     CHECK(item == 1);
/// }
/// ```
///
/// It fails if a task, callback, timer, descriptor, signal handler or coroutine frame is left, or
/// if something reached the exception handler. pytest-asyncio: @pytest.mark.asyncio.
#define GYRE_TEST_CASE(name)                                                                   \
    static gyre::Coro<> GYRE_TEST_NAME(gyre_test_body_, __LINE__)(gyre::EventLoop & loop);     \
    TEST_CASE(name) { gyre::testing::run_on_all(&GYRE_TEST_NAME(gyre_test_body_, __LINE__)); } \
    static gyre::Coro<> GYRE_TEST_NAME(gyre_test_body_,                                        \
                                       __LINE__)([[maybe_unused]] gyre::EventLoop & loop)
