// Every allocation of a program fails once: std::bad_alloc comes out and nothing else, and nothing
// stays. Under AddressSanitizer each coroutine frame and task is an allocation of its own;
// elsewhere most of them are recycled.
#include "support.hpp"

#include <cstdlib>
#include <new>

#if !GYRE_TEST_TSAN  // it brings its own operator new

namespace {
long failing_in = -1;  // allocations until the one that fails; negative: none does
bool failed = false;
long alive = 0;
}  // namespace

void* operator new(std::size_t size) {
    if (failing_in >= 0 && failing_in-- == 0) {
        failed = true;
        throw std::bad_alloc();
    }
    if (void* memory = std::malloc(size)) {
        ++alive;
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    alive -= memory != nullptr ? 1 : 0;
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept { operator delete(memory); }

namespace {

Coro<int> child(int value) {
    co_await sleep(1ms);
    co_return value;
}

Coro<> creates_tasks() {
    Task<int> one = create_task(child(1));
    Task<int> two = create_task(child(2), {.name = "a name that does not fit into a short string"});
    int sum = co_await one;
    sum += co_await two;
    CHECK(sum == 3);
}

Coro<> awaits_coroutines() {
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        sum += co_await child(i);
    }
    CHECK(sum == 3);
}

Coro<> gathers() {
    auto [one, two] = co_await gather(child(1), child(2));
    std::vector<Coro<int>> more;
    more.push_back(child(3));
    more.push_back(child(4));
    std::vector<int> values = co_await gather(std::move(more));
    CHECK(one + two + values[0] + values[1] == 10);
}

Coro<> has_time_limits() {
    int value = co_await wait_for(child(1), 1h);
    CHECK(value == 1);
    bool over = false;
    try {
        static_cast<void>(co_await wait_for(child(2), 1us));
    } catch (const TimeoutError&) {
        over = true;
    }
    CHECK(over);
    int inside = co_await timeout(1h, [](Timeout&) { return child(3); });
    CHECK(inside == 3);
}

Coro<> groups_tasks() {
    int sum = co_await with_task_group([](TaskGroup& group) -> Coro<int> {
        Task<int> one = group.create_task(child(1));
        Task<int> two = group.create_task(child(2));
        int first = co_await one;
        int second = co_await two;
        co_return first + second;
    });
    CHECK(sum == 3);
}

Coro<> waits_for_tasks() {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(child(i)));
    }
    auto outcome = co_await wait(tasks);
    CHECK(outcome.done.size() == 3);
    auto in_order = as_completed(tasks);
    int count = 0;
    while (auto next = co_await in_order.next()) {
        int value = co_await *next;
        count += value >= 0 ? 1 : 0;
    }
    CHECK(count == 3);
    int value = co_await shield(tasks[2]);
    CHECK(value == 2);
}

Coro<> feeds(Queue<int>& queue) {
    for (int i = 0; i < 3; ++i) {
        co_await queue.put(i);
    }
}

Coro<> uses_queues() {
    Queue<int> queue(1);
    co_await with_task_group([&queue](TaskGroup& group) -> Coro<> {
        group.create_task(feeds(queue));
        int sum = 0;
        for (int i = 0; i < 3; ++i) {
            sum += co_await queue.get();
        }
        CHECK(sum == 3);
    });
}

Coro<> enters(Lock& lock, Semaphore& semaphore) {
    auto guard = co_await lock.scoped();
    auto permit = co_await semaphore.scoped();
    co_await sleep(0s);
}

Coro<> sets(Event& event) {
    event.set();
    co_return;
}

Coro<> uses_locks() {
    Lock lock;
    Semaphore semaphore(1);
    Event event;
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        group.create_task(enters(lock, semaphore));
        group.create_task(enters(lock, semaphore));
        group.create_task(sets(event));
        co_await event.wait();
    });
    CHECK(!lock.locked());
}

AsyncGenerator<int> counts() {
    for (int i = 0; i < 3; ++i) {
        co_await sleep(0s);
        co_yield i;
    }
}

Coro<> uses_generators() {
    std::vector<int> values = co_await collect(counts() | transform([](int i) { return i + 1; }));
    CHECK(values.size() == 3);
    CHECK(values.back() == 3);
}

Coro<> cancels() {
    Task<> sleeper = create_task(forever());
    co_await sleep(0s);
    sleeper.cancel("a message that does not fit into a short string");
    bool cancelled = false;
    try {
        co_await sleeper;
    } catch (const CancelledError&) {
        cancelled = true;
    }
    CHECK(cancelled);
}

Coro<> uses_the_loop() {
    Future<int> future = create_future<int>();
    EventLoop& loop = get_running_loop();
    std::string text = "a capture that does not fit into the callback itself, nor a short string";
    // A callback that throws has nobody who hears of it but the exception handler.
    loop.call_soon([text] {});
    loop.call_later(1ms, [text, future]() mutable { future.set_result(1); });
    static int calls;
    calls = 0;
    future.add_done_callback([](const Future<int>&) { ++calls; });
    int value = co_await future;
    co_await sleep(0s);
    CHECK(value == 1);
    CHECK(calls == 1);
}

ContextVar<int> variable("variable", 0);

Coro<> uses_contexts() {
    auto token = variable.set(1);
    Task<> task = create_task([]() -> Coro<> {
        variable.set(2);
        co_return;
    });
    co_await task;
    CHECK(variable.get() == 1);
    variable.reset(token);
}

// Runs it with the first allocation failing, then the second, until none is left to fail.
void fail_everywhere(const char* name, Coro<> (*scenario)()) {
    for (const std::string& spec : testing::test_loops()) {
        run(scenario(), {.loop = spec});  // what is made once, on first use, is made now
        int rounds = 0;
        do {
            std::string end = "nothing";
            const long alive_before = alive;
            failed = false;
            try {
                Runner runner({.loop = spec});
                runner.get_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
                failing_in = rounds;
                struct Disarm {
                    ~Disarm() { failing_in = -1; }
                } disarm;
                runner.run(scenario());
                runner.close();
            } catch (const std::bad_alloc&) {
                end = "bad_alloc";
            } catch (const ExceptionGroup& group) {
                end = "bad_alloc";
                for (const std::exception_ptr& each : group.exceptions()) {
                    end = name_of(each) == std::bad_alloc().what() ? end : name_of(each);
                }
            } catch (...) {
                end = name_of(std::current_exception());
            }
            INFO(std::string(name), " on ", spec, ", allocation ", rounds, " failing");
            CHECK(end == std::string(failed ? "bad_alloc" : "nothing"));
            CHECK(detail::step.live_frames == 0);
            if (GYRE_TEST_ASAN && rounds > 0) {  // the first throw makes what all share
                CHECK(alive == alive_before);
            }
            ++rounds;
        } while (failed);
        CHECK(rounds > 1);
    }
}

}  // namespace

#define GYRE_FAIL_EVERYWHERE(scenario) \
    TEST_CASE("each allocation fails once: " #scenario) { fail_everywhere(#scenario, scenario); }

GYRE_FAIL_EVERYWHERE(creates_tasks)
GYRE_FAIL_EVERYWHERE(awaits_coroutines)
GYRE_FAIL_EVERYWHERE(gathers)
GYRE_FAIL_EVERYWHERE(has_time_limits)
GYRE_FAIL_EVERYWHERE(groups_tasks)
GYRE_FAIL_EVERYWHERE(waits_for_tasks)
GYRE_FAIL_EVERYWHERE(uses_queues)
GYRE_FAIL_EVERYWHERE(uses_locks)
GYRE_FAIL_EVERYWHERE(uses_generators)
GYRE_FAIL_EVERYWHERE(cancels)
GYRE_FAIL_EVERYWHERE(uses_the_loop)
GYRE_FAIL_EVERYWHERE(uses_contexts)

#endif
