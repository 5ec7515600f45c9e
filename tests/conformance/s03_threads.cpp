// Section 3: what other threads may do.
#include "raw_loop.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

namespace {

// Tells the virtual loop, too, that a thread is about to post.
class Expecting {
public:
    explicit Expecting(EventLoop& loop) : loop_(loop) { loop_.expect_post(); }
    Expecting(const Expecting&) = delete;
    Expecting& operator=(const Expecting&) = delete;
    ~Expecting() { loop_.forget_post(); }

private:
    EventLoop& loop_;
};

}  // namespace

TEST_CASE("call_soon_threadsafe keeps each thread's order (S25)") {
    on_each(all_loops, [](EventLoop& loop) {
        constexpr int threads = 4;
        constexpr int posts = 2000;
        const Expecting expecting(loop);
        std::array<std::vector<int>, threads> got;
        int left = threads * posts;
        std::vector<std::thread> workers;
        for (std::vector<int>& order : got) {
            workers.emplace_back([&] {
                for (int which = 0; which < posts; ++which) {
                    loop.call_soon_threadsafe([&, which] {
                        order.push_back(which);
                        if (--left == 0) {
                            loop.stop();
                        }
                    });
                }
            });
        }
        loop.run_forever();
        for (std::thread& worker : workers) {
            worker.join();
        }
        for (const std::vector<int>& order : got) {
            CHECK(order.size() == posts);
            CHECK(std::is_sorted(order.begin(), order.end()));
        }
    });
}

TEST_CASE("call_soon_threadsafe wakes a loop that waits (S25)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Expecting expecting(loop);
        std::thread worker([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
        loop.run_forever();
        worker.join();
    });
}

TEST_CASE("no wake-up is lost between two loops that answer each other (S25)") {
    on_each(all_loops, [](EventLoop& loop) {
        constexpr int rounds = 300;
        const Expecting expecting(loop);
        const std::unique_ptr<EventLoop> other = new_event_loop("selector");
        int answered = 0;
        std::function<void()> ask = [&] {
            other->call_soon_threadsafe([&] {
                loop.call_soon_threadsafe([&] {
                    if (++answered == rounds) {
                        other->call_soon_threadsafe([&] { other->stop(); });
                        loop.stop();
                    } else {
                        ask();
                    }
                });
            });
        };
        loop.call_soon(ask);
        std::thread answering([&] { other->run_forever(); });
        loop.run_forever();
        answering.join();
        CHECK(answered == rounds);
    });
}

TEST_CASE("on the loop's own thread call_soon_threadsafe is call_soon (S26)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        const auto queue_four = [&] {
            loop.call_soon([&] { order += "1"; });
            loop.call_soon_threadsafe([&] { order += "2"; });
            loop.call_soon([&] { order += "3"; });
            loop.call_soon_threadsafe([&] { order += "4"; });
        };
        queue_four();  // before the run as in it
        run_one(loop);
        CHECK(order == "1234");
        loop.call_soon(queue_four);
        run_one(loop);
        run_one(loop);
        CHECK(order == "12341234");
    });
}

TEST_CASE("call_soon_threadsafe on a closed loop throws and frees the callback (S27)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.close();
        const auto resource = std::make_shared<int>(0);
        std::string thrown;
        std::thread worker(
            [&] { thrown = thrown_by([&] { loop.call_soon_threadsafe([resource] {}); }); });
        worker.join();
        CHECK(thrown == "RuntimeError");
        CHECK(resource.use_count() == 1);
    });
}

TEST_CASE("a post that races with close() is taken and dropped, or refused (S27)") {
    for (int round = 0; round < 20; ++round) {
        on_each(all_loops, [](EventLoop& loop) {
            const auto resource = std::make_shared<int>(0);
            std::atomic<bool> posting = false;
            std::string thrown;
            std::thread worker([&] {
                thrown = thrown_by([&] {
                    for (;;) {
                        loop.call_soon_threadsafe([resource] {});
                        posting = true;
                    }
                });
            });
            while (!posting) {
                std::this_thread::yield();
            }
            run_one(loop);
            loop.close();
            worker.join();
            CHECK(thrown == "RuntimeError");
            CHECK(resource.use_count() == 1);
        });
    }
}

TEST_CASE("any number of posts before the loop looks are all run (S28)") {
    on_each(all_loops, [](EventLoop& loop) {
        constexpr int posts = 50'000;
        const Expecting expecting(loop);
        int calls = 0;
        const auto post_many = [&] {
            std::thread([&] {
                for (int count = 0; count < posts; ++count) {
                    loop.call_soon_threadsafe([&] {
                        if (++calls == 2 * posts) {
                            loop.stop();
                        }
                    });
                }
            }).join();
        };
        post_many();
        loop.call_soon(post_many);
        loop.run_forever();
        CHECK(calls == 2 * posts);
    });
}

TEST_CASE("a post before the run comes before what is queued after it (S26)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        std::thread([&] { loop.call_soon_threadsafe([&] { order += "posted "; }); }).join();
        loop.call_soon([&] { order += "queued "; });
        run_one(loop);
        CHECK(order == "posted queued ");
    });
}

TEST_CASE("the handle of a post may be cancelled by the loop and dropped by the poster (S25)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto resource = std::make_shared<int>(0);
        Handle handle;
        bool called = false;
        std::thread([&] {
            handle = loop.call_soon_threadsafe([&called, resource] { called = true; });
        }).join();
        handle.cancel();
        CHECK(resource.use_count() == 1);
        run_one(loop);
        CHECK_FALSE(called);
        std::thread([mine = std::move(handle)]() mutable { mine = Handle(); }).join();
    });
}

TEST_CASE(
    "debug mode: the other calls from another thread are refused while the loop runs (S29, "
    "S271)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.set_debug(true);
        loop.slow_callback_duration = 1h;
        const auto thrown_there = [](auto call) {
            std::string thrown;
            std::thread([&] { thrown = thrown_by(call); }).join();
            return thrown;
        };
        bool called = false;
        loop.call_soon([&] {
            CHECK(thrown_there([&] { loop.call_soon([] {}); }) == "RuntimeError");
            CHECK(thrown_there([&] { loop.call_later(1s, [] {}); }) == "RuntimeError");
            CHECK(thrown_there([&] { loop.call_at(1s, [] {}); }) == "RuntimeError");
            CHECK(thrown_there([&] { loop.call_soon_threadsafe([&] { called = true; }); }) ==
                  "nothing");
        });
        run_one(loop);
        // Nothing runs: nothing can clash.
        CHECK(thrown_there([&] { loop.call_soon([] {}); }) == "nothing");
        run_one(loop);
        CHECK(called);
    });
}
