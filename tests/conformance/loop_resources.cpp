// What a loop costs: descriptors, processor time, lateness; and what the virtual loop promises.
#include "../process.hpp"
#include "raw_loop.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <thread>

namespace {

std::chrono::nanoseconds processor_time() {
    std::timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The order in which a loop runs callbacks that are ready together, over several iterations.
std::string order_on(std::string_view spec) {
    const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
    std::string order;
    for (char first = 'a'; first <= 'z'; ++first) {
        loop->call_soon([&order, &loop, first] {
            order += first;
            loop->call_soon([&order, first] { order += first; });
        });
    }
    run_one(*loop);
    run_one(*loop);
    CHECK(order.size() == 52);
    return order;
}

}  // namespace

TEST_CASE("a thousand loops made and destroyed leave no descriptor behind") {
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        static_cast<void>(new_event_loop(spec));  // libuv keeps a few for the process
        const auto before = open_descriptors();
        for (int count = 0; count < 1000; ++count) {
            const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            if (count % 3 == 0) {
                loop->call_soon([] {});
                run_one(*loop);
            } else if (count % 3 == 1) {
                loop->close();
            }
        }
        CHECK(open_descriptors() == before);
    }
}

TEST_CASE("a loop in a program that was started without its standard streams") {
    for (const std::string_view spec : real_loops) {
        INFO("loop: ", spec);
        const ::pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
                ::close(stream);
            }
            bool ran = false;
            {
                const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
                loop->call_soon([&ran] { ran = true; });
                run_one(*loop);
            }
            ::_exit(ran ? 0 : 1);
        }
        int status = 0;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
}

TEST_CASE("a loop that waits a second uses less than 10 ms of the processor") {
    for (const std::string_view spec : real_loops) {
        INFO("loop: ", spec);
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        const Sockets sockets;
        loop->add_reader(sockets.near(), [] {});
        loop->call_later(1s, [&] { loop->stop(); });
        const auto start = processor_time();
        loop->run_forever();
        const std::chrono::duration<double, std::milli> used = processor_time() - start;
        MESSAGE(spec, ": ", used.count(), " ms of the processor in 1 s");
        CHECK(used < 10ms);
    }
}

TEST_CASE("a timer is never early, and its lateness is this (S14)") {
    for (const std::string_view spec : real_loops) {
        INFO("loop: ", spec);
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        std::vector<double> late;
        std::function<void()> next = [&] {
            if (late.size() == 100) {
                loop->stop();
                return;
            }
            const auto due = loop->time() + 100us + 19us * late.size();
            loop->call_at(due, [&, due] {
                const auto now = loop->time();
                CHECK(now >= due);
                late.push_back(std::chrono::duration<double, std::micro>(now - due).count());
                next();
            });
        };
        loop->call_soon([&] { next(); });
        loop->run_forever();
        std::sort(late.begin(), late.end());
        MESSAGE(spec, ": late by ", late[50], " us (median), ", late[90], " us (90 %), ",
                late.back(), " us (most)");
        CHECK(late[50] < 50'000);
    }
}

TEST_CASE("the virtual loop names the tasks of a deadlock") {
    const auto body = []() -> Coro<> {
        const Future<> never = create_future<>();
        const auto wait_for_it = [](Future<> future) -> Coro<> { co_await future; };
        Task<> one = create_task(wait_for_it(never), TaskOptions{"the-waiter", nullptr, false});
        co_await one;
    };
    std::string text;
    try {
        run(body(), {.loop = "virtual"});
    } catch (const DeadlockError& error) {
        text = error.what();
    }
    CHECK(text.find("deadlock") != std::string::npos);
    CHECK(text.find("the-waiter") != std::string::npos);
}

TEST_CASE("the virtual loop with nothing at all to do is a deadlock, not a hang") {
    for (const std::string_view spec : {"virtual", "virtual:1"}) {
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        CHECK(thrown_by([&] { loop->run_forever(); }) == "DeadlockError");
        CHECK_FALSE(loop->is_running());
        bool called = false;  // and it can be run again
        loop->call_later(1h, [&] {
            called = true;
            loop->stop();
        });
        loop->run_forever();
        CHECK(called);
    }
}

TEST_CASE("the virtual loop waits for descriptors, signals and announced posts of other threads") {
    on_each({"virtual"}, [](EventLoop& loop) {
        const Sockets sockets;
        loop.add_reader(sockets.near(), [&] {
            loop.remove_reader(sockets.near());
            loop.stop();
        });
        std::thread sender([&] { sockets.send(); });
        loop.run_forever();
        sender.join();
        loop.expect_post();
        std::thread poster([&] {
            loop.call_soon_threadsafe([&] {
                loop.forget_post();
                loop.stop();
            });
        });
        loop.run_forever();
        poster.join();
    });
}

TEST_CASE("virtual:SEED gives its own order, the same each time") {
    const std::string plain = order_on("virtual");
    const std::string seven = order_on("virtual:7");
    CHECK(order_on("virtual:7") == seven);
    CHECK(order_on("virtual:8") != seven);
    CHECK(seven != plain);
    CHECK(plain.substr(0, 26) == "abcdefghijklmnopqrstuvwxyz");
    CHECK(plain.substr(26) == plain.substr(0, 26));
    // Each iteration is shuffled within itself.
    std::string first = seven.substr(0, 26);
    std::sort(first.begin(), first.end());
    CHECK(first == plain.substr(0, 26));
    CHECK(seven.substr(26) != seven.substr(0, 26));
}
