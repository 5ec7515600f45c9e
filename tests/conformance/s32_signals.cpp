// Section 32: signals.
#include "interrupts.hpp"
#include "raw_loop.hpp"

#include <sys/wait.h>
#include <csignal>
#include <memory>
#include <thread>

TEST_CASE("a signal's callback is queued like any other, never run by the handler (S388)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        loop.add_signal_handler(SIGUSR1, [&] {
            order += "signal ";
            CHECK(&get_running_loop() == &loop);
        });
        loop.call_soon([&] {
            order += "before ";
            ::raise(SIGUSR1);
            order += "after ";
            loop.call_soon([&] { order += "queued "; });
        });
        run_one(loop);
        CHECK(order == "before after ");
        run_one(loop);
        CHECK(order == "before after queued signal ");
        CHECK(loop.remove_signal_handler(SIGUSR1));
    });
}

TEST_CASE("a signal wakes a loop that waits, whichever thread takes it (S388)") {
    on_each(all_loops, [](EventLoop& loop) {
        int calls = 0;
        loop.add_signal_handler(SIGUSR1, [&] {
            ++calls;
            loop.stop();
        });
        std::thread([] { ::raise(SIGUSR1); }).join();
        loop.run_forever();
        CHECK(calls == 1);
        std::thread elsewhere([] { ::kill(::getpid(), SIGUSR1); });
        loop.run_forever();
        elsewhere.join();
        CHECK(calls == 2);
        CHECK(loop.remove_signal_handler(SIGUSR1));
    });
}

TEST_CASE("a second handler of a signal replaces the first and frees it (S388)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto resource = std::make_shared<int>(0);
        std::string order;
        loop.add_signal_handler(SIGUSR1, [&, resource] { order += "first "; });
        loop.add_signal_handler(SIGUSR1, [&] { order += "second "; });
        CHECK(resource.use_count() == 1);
        CHECK(loop.statistics().signals == 1);
        ::raise(SIGUSR1);
        run_one(loop);
        CHECK(order == "second ");
        CHECK(loop.remove_signal_handler(SIGUSR1));
    });
}

TEST_CASE(
    "a signal that came before the second handler replaced the first runs the second (S388)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        loop.add_signal_handler(SIGUSR1, [&] { order += "first "; });
        ::raise(SIGUSR1);
        loop.add_signal_handler(SIGUSR1, [&] { order += "second "; });
        run_one(loop);
        CHECK(order == "second ");
        CHECK(loop.remove_signal_handler(SIGUSR1));
    });
}

TEST_CASE("a bad number is a ValueError, SIGKILL and SIGSTOP a RuntimeError (S388)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto resource = std::make_shared<int>(0);
        const auto hold = [resource] {};
        for (const int signal : {-1, 0, 32, 33, 65, 1000}) {
            CHECK(thrown_by([&] { loop.add_signal_handler(signal, hold); }) == "ValueError");
            CHECK_FALSE(loop.remove_signal_handler(signal));
        }
        for (const int signal : {SIGKILL, SIGSTOP}) {
            CHECK(thrown_by([&] { loop.add_signal_handler(signal, hold); }) == "RuntimeError");
            CHECK_FALSE(loop.remove_signal_handler(signal));
        }
        CHECK(resource.use_count() == 2);
        CHECK(loop.statistics().signals == 0);
    });
}

TEST_CASE("signal handlers are for the main thread (S388)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string thrown;
        std::thread([&] {
            thrown = thrown_by([&] { loop.add_signal_handler(SIGUSR1, [] {}); });
        }).join();
        CHECK(thrown == "RuntimeError");
        CHECK(has_default_action(SIGUSR1));
    });
}

TEST_CASE("remove_signal_handler says whether there was one and restores the default (S389)") {
    on_each(all_loops, [](EventLoop& loop) {
        CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
        bool called = false;
        loop.add_signal_handler(SIGUSR1, [&] { called = true; });
        CHECK_FALSE(has_default_action(SIGUSR1));
        ::raise(SIGUSR1);
        CHECK(loop.remove_signal_handler(SIGUSR1));
        CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
        CHECK(has_default_action(SIGUSR1));
        run_one(loop);
        CHECK_FALSE(called);
    });
}

TEST_CASE("remove_signal_handler restores the default, whatever was there before add (S389)") {
    on_each(all_loops, [](EventLoop& loop) {
        const OwnHandler own;
        loop.add_signal_handler(SIGINT, [] {});
        CHECK(loop.remove_signal_handler(SIGINT));
        CHECK(has_default_action(SIGINT));
    });
}

TEST_CASE("close() removes the signal handlers (S390)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.add_signal_handler(SIGUSR1, [] {});
        loop.add_signal_handler(SIGUSR2, [] {});
        ::raise(SIGUSR1);
        loop.close();
        CHECK(has_default_action(SIGUSR1));
        CHECK(has_default_action(SIGUSR2));
    });
}

TEST_CASE("a signal without a handler keeps its default action while the loop waits (S390)") {
    for (const std::string_view spec : real_loops) {
        INFO("loop: ", spec);
        const ::pid_t child = ::fork();
        if (child == 0) {
            const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            std::signal(SIGTERM, SIG_DFL);
            loop->add_signal_handler(SIGUSR1, [] {});
            loop->call_soon([] { ::kill(::getpid(), SIGTERM); });
            loop->run_forever();
            ::_exit(0);
        }
        REQUIRE(child > 0);
        int status = 0;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == SIGTERM);
    }
}

TEST_CASE("signals that come before the poll run their callback at least once (S391)") {
    on_each(all_loops, [](EventLoop& loop) {
        int ones = 0;
        int twos = 0;
        loop.add_signal_handler(SIGUSR1, [&] { ++ones; });
        loop.add_signal_handler(SIGUSR2, [&] { ++twos; });
        for (int count = 0; count < 3; ++count) {
            ::raise(SIGUSR1);
        }
        ::raise(SIGUSR2);
        run_one(loop);
        run_one(loop);
        CHECK(ones >= 1);
        CHECK(ones <= 3);
        CHECK(twos == 1);
        CHECK(loop.remove_signal_handler(SIGUSR1));
        CHECK(loop.remove_signal_handler(SIGUSR2));
    });
}

TEST_CASE("a child's signal does not reach the loop of its parent (S393)") {
    // Not so on uv: libuv's own signal pipe is shared with a child that does not exec.
    on_each({"virtual", "selector:epoll", "selector:poll", "selector:select"}, [](EventLoop& loop) {
        int calls = 0;
        loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
        loop.call_soon([] {
            const ::pid_t child = ::fork();
            if (child == 0) {
                ::raise(SIGUSR1);
                ::_exit(0);
            }
            CHECK(::waitpid(child, nullptr, 0) == child);
        });
        run_one(loop);
        run_one(loop);
        CHECK(calls == 0);
        CHECK(loop.remove_signal_handler(SIGUSR1));
    });
}

TEST_CASE("what a loop opens is closed in a child that runs another program (S393)") {
    const auto inherited = [] {
        int count = 0;
        for (int fd = 0; fd < 256; ++fd) {
            const int flags = ::fcntl(fd, F_GETFD);
            count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
        }
        return count;
    };
    const int before = inherited();
    on_each(all_loops, [&](EventLoop& loop) {
        const Sockets sockets;
        loop.add_reader(sockets.near(), [] {});
        loop.add_signal_handler(SIGUSR1, [] {});
        run_one(loop);
        CHECK(inherited() == before);
        CHECK(loop.remove_signal_handler(SIGUSR1));
        CHECK(loop.remove_reader(sockets.near()));
    });
}
