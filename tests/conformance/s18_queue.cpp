// Section 18: Queue, PriorityQueue, LifoQueue.
#include "queue_users.hpp"

#include <functional>
#include <memory>

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
    const auto getter = [](Queue<int>& queue) -> Coro<> {
        static_cast<void>(co_await queue.get());
    };
    const auto owner = [&]() -> Coro<> {
        Queue<int> queue;
        Task<> one = create_task(getter(queue));
        Task<> two = create_task(getter(queue));
        co_await one;
    };
    closes_amid(owner, 3);
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
