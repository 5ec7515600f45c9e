// run_sharded: how it ends: errors, exit errors, Ctrl-C.
#include "sharding.hpp"

#include <array>
#include <csignal>

// --- errors -------------------------------------------------------------------------------------

TEST_CASE("run_sharded: the first exception cancels the other mains, and is thrown") {
    on_three_shards([](const ShardedOptions& options) {
        for (std::size_t failing = 0; failing < kShards; ++failing) {
            Meeting meeting;
            std::array<std::string, kShards> ends;
            auto main = [&](Shard& shard) -> Coro<int> {
                if (shard.index() == failing) {
                    co_await meeting.meet(shard);
                    throw std::runtime_error("boom");
                }
                meeting.come(shard);
                std::exception_ptr cancelled;
                try {
                    co_await never();
                } catch (const CancelledError&) {
                    cancelled = std::current_exception();
                }
                co_await ticks(3);  // awaited, not only asked
                ends.at(shard.index()) = "ended";
                std::rethrow_exception(cancelled);
            };
            CHECK(thrown_by([&] { return run_sharded(main, options); }) == "boom");
            ends.at(failing) = "ended";
            CHECK(ends == std::array<std::string, kShards>{"ended", "ended", "ended"});
        }
    });
}

TEST_CASE("run_sharded: an exception before another main has begun") {
    on_three_shards([](const ShardedOptions& options) {
        auto main = [](Shard& shard) -> Coro<> {
            if (shard.index() == 1) {
                throw std::runtime_error("at once");
            }
            co_await never();
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "at once");
        auto no_coroutine = [](Shard& shard) -> Coro<> {
            if (shard.index() == 1) {
                throw std::runtime_error("not even a coroutine");
            }
            return never();
        };
        CHECK(thrown_by([&] { run_sharded(no_coroutine, options); }) == "not even a coroutine");
    });
}

TEST_CASE("run_sharded: later exceptions go to the handler of their loop, each cancel is one") {
    on_three_shards([](const ShardedOptions& options) {
        Meeting meeting;
        std::array<std::vector<std::string>, kShards> reports;
        auto main = [&](Shard& shard) -> Coro<> {
            auto& mine = reports.at(shard.index());
            get_running_loop().set_exception_handler(
                [&mine](EventLoop&, const ExceptionContext& context) {
                    mine.push_back(name_of(context.exception));
                });
            if (shard.index() == 1) {
                co_await meeting.meet(shard);
                throw std::runtime_error("first");
            }
            meeting.come(shard);
            AnyTask self = current_task();
            std::string end = co_await ending(never());
            co_await ticks(20);
            CHECK(self.cancelling() == 1);
            throw std::runtime_error("late " + end);
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "first");
        CHECK(joined(reports[0]) == "late CancelledError");
        CHECK(joined(reports[1]).empty());
        CHECK(joined(reports[2]) == "late CancelledError");
    });
}

TEST_CASE("run_sharded: a CancelledError that nobody asked for is an exception like others") {
    on_three_shards([](const ShardedOptions& options) {
        auto main = [](Shard& shard) -> Coro<> {
            if (shard.index() == 2) {
                co_await sleep(0s);
                throw CancelledError("own");
            }
            co_await never();
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "CancelledError(own)");
    });
}

TEST_CASE("run_sharded: a task that is left is cancelled and awaited on each shard") {
    on_three_shards([](const ShardedOptions& options) {
        std::array<std::string, kShards> ends;
        auto left = [&ends](Shard shard) -> Coro<> {
            std::string end = co_await ending(never());
            co_await ticks(2);
            ends.at(shard.index()) = end;
        };
        auto main = [&](Shard& shard) -> Coro<std::size_t> {
            create_task(left(shard));
            co_await sleep(0s);
            co_return shard.index();
        };
        CHECK(run_sharded(main, options) == std::vector<std::size_t>{0, 1, 2});
        const std::string cancelled = "CancelledError";
        CHECK(ends == std::array<std::string, kShards>{cancelled, cancelled, cancelled});
    });
}

TEST_CASE("run_sharded: the tasks of a shard whose main has returned go on while others run") {
    on_three_shards([](const ShardedOptions& options) {
        Flags flags;
        auto answers = [&flags](Shard shard) -> Coro<> {
            co_await flags.of(shard).wait();
            flags.set(shard, 0);
        };
        auto main = [&](Shard& shard) -> Coro<> {
            if (shard.index() == 1) {
                create_task(answers(shard));
                co_return;
            }
            if (shard.index() == 0) {
                flags.set(shard, 1);
                co_await flags.of(shard).wait();
            }
        };
        run_sharded(main, options);
    });
}

TEST_CASE("run_sharded: an exit error of main, of a task, of a callback ends all shards") {
    on_three_shards([](const ShardedOptions& options) {
        auto exits = []() -> Coro<> {
            co_await sleep(0s);
            throw SystemExit(4);
        };
        for (std::size_t failing = 0; failing < kShards; ++failing) {
            auto by_main = [&](Shard& shard) -> Coro<> {
                if (shard.index() == failing) {
                    co_await exits();
                }
                co_await never();
            };
            CHECK(thrown_by([&] { run_sharded(by_main, options); }) == "SystemExit");
            auto by_task = [&](Shard& shard) -> Coro<> {
                Task<> task;
                if (shard.index() == failing) {
                    task = create_task(exits());
                }
                std::string end = co_await ending(never());
                CHECK((!task || outcome(task) == "SystemExit"));
            };
            CHECK(thrown_by([&] { run_sharded(by_task, options); }) == "SystemExit");
            auto by_callback = [&](Shard& shard) -> Coro<> {
                if (shard.index() == 0) {
                    shard.post(failing, [] { throw SystemExit(4); });
                }
                co_await never();
            };
            CHECK(thrown_by([&] { run_sharded(by_callback, options); }) == "SystemExit");
        }
    });
}

TEST_CASE("run_sharded: a shard whose loop an exit error has left runs posts until the end") {
    on_three_shards([](const ShardedOptions& options) {
        Meeting meeting;
        Flags flags;
        std::string end;
        auto main = [&](Shard& shard) -> Coro<> {
            if (shard.index() == 1) {
                co_await meeting.meet(shard);
                throw SystemExit(4);
            }
            meeting.come(shard);
            std::string cancelled = co_await ending(never());
            if (shard.index() == 2) {
                shard.post(1, [&flags, shard] { flags.set(shard, 2); });
                Event& answered = flags.of(shard);
                answered.clear();
                co_await answered.wait();
                end = cancelled;
            }
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "SystemExit");
        CHECK(end == "CancelledError");
    });
}

TEST_CASE("run_sharded: a loop that main stops is an error, as in run()") {
    on_three_shards([](const ShardedOptions& options) {
        auto main = [](Shard& shard) -> Coro<> {
            if (shard.index() == 1) {
                get_running_loop().stop();
            }
            co_await never();
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "RuntimeError");
    });
}

TEST_CASE("run_sharded: one shard on a virtual loop knows of a deadlock, as run() does") {
    auto main = []() -> Coro<> {
        Event never;
        co_await never.wait();
    };
    const ShardedOptions options{.shards = 1, .loop = "virtual"};
    CHECK(thrown_by([&] { run_sharded(main, options); }) == "DeadlockError");
    auto stubborn = []() -> Coro<> {
        get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        Event never;
        for (int round = 0; round < 2; ++round) {
            std::string end = co_await ending(never.wait());
        }
    };
    CHECK(thrown_by([&] { run_sharded(stubborn, options); }) == "DeadlockError");
}

// --- Ctrl-C -------------------------------------------------------------------------------------

TEST_CASE("Ctrl-C cancels the mains of all shards; KeyboardInterrupt when one ends so") {
    on_three_shards([](const ShardedOptions& options) {
        for (std::size_t raising = 0; raising < kShards; ++raising) {
            Meeting meeting;
            std::array<std::string, kShards> ends;
            auto main = [&](Shard& shard) -> Coro<> {
                if (shard.index() == raising) {
                    co_await meeting.meet(shard);
                    std::raise(SIGINT);
                } else {
                    meeting.come(shard);
                }
                std::exception_ptr error;
                try {
                    co_await never();
                } catch (const CancelledError&) {
                    error = std::current_exception();
                }
                co_await ticks(2);
                ends.at(shard.index()) = name_of(error);
                std::rethrow_exception(error);
            };
            CHECK(thrown_by([&] { run_sharded(main, options); }) == "KeyboardInterrupt");
            const std::string cancelled = "CancelledError";
            CHECK(ends == std::array<std::string, kShards>{cancelled, cancelled, cancelled});
            struct sigaction action {};
            sigaction(SIGINT, nullptr, &action);
            CHECK((action.sa_handler == SIG_DFL));
        }
    });
}

TEST_CASE("Ctrl-C reaches the other shards also when the main of shard 0 has returned") {
    on_three_shards([](const ShardedOptions& options) {
        auto main = [](Shard& shard) -> Coro<> {
            if (shard.index() == 0) {
                current_task().add_done_callback([] { std::raise(SIGINT); });
                co_return;
            }
            co_await never();
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "KeyboardInterrupt");
    });
}

TEST_CASE("Ctrl-C swallowed by all: the values; turned into another error: that one") {
    on_three_shards([](const ShardedOptions& options) {
        Meeting meeting;
        auto swallows = [&](Shard& shard) -> Coro<std::string> {
            if (shard.index() == 1) {
                co_await meeting.meet(shard);
                std::raise(SIGINT);
            } else {
                meeting.come(shard);
            }
            std::string end = co_await ending(never());
            co_return end;
        };
        const std::string cancelled = "CancelledError";
        CHECK(run_sharded(swallows, options) == std::vector{cancelled, cancelled, cancelled});
        Meeting again;
        auto turns = [&](Shard& shard) -> Coro<> {
            if (shard.index() == 0) {
                co_await again.meet(shard);
                std::raise(SIGINT);
            } else {
                again.come(shard);
            }
            if (shard.index() != 2) {
                co_await never();
            }
            std::string end = co_await ending(never());
            co_await ticks(20);
            throw std::runtime_error("turned");
        };
        CHECK(thrown_by([&] { run_sharded(turns, options); }) == "turned");
    });
}

TEST_CASE("a second Ctrl-C cancels the mains of all shards once more") {
    on_three_shards([](const ShardedOptions& options) {
        Meeting meeting;
        Meeting cancelled_once;
        std::array<std::string, kShards> ends;
        auto main = [&](Shard& shard) -> Coro<> {
            if (shard.index() == 0) {
                co_await meeting.meet(shard);
                std::raise(SIGINT);
            } else {
                meeting.come(shard);
            }
            std::string& end = ends.at(shard.index());
            end = co_await ending(never());
            if (shard.index() == 0) {
                co_await cancelled_once.meet(shard);
                std::raise(SIGINT);
            } else {
                cancelled_once.come(shard);
            }
            std::string second = co_await ending(never());
            end += " " + second;
        };
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "KeyboardInterrupt");
        const std::string twice = "CancelledError CancelledError";
        CHECK(ends == std::array<std::string, kShards>{twice, twice, twice});
    });
}
