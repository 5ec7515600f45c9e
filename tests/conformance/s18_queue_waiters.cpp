// Section 18: who waits for an item or for room, and in which order.
#include "queue_users.hpp"

#include <memory>

GYRE_TEST_CASE("queue: getters and putters are served in order (S231)" * in_order) {
    Log log;
    Queue<int> queue;
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(create_task(takes(queue, log, name)));
    }
    co_await sleep(0s);
    CHECK(queue.statistics().getting == 3);
    queue.put_nowait(1);
    queue.put_nowait(2);
    co_await sleep(0s);
    CHECK(joined(log) == "a:1 b:2");
    queue.put_nowait(3);
    co_await gather(tasks);
    CHECK(joined(log) == "a:1 b:2 c:3");

    log.clear();
    tasks.clear();
    Queue<int> narrow(1);
    narrow.put_nowait(0);
    for (int i = 1; i <= 3; ++i) {
        tasks.push_back(create_task(puts(narrow, log, i)));
    }
    co_await sleep(0s);
    CHECK(narrow.statistics().putting == 3);
    std::string items;
    for (int i = 0; i < 4; ++i) {
        int item = co_await narrow.get();
        items += std::to_string(item);
    }
    CHECK(items == "0123");
    co_await gather(tasks);
    CHECK(joined(log) == "1:done 2:done 3:done");
}

GYRE_TEST_CASE("queue: a wake-up is a hint: who lost the item goes to the back (S232)" * in_order) {
    Log log;
    Queue<int> queue;
    Task<> first = create_task(takes(queue, log, "first"));
    Task<> second = create_task(takes(queue, log, "second"));
    co_await sleep(0s);
    queue.put_nowait(1);  // wakes the first
    CHECK(queue.get_nowait() == 1);
    co_await sleep(0s);
    CHECK(queue.statistics().getting == 2);
    queue.put_nowait(2);
    co_await sleep(0s);
    CHECK(joined(log) == "second:2");
    queue.put_nowait(3);
    co_await first;
    co_await second;
    CHECK(joined(log) == "second:2 first:3");

    log.clear();
    Queue<int> narrow(1);
    narrow.put_nowait(0);
    Task<> one = create_task(puts(narrow, log, 1));
    Task<> two = create_task(puts(narrow, log, 2));
    co_await sleep(0s);
    CHECK(narrow.get_nowait() == 0);  // wakes the first
    narrow.put_nowait(9);
    co_await sleep(0s);
    CHECK(log.empty());
    CHECK(narrow.get_nowait() == 9);
    co_await two;
    CHECK(joined(log) == "2:done");
    CHECK(narrow.get_nowait() == 2);
    co_await one;
    CHECK(narrow.get_nowait() == 1);
}

GYRE_TEST_CASE("queue: a woken getter that is cancelled wakes the next (S233)" * in_order) {
    Log log;
    Queue<int> queue;
    Task<> first = create_task(takes(queue, log, "first"));
    Task<> second = create_task(takes(queue, log, "second"));
    co_await sleep(0s);
    queue.put_nowait(1);
    first.cancel();
    co_await first;
    co_await second;
    CHECK(joined(log) == "first:CancelledError second:1");
    CHECK(queue.empty());

    // Many readers, all woken, all but one cancelled: no item is lost or doubled.
    log.clear();
    std::vector<Task<>> readers;
    for (int i = 0; i < 10; ++i) {
        readers.push_back(create_task(takes(queue, log, "r")));
    }
    co_await sleep(0s);
    queue.put_nowait(7);
    for (std::size_t i = 0; i < 9; ++i) {
        readers[i].cancel();
    }
    co_await gather(readers);
    CHECK(log.size() == 10);
    CHECK(log.back() == "r:7");
    CHECK(queue.empty());
}

GYRE_TEST_CASE("queue: a woken putter that is cancelled puts nothing and wakes the next (S233)" *
               in_order) {
    Log log;
    Queue<int> queue(1);
    queue.put_nowait(0);
    Task<> first = create_task(puts(queue, log, 1));
    Task<> second = create_task(puts(queue, log, 2));
    co_await sleep(0s);
    CHECK(queue.get_nowait() == 0);
    first.cancel();
    co_await second;
    CHECK(joined(log) == "1:CancelledError 2:done");
    CHECK(queue.get_nowait() == 2);
    CHECK(queue.empty());
}

GYRE_TEST_CASE("queue: a cancelled waiter leaves the list (S234)" * in_order) {
    Log log;
    Queue<int> queue(1);
    Task<> getter = create_task(takes(queue, log, "g"));
    co_await sleep(0s);
    CHECK(queue.statistics().getting == 1);
    getter.cancel();
    co_await getter;
    CHECK(queue.statistics().getting == 0);
    queue.put_nowait(1);
    Task<> putter = create_task(puts(queue, log, 2));
    co_await sleep(0s);
    CHECK(queue.statistics().putting == 1);
    putter.cancel();
    co_await putter;
    CHECK(queue.statistics().putting == 0);
    CHECK(queue.qsize() == 1);
}

GYRE_TEST_CASE("queue: more woken than there is room for: no deadlock (S235)") {
    Queue<int> queue(2);
    int produced = 0;
    int consumed = 0;
    auto producer = [&](int count) -> Coro<> {
        for (int i = 0; i < count; ++i) {
            co_await queue.put(i);
            ++produced;
        }
    };
    auto consumer = [&](int count) -> Coro<> {
        for (int i = 0; i < count; ++i) {
            static_cast<void>(co_await queue.get());
            ++consumed;
        }
    };
    std::vector<Coro<>> all;
    for (int i = 0; i < 5; ++i) {
        all.push_back(producer(20));
    }
    for (int i = 0; i < 10; ++i) {
        all.push_back(consumer(10));
    }
    auto running = gather(std::move(all));
    co_await wait_for(running, 10s);
    CHECK(produced == 100);
    CHECK(consumed == 100);
    CHECK(queue.empty());
    const auto left = queue.statistics();
    CHECK(left.getting + left.putting == 0);
    CHECK(left.unfinished == 100);
}

GYRE_TEST_CASE("queue: a cancelled join leaves no trace (S234)") {
    Queue<int> queue;
    queue.put_nowait(1);
    std::string end = co_await ending(wait_for(queue.join(), 1ms));
    CHECK(end == "TimeoutError");
    queue.task_done();
    co_await queue.join();
}

TEST_CASE("queue: outlives the waiters that its loop drops (S412)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Queue<int> queue(1);
        {
            std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            Reports reports(*loop);
            auto getter = [&]() -> Coro<> { static_cast<void>(co_await queue.get()); };
            create_task(*loop, getter());
            create_task(*loop, getter());
            run_until_complete(*loop, ticks(3));
            CHECK(queue.statistics().getting == 2);
            loop->close();
        }
        CHECK(queue.statistics().getting == 0);
        queue.put_nowait(1);
        CHECK(queue.get_nowait() == 1);
    }
}

TEST_CASE("queue: a waiter that a dying task wakes, and that dies next (S412)") {
    struct PutsAtEnd {
        Queue<int>& queue;
        ~PutsAtEnd() { queue.put_nowait(1); }
    };
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Queue<int> queue;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        auto getter = [&]() -> Coro<> { static_cast<void>(co_await queue.get()); };
        auto waiter = [&]() -> Coro<> {
            PutsAtEnd puts{queue};
            Event never;
            co_await never.wait();
        };
        create_task(*loop, getter());
        create_task(*loop, waiter());  // the newer one goes first
        run_until_complete(*loop, ticks(3));
        loop->close();
        CHECK(queue.qsize() == 1);
    }
}

TEST_CASE("queue: destroyed between a waiter's wake-up and its step (S412)" * in_order) {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Log log;
        const auto body = [&log]() -> Coro<> {
            auto queue = std::make_unique<Queue<int>>(1);
            Task<> cancelled = create_task(takes(*queue, log, "cancelled"));
            Task<> woken = create_task(takes(*queue, log, "woken"));
            co_await sleep(0s);
            queue->put_nowait(1);
            static_cast<void>(queue->get_nowait());
            queue->put_nowait(2);
            cancelled.cancel();
            queue = std::make_unique<Queue<int>>(1);
            queue->put_nowait(3);
            Task<> putter = create_task(puts(*queue, log, 4));
            co_await sleep(0s);
            static_cast<void>(queue->get_nowait());
            queue.reset();
            co_await gather(cancelled, woken, putter);
        };
        run(body(), {.loop = spec});
        CHECK(log == Log{"cancelled:CancelledError", "woken:RuntimeError", "4:RuntimeError"});
    }
}

GYRE_TEST_CASE("queue: getters that take all that is there wake a putter each (S235)") {
    Queue<int> queue(2);
    int taken = 0;
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        group.create_task([&]() -> Coro<> {
            co_await sleep(0s);
            for (std::size_t left = queue.qsize(); left > 0; --left) {
                queue.get_nowait();
                ++taken;
            }
        });
        for (int i = 0; i < 4; ++i) {
            group.create_task(queue.put(i));
        }
        co_return;
    });
    CHECK(taken == 2);
    CHECK(queue.qsize() == 2);
}
