// Patterns that some compilers get wrong, each in its safe form, with gyre's own types: every
// object that is made is destroyed exactly once.
#include "support.hpp"

#include <memory>
#include <optional>
#include <tuple>

namespace {

// Counts its objects; one destroyed twice, or never made, is seen at once.
class Counted {
public:
    static inline int live = 0;
    static inline int wrong = 0;

    explicit Counted(int of = 0) : value(of) { born(); }
    Counted(const Counted& other) : value(other.value) { born(); }
    Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { born(); }
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&& other) noexcept {
        value = std::exchange(other.value, -1);
        return *this;
    }
    ~Counted() {
        wrong += self_ == this ? 0 : 1;
        self_ = nullptr;
        --live;
    }

    int value;

private:
    void born() noexcept {
        self_ = this;
        ++live;
    }
    const Counted* self_ = nullptr;
};

// What a case leaves behind.
class Balance {
public:
    Balance() : live_(Counted::live) {}
    Balance(const Balance&) = delete;
    Balance& operator=(const Balance&) = delete;
    ~Balance() {
        CHECK(Counted::live == live_);
        CHECK(Counted::wrong == 0);
    }

private:
    int live_;
};

// A declared constructor is what makes it safe as a temporary.
struct Options {
    Options() = default;
    Counted name;
    std::string text = "a text that does not fit into the string itself";
};
struct Aggregate {
    Counted first;
    Counted second;
};

Coro<int> with_options(Options options = {}) {
    co_await sleep(0s);
    co_return options.name.value + static_cast<int>(options.text.size());
}
Coro<int> with_aggregate(Aggregate both) {
    co_await sleep(0s);
    co_return both.first.value + both.second.value;
}
Coro<Counted> counted(int value) {
    co_await sleep(0s);
    co_return Counted(value);
}
Coro<Counted> counted_at_once(int value) { co_return Counted(value); }
Coro<bool> truth(bool value) {
    co_await sleep(0s);
    co_return value;
}
Coro<Counted> counted_error() {
    Counted local(1);
    co_await sleep(0s);
    throw std::runtime_error("boom");
}

AsyncGenerator<Counted> three() {
    for (int i = 0; i < 3; ++i) {
        co_yield Counted(i);
        co_await sleep(0s);
    }
}

// The condition is bound before it is looked at.
Coro<int> no_local_of_its_own(int count) {
    const bool first = co_await truth(count > 0);
    if (!first) {
        co_return 0;
    }
    while (true) {
        const bool more = co_await truth(--count > 0);
        if (!more) {
            break;
        }
    }
    co_return 1;
}

// The error is kept, and what awaits comes after the handler.
Coro<int> awaits_after_catch() {
    std::exception_ptr error;
    try {
        Counted value = co_await counted_error();
        co_return value.value;
    } catch (const std::runtime_error&) {
        error = std::current_exception();
    }
    Counted value = co_await counted(2);
    co_return error != nullptr ? value.value : 0;
}

Coro<Counted> chosen(bool first) {
    if (first) {
        Counted value = co_await counted(1);
        co_return value;
    }
    Counted value = co_await counted_at_once(2);
    co_return value;
}

}  // namespace

GYRE_TEST_CASE("canary: options as a temporary, by default, and braced") {
    Balance balance;
    int value = co_await with_options(Options());
    int same = co_await with_options();
    CHECK(value == same);
    int braced = co_await with_options({});
    CHECK(braced == same);
    Options named;
    named.name.value = 5;
    int moved = co_await with_options(std::move(named));
    CHECK(moved == same + 5);
}

GYRE_TEST_CASE("canary: gyre's own options in the awaiting statement") {
    Balance balance;
    Counted value = co_await create_task(counted(3), {.name = "named in the statement"});
    CHECK(value.value == 3);
    std::vector<Task<Counted>> tasks;
    tasks.push_back(create_task(counted(4), {.name = "another"}));
    tasks.push_back(create_task(counted(5)));
    auto waited = co_await wait(tasks, {.timeout = 1s, .return_when = FIRST_COMPLETED});
    CHECK(!waited.done.empty());
    auto rest = co_await wait(tasks);
    CHECK(rest.pending.empty());
}

GYRE_TEST_CASE("canary: an aggregate is named, then moved") {
    Balance balance;
    Aggregate both{Counted(1), Counted(2)};
    int sum = co_await with_aggregate(std::move(both));
    CHECK(sum == 3);
    // Its parts are awaited into locals first.
    Counted first = co_await counted(3);
    Counted second = co_await counted_at_once(4);
    Aggregate made{std::move(first), std::move(second)};
    sum = co_await with_aggregate(std::move(made));
    CHECK(sum == 7);
}

GYRE_TEST_CASE("canary: lambdas that capture are named, then moved") {
    Balance balance;
    Counted captured(6);
    auto body = [captured]() -> Coro<int> {
        co_await sleep(0s);
        co_return captured.value;
    };
    auto copy = body;
    int value = co_await timeout(1s, std::move(copy));
    CHECK(value == 6);
    value = co_await create_task(std::move(body));
    CHECK(value == 6);
    auto group = [captured](TaskGroup& tasks) -> Coro<int> {
        auto child = [captured]() -> Coro<> { co_await sleep(0s); };
        tasks.create_task(std::move(child));
        co_return captured.value;
    };
    value = co_await with_task_group(std::move(group));
    CHECK(value == 6);
    auto with_arguments = [captured](Counted more) -> Coro<int> {
        co_await sleep(0s);
        co_return captured.value + more.value;
    };
    Task<int> task = create_task(std::move(with_arguments), Counted(4));
    value = co_await task;
    CHECK(value == 10);
}

GYRE_TEST_CASE("canary: lambdas that refer may stand in the statement") {
    Balance balance;
    Counted here(2);
    int value = co_await timeout(1s, [&]() -> Coro<int> {
        co_await sleep(0s);
        co_return here.value;
    });
    CHECK(value == 2);
    value = co_await with_task_group([&](TaskGroup& group) -> Coro<int> {
        group.create_task([&]() -> Coro<> {
            Counted local(here);
            co_await sleep(0s);
        });
        co_return here.value;
    });
    CHECK(value == 2);
}

GYRE_TEST_CASE("canary: tuples and pairs of awaited values") {
    Balance balance;
    std::pair<Counted, Counted> pair(co_await counted(1), co_await counted_at_once(2));
    CHECK(pair.first.value + pair.second.value == 3);
    std::tuple<Counted, Counted> tuple(co_await counted_at_once(3), co_await counted(4));
    CHECK(std::get<0>(tuple).value + std::get<1>(tuple).value == 7);
}

GYRE_TEST_CASE("canary: a vector is built first, or the variadic form is used") {
    Balance balance;
    std::vector<Coro<Counted>> coros;
    coros.push_back(counted(1));
    coros.push_back(counted_at_once(2));
    std::vector<Counted> values = co_await gather(std::move(coros));
    CHECK(values[0].value + values[1].value == 3);
    auto both = co_await gather(counted(3), counted_at_once(4));
    auto& [third, fourth] = both;
    CHECK(third.value + fourth.value == 7);
    auto results = co_await gather(return_exceptions, counted(5), counted_error());
    CHECK(std::get<0>(results)->value == 5);
    CHECK(name_of(std::get<1>(results).error()) == "boom");
}

GYRE_TEST_CASE("canary: if and else in place of ?: beside co_await") {
    Balance balance;
    for (const bool first : {true, false}) {
        Counted value = co_await chosen(first);
        CHECK(value.value == (first ? 1 : 2));
    }
}

GYRE_TEST_CASE("canary: conditions are bound to a local") {
    int value = co_await no_local_of_its_own(3);
    CHECK(value == 1);
    value = co_await no_local_of_its_own(0);
    CHECK(value == 0);
}

GYRE_TEST_CASE("canary: awaiting after the handler") {
    Balance balance;
    int value = co_await awaits_after_catch();
    CHECK(value == 2);
}

GYRE_TEST_CASE("canary: each awaitable as a temporary, with a value that counts") {
    Balance balance;
    Queue<Counted> queue(1);
    co_await queue.put(Counted(1));
    Counted got = co_await queue.get();
    CHECK(got.value == 1);
    Task<> blocked = create_task([&]() -> Coro<> {
        co_await queue.put(Counted(2));
        co_await queue.put(Counted(3));
    });
    co_await ticks(2);
    got = co_await queue.get();
    CHECK(got.value == 2);
    co_await blocked;
    got = co_await queue.get();
    CHECK(got.value == 3);
    Counted slept = co_await sleep(0s, Counted(4));
    CHECK(slept.value == 4);
    Counted limited = co_await wait_for(counted(5), 1s);
    CHECK(limited.value == 5);
    Counted shielded = co_await shield(counted(6));
    CHECK(shielded.value == 6);
    Counted task = co_await create_task(counted(7));
    CHECK(task.value == 7);
    std::vector<Counted> all = co_await collect(three() | take(2));
    CHECK(all.size() == 2);
    AsyncGenerator<Counted> generator = three();
    std::optional<Counted> next = co_await generator.next();
    CHECK(next->value == 0);
    co_await generator.aclose();
    std::string end = co_await ending(wait_for(queue.get(), 1ms));
    CHECK(end == "TimeoutError");
    end = co_await ending(queue.put(Counted(8)));
    CHECK(end == "done");
}

GYRE_TEST_CASE("canary: exceptions and cancels pass through every kind of await") {
    Balance balance;
    std::string end = co_await ending(counted_error());
    CHECK(end == "boom");
    end = co_await ending(create_task(counted_error()));
    CHECK(end == "boom");
    end = co_await ending(wait_for(counted_error(), 1s));
    CHECK(end == "boom");
    end = co_await ending(gather(counted(1), counted_error()));
    CHECK(end == "boom");
    end = co_await ending(shield(counted_error()));
    CHECK(end == "boom");
    Queue<Counted> full(1);
    co_await full.put(Counted(1));
    Task<> putting = create_task([&]() -> Coro<> {
        Counted local(2);
        co_await full.put(Counted(3));
    });
    co_await ticks(2);
    putting.cancel();
    end = co_await ending(putting);
    CHECK(end == "CancelledError");
    co_await ticks(2);
}

TEST_CASE("canary: a frame destroyed where it waits destroys each of its objects once") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        Balance balance;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        auto body = []() -> Coro<> {
            Counted local(1);
            auto both = co_await gather(counted(2), counted_at_once(3));
            auto& [second, third] = both;
            AsyncGenerator<Counted> generator = three();
            std::optional<Counted> value = co_await generator.next();
            Queue<Counted> full(1);
            co_await full.put(Counted(second));
            co_await full.put(Counted(third));
        };
        create_task(*loop, body());
        auto suspended = []() -> Coro<int> {
            Options options;
            int value = co_await with_options(std::move(options));
            auto all = co_await gather(sleep(1h, Counted(4)), counted(5));
            auto& [first, rest] = all;
            co_return value + first.value + rest.value;
        };
        create_task(*loop, suspended());
        run_until_complete(*loop, ticks(10));
        loop->close();
        CHECK(reports.count() >= 2);
    }
}

GYRE_TEST_CASE("canary: where a task waits is known to the line") {
    int line = 0;
    Task<> task = create_task([&]() -> Coro<> {
        co_await sleep(0s);
        line = __LINE__ + 1;
        co_await sleep(1h);
    });
    co_await ticks(3);
    const std::string where = task.get_coro();
    CHECK(where.ends_with("compiler_canaries.cpp:" + std::to_string(line)));
    task.cancel();
    co_await ending(task);
}
