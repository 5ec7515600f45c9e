// run_sharded: one main on many loops, and what they say to each other.
#include "sharding.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <thread>

namespace {

std::size_t threads_of_this_process() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each :
         std::filesystem::directory_iterator("/proc/self/task")) {
        ++count;
    }
    return count;
}

// Returns when there are no more threads than when it was made: one that was joined may be listed
// a moment longer.
class NoMoreThreads {
public:
    void wait() const {
        while (threads_of_this_process() > before_) {
            std::this_thread::yield();
        }
    }

private:
    std::size_t before_ = threads_of_this_process();
};

}  // namespace

// --- results ------------------------------------------------------------------------------------

TEST_CASE("run_sharded: the results come in the order of the shards") {
    on_three_shards([](const ShardedOptions& options) {
        auto main = [](Shard& shard) -> Coro<std::string> {
            co_await sleep(0s);
            co_return std::to_string(shard.index()) + "/" + std::to_string(shard.count());
        };
        CHECK(run_sharded(main, options) == std::vector<std::string>{"0/3", "1/3", "2/3"});
    });
}

TEST_CASE("run_sharded: main may take no shard, a copy of it, or give what cannot be copied") {
    on_three_shards([](const ShardedOptions& options) {
        std::atomic<int> calls = 0;
        auto plain = [&]() -> Coro<> {
            ++calls;
            co_return;
        };
        run_sharded(plain, options);
        CHECK(calls == 3);
        const auto results = run_sharded(
            [](Shard shard) -> Coro<std::unique_ptr<std::size_t>> {
                co_await sleep(0s);
                co_return std::make_unique<std::size_t>(shard.index());
            },
            options);
        CHECK(*results.at(2) == 2);
        const auto flags = run_sharded([]() -> Coro<bool> { co_return true; }, options);
        CHECK(flags == std::vector<bool>{true, true, true});
        run_sharded([] { return sleep(0s); }, options);
    });
}

TEST_CASE("run_sharded: one loop a thread, and shard 0 in the caller's") {
    on_three_shards([](const ShardedOptions& options) {
        const NoMoreThreads threads;
        const std::thread::id here = std::this_thread::get_id();
        auto main = [&](Shard& shard) -> Coro<std::thread::id> {
            CHECK(&shard.loop(shard.index()) == &get_running_loop());
            CHECK((std::this_thread::get_id() == here) == (shard.index() == 0));
            CHECK(thrown_by([&]() -> EventLoop& { return shard.loop(3); }) == "ValueError");
            CHECK(thrown_by([&] { shard.post(3, [] {}); }) == "ValueError");
            co_return std::this_thread::get_id();
        };
        const auto ids = run_sharded(main, options);
        CHECK(std::set(ids.begin(), ids.end()).size() == 3);
        threads.wait();
    });
}

TEST_CASE("run_sharded: zero shards are one for each core that the process may use") {
    cpu_set_t all;
    REQUIRE(::sched_getaffinity(0, sizeof all, &all) == 0);
    auto main = []() -> Coro<> { co_return; };
    auto count = [](Shard& shard) -> Coro<std::size_t> { co_return shard.count(); };
    run_sharded(main);
    CHECK(run_sharded(count).size() == usable_cores());
    CHECK(usable_cores() == static_cast<std::size_t>(CPU_COUNT(&all)));
    cpu_set_t one;
    CPU_ZERO(&one);
    int first = 0;
    while (!CPU_ISSET(first, &all)) {
        ++first;
    }
    CPU_SET(first, &one);
    REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(run_sharded(count, {.loop = "virtual"}) == std::vector<std::size_t>{1});
    REQUIRE(::sched_setaffinity(0, sizeof all, &all) == 0);
}

TEST_CASE("run_sharded: options and the caller's context reach every shard") {
    static ContextVar<int> variable("variable", 0);
    on_three_shards([](ShardedOptions options) {
        options.debug = true;
        options.resolver = "system";
        Context context = copy_context();
        auto main = [&](Shard&) -> Coro<bool> {
            EventLoop& loop = get_running_loop();
            CHECK(loop.get_debug());
            CHECK(loop.name() == options.loop);
            CHECK(variable.get() == 7);
            variable.set(8);
            co_await sleep(0s);
            co_return variable.get() == 8;
        };
        context.run([&] {
            variable.set(7);
            CHECK(run_sharded(main, options) == std::vector<bool>{true, true, true});
            CHECK(variable.get() == 7);
        });
        options.resolver = "nonsense";
        CHECK(thrown_by([&] { run_sharded(main, options); }) == "ValueError");
    });
}

TEST_CASE("run_sharded: a loop that cannot be made is an error before anything runs") {
    const NoMoreThreads threads;
    bool begun = false;
    auto main = [&]() -> Coro<> {
        begun = true;
        co_return;
    };
    CHECK(thrown_by([&] { run_sharded(main, {.shards = 3, .loop = "nonsense"}); }) == "ValueError");
    CHECK(!begun);
    threads.wait();
}

GYRE_TEST_CASE("run_sharded: inside a running loop it is a RuntimeError that names it") {
    std::string text;
    try {
        run_sharded([]() -> Coro<> { co_return; });
    } catch (const RuntimeError& error) {
        text = error.what();
    }
    CHECK(text.find("run_sharded()") != std::string::npos);
    co_return;
}

#if !GYRE_TEST_SANITIZED
TEST_CASE("run_sharded: threads that cannot be started are an error, and none is left") {
    const NoMoreThreads threads;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    // Room for a few stacks of the threads, and not for all of them.
    rlimit tight = before;
    tight.rlim_cur = pages * static_cast<std::size_t>(::getpagesize()) + (std::size_t{64} << 20);
    bool begun = false;
    auto main = [&]() -> Coro<> {
        begun = true;
        co_return;
    };
    std::string thrown = "nothing";
    REQUIRE(::setrlimit(RLIMIT_AS, &tight) == 0);
    try {
        run_sharded(main, {.shards = 64, .loop = "selector:poll"});
    } catch (const std::exception&) {
        thrown = "an error";
    }
    REQUIRE(::setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(thrown == "an error");
    CHECK(!begun);
    threads.wait();
}
#endif

// --- posts --------------------------------------------------------------------------------------

TEST_CASE("Shard::post: f runs in the other shard's thread, in the order of the poster" *
          in_order) {
    on_three_shards([](const ShardedOptions& options) {
        constexpr int posts = 1000;
        std::array<std::vector<int>, kShards> got;  // one for each poster; of shard 0 alone
        Meeting meeting;
        auto main = [&](Shard& shard) -> Coro<> {
            const std::size_t from = shard.index();
            for (int which = 0; which < posts; ++which) {
                shard.post(0, [&got, from, which, to = &shard.loop(0)] {
                    CHECK(&get_running_loop() == to);
                    got.at(from).push_back(which);
                });
            }
            co_await meeting.meet(shard);
        };
        run_sharded(main, options);
        for (const std::vector<int>& order : got) {
            CHECK(order.size() == posts);
            CHECK(std::is_sorted(order.begin(), order.end()));
        }
    });
}

TEST_CASE("Shard::post: a shard whose main has returned runs what is posted, while others run") {
    on_three_shards([](const ShardedOptions& options) {
        Flags flags;
        auto main = [&](Shard& shard) -> Coro<> {
            if (shard.index() != 1) {
                co_return;
            }
            // There and back, so that the other loop is known to turn, long after its main.
            for (int round = 0; round < 50; ++round) {
                flags.of(shard).clear();
                shard.post(round % 2 == 0 ? 0 : 2, [&flags, shard] { flags.set(shard, 1); });
                co_await flags.of(shard).wait();
            }
        };
        run_sharded(main, options);
    });
}

TEST_CASE("Shard::post: what was posted before a main returned is run before the end") {
    on_three_shards([](const ShardedOptions& options) {
        std::array<int, kShards> got{};
        auto main = [&](Shard& shard) -> Coro<> {
            for (std::size_t index = 0; index < shard.count(); ++index) {
                shard.post(index, [&got, index] { ++got.at(index); });
            }
            co_return;
        };
        run_sharded(main, options);
        CHECK(got == std::array<int, kShards>{3, 3, 3});
    });
}

TEST_CASE("Shard::post: the tasks that are cancelled at the end can still post to all") {
    on_three_shards([](const ShardedOptions& options) {
        std::array<int, kShards> got{};
        auto leaves_word = [&got](Shard shard) -> Coro<> {
            std::string end = co_await ending(never());
            CHECK(end == "CancelledError");
            co_await ticks(static_cast<int>(shard.index()) * 5);
            for (std::size_t index = 0; index < shard.count(); ++index) {
                shard.post(index, [&got, index] { ++got.at(index); });
            }
        };
        auto main = [&](Shard& shard) -> Coro<> {
            create_task(leaves_word(shard));
            co_await sleep(0s);
        };
        run_sharded(main, options);
        CHECK(got == std::array<int, kShards>{3, 3, 3});
    });
}

TEST_CASE("Shard::loop: a post to a closed loop is a RuntimeError, and the function is freed") {
    on_three_shards([](const ShardedOptions& options) {
        std::array<EventLoop*, kShards> loops{};
        auto main = [&](Shard& shard) -> Coro<> {
            EventLoop& mine = get_running_loop();
            mine.retain();  // the test posts when run_sharded() has returned
            loops.at(shard.index()) = &mine;
            co_return;
        };
        run_sharded(main, options);
        for (EventLoop* loop : loops) {
            CHECK(loop->is_closed());
            const auto resource = std::make_shared<int>(0);
            CHECK(thrown_by([&] { loop->call_soon_threadsafe([resource] {}); }) == "RuntimeError");
            CHECK(resource.use_count() == 1);
            loop->release();
        }
    });
}

TEST_CASE("Shard::post: what f throws goes to the exception handler of the loop it ran on") {
    on_three_shards([](const ShardedOptions& options) {
        Meeting meeting;
        auto main = [&](Shard& shard) -> Coro<std::string> {
            Reports reports(get_running_loop());
            co_await meeting.meet(shard);
            shard.post((shard.index() + 1) % shard.count(),
                       [from = shard.index()] { throw std::runtime_error(std::to_string(from)); });
            while (reports.count() == 0) {
                co_await sleep(0s);
            }
            co_return joined(reports.errors);
        };
        CHECK(run_sharded(main, options) == std::vector<std::string>{"2", "0", "1"});
    });
}

TEST_CASE("Shard::loop: run_coroutine_threadsafe runs a coroutine on another shard") {
    on_three_shards([](const ShardedOptions& options) {
        auto where = [](Shard shard) -> Coro<bool> {
            co_await sleep(0s);
            co_return &get_running_loop() == &shard.loop(2);
        };
        auto ask = [&](Shard shard) {
            return run_coroutine_threadsafe(where(shard), shard.loop(2)).get();
        };
        auto main = [&](Shard& shard) -> Coro<bool> {
            if (shard.index() == 2) {
                co_return true;
            }
            auto answer = to_thread(ask, shard);
            co_return co_await std::move(answer);
        };
        CHECK(run_sharded(main, options) == std::vector<bool>{true, true, true});
    });
}

// --- servers ------------------------------------------------------------------------------------

TEST_CASE("run_sharded: a server on each shard, on the port that shard 0 was given") {
    on_three_shards([](const ShardedOptions& options) {
        std::vector<Queue<int>> ports(kShards);
        Meeting serving;
        Meeting served;
        std::array<int, kShards> connections{};
        auto main = [&](Shard& shard) -> Coro<> {
            int port = 0;
            if (shard.index() != 0) {
                port = co_await ports.at(shard.index()).get();
            }
            auto handler = [&, index = shard.index()](StreamReader, StreamWriter writer) {
                ++connections.at(index);
                writer.write("x");
                writer.close();
            };
            ServerOptions shared;
            shared.reuse_port = true;
            auto starting = start_server(handler, "127.0.0.1", port, shared);
            Server server = co_await std::move(starting);
            port = server.sockets().front().port();
            for (std::size_t other = 1; shard.index() == 0 && other < shard.count(); ++other) {
                shard.post(other, [&ports, other, port] { ports.at(other).put_nowait(port); });
            }
            co_await serving.meet(shard);
            for (int count = 0; count < 10; ++count) {
                StreamPair pair = co_await open_connection("127.0.0.1", port);
                std::string answer = co_await pair.reader.read();
                CHECK(answer == "x");
                pair.writer.close();
                co_await pair.writer.wait_closed();
            }
            co_await served.meet(shard);
            server.close();
            co_await server.wait_closed();
        };
        run_sharded(main, options);
        CHECK(connections[0] + connections[1] + connections[2] == 30);
    });
}
