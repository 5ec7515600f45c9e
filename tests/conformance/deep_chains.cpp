// Depth: loops and chains of awaits, however long, need no more stack than short ones.
#include "support.hpp"

namespace {

// Nothing here depends on the loop: one of them runs the full length.
int full_or(EventLoop& loop, int full, int reduced) { return loop == "virtual" ? full : reduced; }

// A throw costs some twenty microseconds under a sanitizer, and each level throws anew.
int throws_or(EventLoop& loop, int full, int reduced) {
    return full_or(loop, GYRE_TEST_SANITIZED != 0 ? full / 5 : full,
                   GYRE_TEST_SANITIZED != 0 ? reduced / 5 : reduced);
}

using Leaf = Coro<int> (*)();

Coro<int> descend(int depth, Leaf leaf) {
    if (depth == 0) {
        int value = co_await leaf();
        co_return value;
    }
    int value = co_await descend(depth - 1, leaf);
    co_return value + 1;
}

Coro<int> finishes() { co_return 0; }
Coro<int> waits() {
    co_await sleep(1ms);
    co_return 0;
}
Coro<int> waits_forever() {
    co_await sleep(1h);
    co_return 0;
}
Coro<int> throws_at_once() {
    throw std::runtime_error("leaf");
    co_return 0;
}
Coro<int> throws_later() {
    co_await sleep(1ms);
    throw std::runtime_error("leaf");
}

AsyncGenerator<int> numbers(int count) {
    for (int i = 0; i < count; ++i) {
        co_yield i;
    }
}

}  // namespace

GYRE_TEST_CASE("ten million awaits of a coroutine that finishes at once") {
    const int count = full_or(loop, 10'000'000, 100'000);
    std::int64_t sum = 0;
    for (int i = 0; i < count; ++i) {
        int value = co_await number(1);
        sum += value;
    }
    CHECK(sum == count);
}

GYRE_TEST_CASE("a million awaits of what finishes at once: futures, queues, generators") {
    const int count = full_or(loop, 1'000'000, 10'000);
    Future<int> done = create_future<int>();
    done.set_result(1);
    Queue<int> queue;
    std::int64_t sum = 0;
    for (int i = 0; i < count; ++i) {
        sum += co_await done;
        co_await queue.put(1);
        sum += co_await queue.get();
    }
    CHECK(sum == 2 * static_cast<std::int64_t>(count));
    AsyncGenerator<int> generator = numbers(count);
    sum = 0;
    while (true) {
        std::optional<int> value = co_await generator.next();
        if (!value) {
            break;
        }
        ++sum;
    }
    CHECK(sum == count);
}

GYRE_TEST_CASE("a chain a million deep that finishes") {
    const int depth = full_or(loop, 1'000'000, 50'000);
    int value = co_await descend(depth, finishes);
    CHECK(value == depth);
}

GYRE_TEST_CASE("a chain a million deep that waits at the leaf") {
    const int depth = full_or(loop, 1'000'000, 50'000);
    int value = co_await descend(depth, waits);
    CHECK(value == depth);
}

GYRE_TEST_CASE("a chain a million deep that is cancelled at the leaf") {
    const int depth = throws_or(loop, 1'000'000, 20'000);
    Task<int> task = create_task(descend(depth, waits_forever));
    co_await ticks(2);
    CHECK(task.cancel("deep"));
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError(deep)");
    CHECK(task.cancelled());
}

GYRE_TEST_CASE("a chain a million deep that throws at the leaf") {
    const int depth = throws_or(loop, 1'000'000, 20'000);
    std::string end = co_await ending(descend(depth, throws_at_once));
    CHECK(end == "leaf");
    end = co_await ending(descend(throws_or(loop, 200'000, 20'000), throws_later));
    CHECK(end == "leaf");
}

GYRE_TEST_CASE("a hundred thousand tasks, each awaiting the next: ended, failed, cancelled") {
    const int length = throws_or(loop, 100'000, 5'000);
    auto awaits = [](Task<int> inner) -> Coro<int> {
        int value = co_await inner;
        co_return value + 1;
    };
    const auto chain = [&](Coro<int> leaf) {
        Task<int> last = create_task(std::move(leaf));
        for (int i = 0; i < length; ++i) {
            last = create_task(awaits(std::move(last)));
        }
        return last;
    };
    Task<int> ends = chain(waits());
    int value = co_await ends;
    CHECK(value == length);
    Task<int> fails_so = chain(throws_later());
    std::string end = co_await ending(fails_so);
    CHECK(end == "leaf");
    Task<int> cancelled = chain(waits_forever());
    co_await ticks(3);
    cancelled.cancel();
    end = co_await ending(cancelled);
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("a chain of shields and of gathers") {
    const int length = full_or(loop, 2'000, 500);
    Future<int> end = create_future<int>();
    Future<int> last = end;
    for (int i = 0; i < length; ++i) {
        last = shield(last);
    }
    end.set_result(1);
    int value = co_await last;
    CHECK(value == 1);

    Future<int> leaf = create_future<int>();
    using Gathered = Future<std::tuple<int>>;
    std::vector<Gathered> gathers;
    for (int i = 0; i < length; ++i) {
        gathers.push_back(gather(leaf));
    }
    auto all = gather(gathers);
    leaf.set_result(2);
    std::vector<std::tuple<int>> values = co_await all;
    CHECK(values.size() == gathers.size());
}
