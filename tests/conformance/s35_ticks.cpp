// Section 35: how many iterations of the loop each thing takes.
#include "support.hpp"

#include <functional>
#include <memory>

namespace {

Coro<int> immediate() { co_return 1; }

}  // namespace

GYRE_TEST_CASE("ticks: nothing passes for what is ready (S409)") {
    Ticks ticks(loop);
    co_await sleep(0s);
    const int start = ticks.count();
    Future<int> done = create_future<int>();
    done.set_result(1);
    co_await done;
    co_await immediate();
    Queue<int> queue;
    co_await queue.put(1);
    static_cast<void>(co_await queue.get());
    co_await gather();
    co_await gather(done, done);
    co_await with_task_group([](TaskGroup&) -> Coro<> { co_return; });
    co_await wait_for(immediate(), std::nullopt);
    co_await wait_for(immediate(), 1s);
    CHECK(ticks.count() == start);
}

GYRE_TEST_CASE("ticks: the table of what waits (S77, S409)" * in_order) {
    Ticks ticks(loop);
    co_await sleep(0s);
    int start = ticks.count();
    const auto passed = [&] {
        const int count = ticks.count() - start;
        start = ticks.count();
        return count;
    };

    co_await sleep(0s);
    CHECK(passed() == 1);

    co_await create_task(immediate());
    CHECK(passed() == 2);

    auto gathered = gather(immediate(), immediate());
    co_await gathered;
    CHECK(passed() == 3);

    std::vector<Task<int>> tasks;
    tasks.push_back(create_task(immediate()));
    auto waiting = wait(tasks);
    static_cast<void>(co_await std::move(waiting));
    CHECK(passed() == 3);
    auto again = wait(tasks);
    static_cast<void>(co_await std::move(again));
    CHECK(passed() == 2);

    bool timed_out = false;
    try {
        co_await wait_for(immediate(), 0s);
    } catch (const TimeoutError&) {
        timed_out = true;
    }
    CHECK(timed_out);
    CHECK(passed() == 3);

    co_await with_task_group([](TaskGroup& group) -> Coro<> {
        group.create_task(immediate());
        co_return;
    });
    CHECK(passed() == 3);

    std::vector<Coro<int>> one;
    one.push_back(immediate());
    auto completions = as_completed(std::move(one));
    auto first = co_await completions.next();
    co_await *first;
    CHECK(passed() == 3);

    timed_out = false;
    try {
        co_await timeout(0s, [] { return forever(); });
    } catch (const TimeoutError&) {
        timed_out = true;
    }
    CHECK(timed_out);
    CHECK(passed() == 2);
}

GYRE_TEST_CASE("ticks: a future's result reaches its awaiter one iteration later (S75)" *
               in_order) {
    Ticks ticks(loop);
    co_await sleep(0s);
    Future<int> future = create_future<int>();
    int set_at = 0;
    loop.call_soon([&] {
        set_at = ticks.count();
        future.set_result(1);
    });
    co_await future;
    CHECK(ticks.count() - set_at == 1);

    int called_at = 0;
    set_at = ticks.count();
    future.add_done_callback([&] { called_at = ticks.count(); });
    co_await sleep(0s);
    CHECK(called_at - set_at == 1);
}

GYRE_TEST_CASE("ticks: a cancel reaches the body after one, its awaiter after two (S96)" *
               in_order) {
    Ticks ticks(loop);
    co_await sleep(0s);
    int in_body = 0;
    Task<> task = create_task([&]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            in_body = ticks.count();
            throw;
        }
    });
    co_await sleep(0s);
    const int start = ticks.count();
    task.cancel();
    try {
        co_await task;
    } catch (const CancelledError&) {
    }
    CHECK(in_body - start == 1);
    CHECK(ticks.count() - start == 2);
}

GYRE_TEST_CASE(
    "ticks: of several it is the last end that counts, whoever waits (S119, S133, S177)" *
    in_order) {
    Ticks clock(loop);
    co_await sleep(0s);
    std::vector<std::vector<int>> orders{{3}, {3, 0, 1}, {0, 3, 3}, {1, 0, 3}};
    for (const bool eager : {false, true}) {
        const int last = eager ? 5 : 6;
        for (const std::vector<int>& lengths : orders) {
            int start = clock.count();
            const auto body = [&](TaskGroup& group) -> Coro<> {
                for (const int length : lengths) {
                    group.create_task(ticks(length), {.eager_start = eager});
                }
                co_return;
            };
            co_await with_task_group(body);
            CHECK(clock.count() - start == last);

            const auto make_all = [&] {
                std::vector<Task<>> all;
                for (const int length : lengths) {
                    all.push_back(create_task(ticks(length), {.eager_start = eager}));
                }
                return all;
            };
            std::vector<Task<>> tasks = make_all();
            start = clock.count();
            auto gathered = gather(tasks);
            co_await gathered;
            CHECK(clock.count() - start == last);

            tasks = make_all();
            start = clock.count();
            auto waiting = wait(tasks);
            static_cast<void>(co_await std::move(waiting));
            CHECK(clock.count() - start == last);
        }
    }
}
