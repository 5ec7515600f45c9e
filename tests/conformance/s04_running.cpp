// Section 4: running, stopping, closing.
#include "raw_loop.hpp"

#include <sys/wait.h>
#include <memory>
#include <optional>
#include <thread>

TEST_CASE("run_forever ends after the iteration in which stop() was called (S30, S31)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        loop.call_soon([&] {
            order += "A";
            loop.stop();
            loop.call_soon([&] { order += "a"; });
        });
        loop.call_soon([&] { order += "B"; });
        loop.run_forever();
        CHECK(order == "AB");
        loop.call_soon([&] { loop.stop(); });  // the flag was cleared: this run needs its own stop
        loop.run_forever();
        CHECK(order == "ABa");
    });
}

TEST_CASE("stop() before run_forever(): one iteration that does not wait (S32)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        loop.call_soon([&] {
            order += "A";
            loop.call_soon([&] { order += "a"; });
        });
        loop.stop();
        loop.call_soon([&] { order += "B"; });
        loop.run_forever();
        CHECK(order == "AB");
        loop.stop();
        loop.run_forever();
        CHECK(order == "ABa");
        loop.stop();
        loop.run_forever();  // with nothing at all to do
    });
}

TEST_CASE("what is queued just before stop() in the same iteration waits for the next run (S33)") {
    on_each(all_loops, [](EventLoop& loop) {
        bool called = false;
        loop.call_soon([&] {
            loop.call_soon([&] { called = true; });
            loop.stop();
        });
        loop.run_forever();
        CHECK_FALSE(called);
        run_one(loop);
        CHECK(called);
    });
}

TEST_CASE("run_until_complete takes a coroutine, or a future of this loop only (S34, S35)") {
    on_each(all_loops, [](EventLoop& loop) {
        CHECK(run_until_complete(loop, number(7)) == 7);
        CHECK(thrown_by([&] { run_until_complete(loop, fails("it")); }) == "it");
        Future<int> future = create_future<int>(loop);
        loop.call_soon([&] { future.set_result(8); });
        CHECK(run_until_complete(loop, future) == 8);
        const std::unique_ptr<EventLoop> other = new_event_loop("virtual");
        const Future<int> foreign = create_future<int>(*other);
        CHECK(thrown_by([&] { run_until_complete(loop, foreign); }) == "ValueError");
    });
}

TEST_CASE("run_until_complete leaves what is queued in its last iteration (S35)") {
    on_each(all_loops, [](EventLoop& loop) {
        Future<> future = create_future<>(loop);
        bool called = false;
        future.add_done_callback([&] { loop.call_soon([&] { called = true; }); });
        loop.call_soon([&] { future.set_result(); });
        run_until_complete(loop, future);
        CHECK_FALSE(called);
        run_one(loop);
        CHECK(called);
    });
}

TEST_CASE("stopped before the future is done: RuntimeError, and it may be run again (S36)") {
    on_each(all_loops, [](EventLoop& loop) {
        Future<int> future = create_future<int>(loop);
        loop.call_soon([&] { loop.stop(); });
        CHECK(thrown_by([&] { run_until_complete(loop, future); }) == "RuntimeError");
        CHECK_FALSE(future.done());
        loop.call_soon([&] { future.set_result(3); });
        CHECK(run_until_complete(loop, future) == 3);
    });
}

TEST_CASE("a future of an earlier run_until_complete does not stop a later run (S37)") {
    on_each(all_loops, [](EventLoop& loop) {
        Future<> stale = create_future<>(loop);
        loop.call_soon([&] { loop.stop(); });
        CHECK(thrown_by([&] { run_until_complete(loop, stale); }) == "RuntimeError");
        Future<int> future = create_future<int>(loop);
        loop.call_soon([&] { stale.set_result(); });
        loop.call_later(1ms, [&] { future.set_result(1); });
        CHECK(run_until_complete(loop, future) == 1);
    });
}

TEST_CASE("an exit error out of run_until_complete leaves no stop behind (S38, S39)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto exits = []() -> Coro<> {
            co_await sleep(0s);
            throw SystemExit(3);
        };
        CHECK(thrown_by([&] { run_until_complete(loop, exits()); }) == "SystemExit");
        int iterations = 0;
        loop.call_soon([&] {
            ++iterations;
            loop.call_soon([&] {
                ++iterations;
                loop.stop();
            });
        });
        loop.run_forever();
        CHECK(iterations == 2);
    });
}

TEST_CASE("a loop does not run within a run, and the coroutine is left unstarted (S40)") {
    on_each(all_loops, [](EventLoop& loop) {
        const std::unique_ptr<EventLoop> other = new_event_loop("virtual");
        bool started = false;
        const auto start = [&]() -> Coro<> {
            started = true;
            co_return;
        };
        loop.call_soon([&] {
            CHECK(thrown_by([&] { loop.run_forever(); }) == "RuntimeError");
            CHECK(thrown_by([&] { other->run_forever(); }) == "RuntimeError");
            CHECK(thrown_by([&] { run_until_complete(loop, start()); }) == "RuntimeError");
            CHECK(thrown_by([&] { run_until_complete(*other, start()); }) == "RuntimeError");
            CHECK(thrown_by([&] { run(start()); }) == "RuntimeError");
            CHECK(&get_running_loop() == &loop);
            CHECK(loop.is_running());
            CHECK_FALSE(other->is_running());
        });
        run_one(loop);
        CHECK_FALSE(started);
    });
}

TEST_CASE("the running loop is the thread's, until the run ends in any way (S41)") {
    on_each(all_loops, [](EventLoop& loop) {
        CHECK(thrown_by([] { return &get_running_loop(); }) == "RuntimeError");
        CHECK_FALSE(loop.is_running());
        loop.call_soon([&] {
            CHECK(&get_running_loop() == &loop);
            CHECK(loop.is_running());
            std::string elsewhere;
            std::thread([&] { elsewhere = thrown_by([] { return &get_running_loop(); }); }).join();
            CHECK(elsewhere == "RuntimeError");
            throw KeyboardInterrupt();
        });
        CHECK(thrown_by([&] { loop.run_forever(); }) == "KeyboardInterrupt");
        CHECK(thrown_by([] { return &get_running_loop(); }) == "RuntimeError");
        CHECK_FALSE(loop.is_running());
    });
}

TEST_CASE("a forked child has no running loop, and may run one of its own (S41)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.call_soon([&] {
            const std::string spec(loop.name());
            const ::pid_t child = ::fork();
            if (child == 0) {
                bool right = false;
                try {
                    right = thrown_by([] { return &get_running_loop(); }) == "RuntimeError" &&
                            run(later(1ms, 5), {.loop = spec}) == 5;
                } catch (...) {
                }
                ::_exit(right ? 0 : 1);
            }
            REQUIRE(child > 0);
            int status = -1;
            CHECK(::waitpid(child, &status, 0) == child);
            CHECK(status == 0);
            CHECK(&get_running_loop() == &loop);
        });
        run_one(loop);
    });
}

TEST_CASE(
    "close() drops callbacks, timers, readers and signal handlers without running them (S42)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto resource = std::make_shared<int>(0);
        const auto hold = [resource] { FAIL("ran"); };
        const Sockets sockets;
        Handle soon = loop.call_soon(hold);
        TimerHandle timer = loop.call_later(1h, hold);
        loop.call_soon_threadsafe(hold);
        std::thread([&] { loop.call_soon_threadsafe(hold); }).join();
        loop.add_reader(sockets.near(), hold);
        loop.add_writer(sockets.near(), hold);
        loop.add_signal_handler(SIGUSR2, hold);
        CHECK(resource.use_count() == 9);
        soon = Handle();
        loop.close();
        CHECK(loop.is_closed());
        timer = TimerHandle();
        CHECK(resource.use_count() == 2);
        loop.close();
        CHECK(loop.is_closed());
        CHECK(testing::left_on(loop).empty());
    });
}

TEST_CASE("handles may outlive their loop, and be cancelled then (S42)") {
    for (const std::string_view spec : all_loops) {
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        const auto resource = std::make_shared<int>(0);
        Handle soon = loop->call_soon([resource] {});
        TimerHandle timer = loop->call_later(1h, [resource] {});
        loop.reset();
        soon.cancel();
        timer.cancel();
        CHECK(resource.use_count() == 1);
    }
}

TEST_CASE("close() while the loop runs is refused (S42)") {
    on_each(all_loops, [](EventLoop& loop) {
        bool called = false;
        loop.call_soon([&] { CHECK(thrown_by([&] { loop.close(); }) == "RuntimeError"); });
        loop.call_soon([&] { called = true; });
        run_one(loop);
        CHECK_FALSE(loop.is_closed());
        CHECK(called);
    });
}

TEST_CASE("after close() whatever would schedule throws, the rest still works (S43, S44)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        const auto before = loop.time();
        loop.close();
        const auto nothing = [] {};
        const auto refused = [](auto call) { return thrown_by(call) == "RuntimeError"; };
        CHECK(refused([&] { loop.call_soon(nothing); }));
        CHECK(refused([&] { loop.call_later(1s, nothing); }));
        CHECK(refused([&] { loop.call_at(1s, nothing); }));
        CHECK(refused([&] { loop.call_soon_threadsafe(nothing); }));
        CHECK(refused([&] { loop.run_forever(); }));
        CHECK(refused([&] { run_until_complete(loop, number(1)); }));
        CHECK(refused([&] { create_task(loop, number(1)); }));
        CHECK(refused([&] { loop.add_reader(sockets.near(), nothing); }));
        CHECK(refused([&] { loop.add_writer(sockets.near(), nothing); }));
        CHECK(refused([&] { loop.add_signal_handler(SIGUSR2, nothing); }));
        CHECK_FALSE(loop.remove_reader(sockets.near()));
        CHECK_FALSE(loop.remove_writer(sockets.near()));
        CHECK_FALSE(loop.remove_signal_handler(SIGUSR2));
        const Future<int> future = create_future<int>(loop);
        CHECK_FALSE(future.done());
        CHECK(loop.time() >= before);
        loop.stop();
        CHECK(loop.is_closed());
        CHECK_FALSE(loop.is_running());
    });
}
