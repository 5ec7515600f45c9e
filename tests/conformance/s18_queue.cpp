// Section 18: Queue, PriorityQueue, LifoQueue.
#include "support.hpp"

#include <functional>
#include <memory>

namespace {

template <class Q>
Coro<> takes(Q& queue, Log& log, std::string name) {
    std::string end = co_await ending(queue.get());
    log.push_back(name + ":" + end);
}

Coro<> puts(Queue<int>& queue, Log& log, int item) {
    std::string end = co_await ending(queue.put(item));
    log.push_back(std::to_string(item) + ":" + end);
}

}  // namespace

GYRE_TEST_CASE("queue: a size of 0 or less is no bound (S228)") {
    for (const int maxsize : {0, -3}) {
        Queue<int> queue(maxsize);
        for (int i = 0; i < 100; ++i) {
            queue.put_nowait(i);
        }
        CHECK(!queue.full());
        CHECK(queue.qsize() == 100);
        CHECK(queue.maxsize() == 0);
    }
    const std::vector<int> pair(2);
    Queue<int> two{pair.size()};
    CHECK(two.empty());
    two.put_nowait(1);
    CHECK(!two.full());
    two.put_nowait(2);
    CHECK(two.full());
    CHECK(two.maxsize() == 2);
    co_return;
}

GYRE_TEST_CASE("queue: put and get that need not wait take no iteration (S229)") {
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    Queue<std::unique_ptr<int>> queue(1);
    co_await queue.put(std::make_unique<int>(4));
    std::unique_ptr<int> item = co_await queue.get();
    CHECK(*item == 4);
    CHECK(passed.count() == start);
}

GYRE_TEST_CASE("queue: QueueEmpty, QueueFull (S230)") {
    Queue<int> queue(1);
    CHECK(thrown_by([&] { return queue.get_nowait(); }) == "QueueEmpty");
    queue.put_nowait(1);
    CHECK(thrown_by([&] { queue.put_nowait(2); }) == "QueueFull");
    CHECK(queue.get_nowait() == 1);
    CHECK(thrown_by([&] { return queue.get_nowait(); }) == "QueueEmpty");
    co_return;
}

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

GYRE_TEST_CASE("PriorityQueue: the least when the getter runs; LifoQueue: the newest (S236)") {
    Log log;
    PriorityQueue<int> least;
    Task<> getter = create_task(takes(least, log, "p"));
    co_await sleep(0s);
    least.put_nowait(5);  // wakes it
    least.put_nowait(1);
    least.put_nowait(3);
    co_await getter;
    CHECK(joined(log) == "p:1");
    CHECK(least.get_nowait() == 3);
    CHECK(least.get_nowait() == 5);

    PriorityQueue<int, std::greater<int>> greatest;
    for (int i : {4, 9, 2}) {
        greatest.put_nowait(i);
    }
    CHECK(greatest.get_nowait() == 9);

    LifoQueue<int> newest(3);
    for (int i : {1, 2, 3}) {
        newest.put_nowait(i);
    }
    CHECK(newest.full());
    int item = co_await newest.get();
    CHECK(item == 3);
    CHECK(newest.get_nowait() == 2);
}

GYRE_TEST_CASE("queue: join waits for as many task_done as puts (S237)") {
    Queue<int> queue;
    CHECK(thrown_by([&] { queue.task_done(); }) == "ValueError");
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    co_await queue.join();
    CHECK(passed.count() == start);

    queue.put_nowait(1);
    Task<> joining = create_task([&]() -> Coro<> { co_await queue.join(); });
    co_await sleep(0s);
    queue.put_nowait(2);  // counts although the join has begun
    static_cast<void>(queue.get_nowait());
    static_cast<void>(queue.get_nowait());
    queue.task_done();
    co_await ticks(2);
    CHECK(!joining.done());
    queue.task_done();
    co_await joining;
    CHECK(thrown_by([&] { queue.task_done(); }) == "ValueError");
}

GYRE_TEST_CASE("queue: a cancelled join leaves no trace (S234)") {
    Queue<int> queue;
    queue.put_nowait(1);
    std::string end = co_await ending(wait_for(queue.join(), 1ms));
    CHECK(end == "TimeoutError");
    queue.task_done();
    co_await queue.join();
}

GYRE_TEST_CASE("queue: shutdown: no put, get what is left, all waiters look again (S238)" *
               in_order) {
    Log log;
    Queue<int> queue(2);
    queue.put_nowait(1);
    queue.put_nowait(2);
    Task<> putter = create_task(puts(queue, log, 3));
    co_await sleep(0s);
    CHECK(!queue.is_shutdown());
    queue.shutdown();
    CHECK(queue.is_shutdown());
    CHECK(thrown_by([&] { queue.put_nowait(4); }) == "QueueShutDown");
    co_await putter;
    CHECK(joined(log) == "3:QueueShutDown");
    std::string end = co_await ending(queue.put(5));
    CHECK(end == "QueueShutDown");
    int item = co_await queue.get();
    CHECK(item == 1);
    CHECK(queue.get_nowait() == 2);
    end = co_await ending(queue.get());
    CHECK(end == "QueueShutDown");
    CHECK(thrown_by([&] { return queue.get_nowait(); }) == "QueueShutDown");

    log.clear();
    Queue<int> empty;
    Task<> a = create_task(takes(empty, log, "a"));
    Task<> b = create_task(takes(empty, log, "b"));
    co_await sleep(0s);
    empty.shutdown();
    co_await a;
    co_await b;
    CHECK(joined(log) == "a:QueueShutDown b:QueueShutDown");
}

GYRE_TEST_CASE("queue: shutdown(immediate) drops the items as done (S239)") {
    Queue<int> queue;
    for (int i = 0; i < 3; ++i) {
        queue.put_nowait(i);
    }
    static_cast<void>(queue.get_nowait());
    Task<> joining = create_task([&]() -> Coro<> { co_await queue.join(); });
    co_await sleep(0s);
    queue.shutdown(true);
    CHECK(queue.empty());
    CHECK(thrown_by([&] { return queue.get_nowait(); }) == "QueueShutDown");
    co_await ticks(2);
    CHECK(!joining.done());  // the one that was taken is not done
    queue.task_done();
    co_await joining;

    Queue<int> other;
    other.put_nowait(1);
    Task<> waiting = create_task([&]() -> Coro<> { co_await other.join(); });
    co_await sleep(0s);
    other.shutdown(true);
    co_await waiting;
    other.shutdown();
    CHECK(other.is_shutdown());
}

GYRE_TEST_CASE("queue: after a plain shutdown join waits on (S240)") {
    Queue<int> queue;
    queue.put_nowait(1);
    Task<> joining = create_task([&]() -> Coro<> { co_await queue.join(); });
    queue.shutdown();
    co_await ticks(3);
    CHECK(!joining.done());
    static_cast<void>(queue.get_nowait());
    queue.task_done();
    co_await joining;
}

TEST_CASE("queue: bound to the loop of its first waiter (S197)") {
    Queue<int> queue;
    auto waits = [&]() -> Coro<std::string> {
        std::string end = co_await ending(wait_for(queue.get(), 1ms));
        co_return end;
    };
    for (int i = 0; i < 5; ++i) {
        // The first loop is gone by the second time: another one may lie where it lay.
        CHECK(run(waits(), {.loop = "virtual"}) == (i == 0 ? "TimeoutError" : "RuntimeError"));
    }
    // What need not wait does not look.
    auto quick = [&]() -> Coro<int> {
        co_await queue.put(3);
        int item = co_await queue.get();
        co_return item;
    };
    CHECK(run(quick(), {.loop = "virtual"}) == 3);
}

TEST_CASE("queue: destroyed before its waiters when the loop goes (S412)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        auto getter = [](Queue<int>& queue) -> Coro<> { static_cast<void>(co_await queue.get()); };
        auto owner = [&]() -> Coro<> {
            Queue<int> queue;
            Task<> one = create_task(getter(queue));
            Task<> two = create_task(getter(queue));
            co_await one;
        };
        create_task(*loop, owner());
        run_until_complete(*loop, ticks(3));
        loop->close();
        CHECK(reports.count() == 3);
        CHECK(detail::step.live_frames == frames);
    }
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

GYRE_TEST_CASE("PriorityQueue: with a compare function of its own (S236)") {
    bool least_first = true;
    const auto compare = [&](int a, int b) { return least_first ? a < b : b < a; };
    for (const bool each : {true, false}) {
        least_first = each;
        PriorityQueue<int, decltype(compare)> queue(0, compare);
        for (int i : {2, 1, 3}) {
            queue.put_nowait(i);
        }
        CHECK(queue.get_nowait() == (each ? 1 : 3));
    }
    PriorityQueue<std::string, std::function<bool(const std::string&, const std::string&)>> queue(
        2, std::greater<>());
    queue.put_nowait("a");
    queue.put_nowait("b");
    CHECK(queue.full());
    CHECK(queue.get_nowait() == "b");
    co_return;
}

GYRE_TEST_CASE("queue: items that are neither default-made nor assigned") {
    struct Item {
        explicit Item(int n) : number(n) {}
        const int number;
    };
    Queue<Item> queue(1);
    co_await queue.put(Item(1));
    Task<> putter = create_task(queue.put(Item(2)));
    Item first = co_await queue.get();
    Item second = co_await queue.get();
    CHECK(first.number == 1);
    CHECK(second.number == 2);
    LifoQueue<Item> newest;
    newest.put_nowait(Item(3));
    newest.put_nowait(Item(4));
    CHECK(newest.get_nowait().number == 4);
    co_await putter;
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

GYRE_TEST_CASE("queue: keeps its order while it grows") {
    Queue<std::unique_ptr<int>> queue;
    int put = 0;
    int got = 0;
    for (int round = 1; round < 40; ++round) {
        for (int i = 0; i < 2 * round; ++i) {
            queue.put_nowait(std::make_unique<int>(put++));
        }
        for (int i = 0; i < round; ++i) {
            CHECK(*queue.get_nowait() == got++);
        }
    }
    while (!queue.empty()) {
        CHECK(*queue.get_nowait() == got++);
    }
    CHECK(got == put);
    co_return;
}

GYRE_TEST_CASE("queue: loses nothing where it cannot grow") {
    struct Item {
        int number;
        int& copies_left;
        Item(int n, int& left) : number(n), copies_left(left) {}
        Item(const Item& other) : number(other.number), copies_left(other.copies_left) {
            if (copies_left-- == 0) {
                throw std::bad_alloc();
            }
        }
    };
    int copies_left = 1000;
    Queue<Item> queue;
    for (int i = 0; i < 8; ++i) {
        queue.put_nowait(Item(i, copies_left));
    }
    for (int allowed = 0; allowed < 9; ++allowed) {
        copies_left = allowed;
        CHECK_THROWS_AS(queue.put_nowait(Item(8, copies_left)), std::bad_alloc);
    }
    copies_left = 1000;
    CHECK(queue.qsize() == 8);
    for (int i = 0; i < 8; ++i) {
        CHECK(queue.get_nowait().number == i);
    }
    co_return;
}
