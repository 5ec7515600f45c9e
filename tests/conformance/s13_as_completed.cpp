// Section 13: as_completed.
#include "support.hpp"

#include <optional>

namespace {

std::vector<Task<int>> staggered() {
    std::vector<Task<int>> tasks;
    tasks.push_back(create_task(later(3ms, 3)));
    tasks.push_back(create_task(later(1ms, 1)));
    tasks.push_back(create_task(later(2ms, 2)));
    return tasks;
}

}  // namespace

GYRE_TEST_CASE("as_completed: each distinct input once (S151)") {
    Future<int> future = create_future<int>();
    Task<int> task = create_task(number(2));
    std::vector<Future<int>> inputs{future, task, future, task};
    auto completions = as_completed(inputs);
    std::vector<Coro<int>> tickets = completions.tickets();
    CHECK(tickets.size() == 2);
    for (Coro<int>& ticket : tickets) {
        ticket.close();
    }
    auto again = as_completed(inputs);
    future.set_result(1);
    int count = 0;
    while (true) {
        auto next = co_await again.next();
        if (!next) {
            break;
        }
        ++count;
    }
    CHECK(count == 2);
    auto after = co_await again.next();
    CHECK(!after);
    std::vector<Task<int>> none;
    auto empty = as_completed(none);
    CHECK(empty.tickets().empty());
    auto nothing = co_await empty.next();
    CHECK(!nothing);
    co_await task;
}

GYRE_TEST_CASE("as_completed: the k-th ticket awaited gets the k-th to complete (S152, S153)") {
    auto completions = as_completed(staggered());
    std::vector<Coro<int>> tickets = completions.tickets();
    REQUIRE(tickets.size() == 3);
    // Out of order: the last ticket gets the first completion.
    int first = co_await std::move(tickets[2]);
    int second = co_await std::move(tickets[0]);
    int third = co_await std::move(tickets[1]);
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(third == 3);
}

GYRE_TEST_CASE("as_completed: tickets awaited beside each other (S152)" * in_order) {
    auto completions = as_completed(staggered());
    auto all = gather(completions.tickets());
    std::vector<int> values = co_await all;
    CHECK(values == std::vector<int>{1, 2, 3});
}

GYRE_TEST_CASE("as_completed: a ticket throws its input's exception (S153)") {
    std::vector<Coro<>> coros;
    coros.push_back(fails("boom"));
    coros.push_back(ticks(5));
    auto completions = as_completed(std::move(coros));
    std::vector<Coro<>> tickets = completions.tickets();
    std::string end = co_await ending(std::move(tickets[0]));
    CHECK(end == "boom");
    end = co_await ending(std::move(tickets[1]));
    CHECK(end == "done");
}

GYRE_TEST_CASE("as_completed: coroutines become tasks at the call" * in_order) {
    bool begun = false;
    std::vector<Coro<>> coros;
    auto body = [&]() -> Coro<> {
        begun = true;
        co_return;
    };
    coros.push_back(body());
    auto completions = as_completed(std::move(coros));
    CHECK(all_tasks().size() == 2);
    co_await sleep(0s);
    CHECK(begun);
    auto task = co_await completions.next();
    CHECK(task->done());
}

GYRE_TEST_CASE("as_completed: after the timeout each ticket throws; the inputs run on (S154)") {
    Task<int> quick = create_task(number(1));
    Future<int> slow = create_future<int>();
    Future<int> slower = create_future<int>();
    std::vector<Future<int>> inputs{quick, slow, slower};
    auto completions = as_completed(inputs, 3ms);
    std::string ends;
    for (Coro<int>& ticket : completions.tickets()) {
        std::string end = co_await ending(std::move(ticket));
        ends += end + " ";
    }
    CHECK(ends == "1 TimeoutError TimeoutError ");
    CHECK(!slow.done());
    CHECK(!slower.done());
    // The limit is over for the iteration alone.
    slow.set_result(2);
    int value = co_await slow;
    CHECK(value == 2);
}

GYRE_TEST_CASE("as_completed: iteration gives the inputs themselves, done (S155)") {
    std::vector<Task<int>> inputs = staggered();
    auto completions = as_completed(inputs);
    std::vector<Task<int>> order;
    while (true) {
        std::optional<Task<int>> next = co_await completions.next();
        if (!next) {
            break;
        }
        CHECK(next->done());
        order.push_back(*next);
    }
    REQUIRE(order.size() == 3);
    CHECK(order[0] == inputs[1]);
    CHECK(order[1] == inputs[2]);
    CHECK(order[2] == inputs[0]);
}

GYRE_TEST_CASE("as_completed: the iteration itself throws TimeoutError (S155)") {
    Future<int> never = create_future<int>();
    std::vector<Future<int>> inputs{never};
    auto completions = as_completed(inputs, 1ms);
    std::string end = co_await ending(completions.next());
    CHECK(end == "TimeoutError");
    CHECK(!never.done());
    std::optional<Future<int>> after = co_await completions.next();
    CHECK(!after);
}

GYRE_TEST_CASE("as_completed: broken off and taken up again, also by tickets (S155)") {
    auto completions = as_completed(staggered());
    std::optional<Task<int>> first = co_await completions.next();
    CHECK(outcome(*first) == "1");
    co_await sleep(8ms);
    std::vector<Coro<int>> rest = completions.tickets();
    REQUIRE(rest.size() == 2);
    int second = co_await std::move(rest[1]);
    int third = co_await std::move(rest[0]);
    CHECK(second == 2);
    CHECK(third == 3);
}

GYRE_TEST_CASE("as_completed: a cancelled next() loses nothing (S155)") {
    Future<int> future = create_future<int>();
    std::vector<Future<int>> inputs{future};
    auto completions = as_completed(inputs);
    std::string end = co_await ending(wait_for(completions.next(), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(!future.done());
    future.set_result(4);
    std::optional<Future<int>> next = co_await completions.next();
    CHECK(outcome(*next) == "4");
}

GYRE_TEST_CASE("as_completed: at the same moment: in order of the done-callbacks (S156)" *
               in_order) {
    std::vector<Future<int>> inputs;
    for (int i = 0; i < 4; ++i) {
        inputs.push_back(create_future<int>());
    }
    auto completions = as_completed(inputs);
    for (const int i : {2, 0, 3, 1}) {
        inputs[static_cast<std::size_t>(i)].set_result(i);
    }
    std::string order;
    while (true) {
        std::optional<Future<int>> next = co_await completions.next();
        if (!next) {
            break;
        }
        order += outcome(*next);
    }
    CHECK(order == "2031");
}

GYRE_TEST_CASE("as_completed let go with a limit: no timer stays, the inputs run on (S154)") {
    Task<int> slow = create_task(later(1ms, 2));
    {
        std::vector<Task<int>> inputs{slow};
        auto completions = as_completed(inputs, 1h);
        CHECK(loop.statistics().timers == 1);
    }
    CHECK(loop.statistics().timers == 0);
    int value = co_await slow;
    CHECK(value == 2);
}

GYRE_TEST_CASE("as_completed: futures of another loop are refused (S122)") {
    const std::unique_ptr<EventLoop> other = new_event_loop("virtual");
    const std::vector<Future<int>> futures{create_future<int>(), create_future<int>(*other)};
    CHECK(thrown_by([&] { return as_completed(futures); }) == "ValueError");
    co_return;
}

TEST_CASE("as_completed: outside of a running loop: RuntimeError (S71)") {
    const std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
    const std::vector<Future<int>> futures{create_future<int>(*loop)};
    CHECK(thrown_by([&] { return as_completed(futures); }) == "RuntimeError");
}
