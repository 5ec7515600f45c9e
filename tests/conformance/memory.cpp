// Memory: what a sleeping task costs, what must not allocate, and that nothing stays.
#include "../process.hpp"
#include "support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

#if !GYRE_TEST_SANITIZED

namespace {
std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace {

constexpr std::size_t kTasks = 1'000'000;   // on one loop
constexpr std::size_t kFewTasks = 500'000;  // on the others: nothing here is theirs

Coro<> asleep() { co_await sleep(1h); }

Coro<double> sleep_all(std::size_t count) {
    const std::size_t before = resident_bytes();
    std::vector<Coro<>> coros;
    coros.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        coros.push_back(asleep());
    }
    auto all = gather(std::move(coros));
    coros = std::vector<Coro<>>();
    co_await ticks(2);
    const std::size_t during = resident_bytes();
    all.cancel();
    std::string end = co_await ending(all);
    while (all_tasks().size() > 1) {
        co_await sleep(0s);
    }
    co_return static_cast<double>(during - before) / static_cast<double>(count);
}

// f() in a process of its own, so that there is no memory to be reused.
template <class F>
double in_child(F f) {
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const double result = f();
        const bool written = ::write(ends[1], &result, sizeof result) == sizeof result;
        ::_exit(written && detail::step.live_frames == 0 ? 0 : 1);
    }
    ::close(ends[1]);
    double result = 0;
    const bool read = ::read(ends[0], &result, sizeof result) == sizeof result;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(read);
    CHECK(status == 0);
    return result;
}

}  // namespace

TEST_CASE("a million tasks asleep, gathered: at most 320 bytes each") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const std::size_t count = spec == "virtual" ? kTasks : kFewTasks;
        const double each = in_child([&] { return run(sleep_all(count), {.loop = spec}); });
        MESSAGE(spec, ": ", each, " bytes a sleeping task");
        CHECK(each > 64);  // else the measurement is wrong
        CHECK(each <= 320);
    }
}

TEST_CASE("tasks that slept leave no memory behind") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const double grown = in_child([&] {
            const auto round = [&] { static_cast<void>(run(sleep_all(30'000), {.loop = spec})); };
            round();  // what malloc keeps settles
            round();
            round();
            const std::size_t before = resident_bytes();
            for (int i = 0; i < 8; ++i) {
                round();
            }
            return static_cast<double>(resident_bytes()) - static_cast<double>(before);
        });
        // One block lost by each task would be four times as much at least.
        CHECK(grown < 1e6);
    }
}

GYRE_TEST_CASE("a step, a sleep, a wait and an await do not allocate") {
    Queue<int> there;
    Queue<int> back;
    Event event;
    bool over = false;
    auto echo = [&]() -> Coro<> {
        while (!over) {
            int item = co_await there.get();
            co_await back.put(item);
        }
    };
    Task<> task = create_task(echo());
    const auto round = [&]() -> Coro<> {
        co_await sleep(0s);
        co_await sleep(1us);
        co_await number(1);
        co_await there.put(1);
        int item = co_await back.get();
        static_cast<void>(item);
        event.set();
        co_await event.wait();
        event.clear();
    };
    // A deque's blocks come and go with the items that pass: those are the queue's own.
    for (int i = 0; i < 200; ++i) {
        co_await round();
    }
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) {
        co_await round();
    }
    const std::size_t during = allocations - before;
    over = true;
    co_await there.put(2);
    static_cast<void>(co_await back.get());
    co_await task;
    MESSAGE(during, " allocations in 100 rounds");
    CHECK(during <= 4);
}

GYRE_TEST_CASE("tasks and futures that come and go reuse their memory") {
    for (int i = 0; i < 100; ++i) {
        co_await create_task(number(1));
    }
    const std::size_t before = allocations;
    for (int i = 0; i < 1000; ++i) {
        Task<int> task = create_task(number(1));
        co_await task;
        Future<int> future = create_future<int>();
        future.set_result(1);
        co_await future;
    }
    CHECK(allocations - before == 0);
}

#endif

namespace {

// Things that hold on to each other in every way a run may end.
Coro<> tangle(Queue<int>& queue, Event& event) {
    struct Bodies {
        static Coro<> getter(Queue<int>& from) { static_cast<void>(co_await from.get()); }
        static Coro<> waiter(Event& until) { co_await until.wait(); }
        static Coro<> nested(Queue<int>& from) {
            co_await with_task_group([&](TaskGroup& group) -> Coro<> {
                group.create_task(getter(from));
                co_await wait_for(getter(from), 1h);
            });
        }
        static AsyncGenerator<int> endless() {
            for (int i = 0;; ++i) {
                co_yield i;
                co_await sleep(1h);
            }
        }
        static Coro<> generating() {
            AsyncGenerator<int> generator = endless();
            while (true) {
                static_cast<void>(co_await generator.next());
            }
        }
    };
    create_task(Bodies::nested(queue));
    create_task(Bodies::waiter(event));
    create_task(Bodies::generating());
    auto all = gather(Bodies::getter(queue), Bodies::waiter(event));
    create_task([all]() -> Coro<> { co_await shield(all); });
    co_await ticks(4);
}

enum class Way { value, exception, exit_error, interrupt, deadlock };

Coro<int> leaves(Way way) {
    Queue<int> queue;
    Event event;
    co_await tangle(queue, event);
    switch (way) {
        case Way::value:
            break;
        case Way::exception:
            throw std::runtime_error("boom");
        case Way::exit_error:
            throw SystemExit(1);
        case Way::interrupt:
            std::raise(SIGINT);
            co_await sleep(1h);
            break;
        case Way::deadlock: {
            Future<int> never = create_future<int>();
            int value = co_await never;
            co_return value;
        }
    }
    co_return 5;
}

}  // namespace

TEST_CASE("every way out of a run frees every frame: value, exception, exit error, Ctrl-C") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const DefaultInterrupt default_interrupt;
        const auto frames = detail::step.live_frames;
        CHECK(run(leaves(Way::value), {.loop = spec}) == 5);
        CHECK(detail::step.live_frames == frames);
        CHECK(thrown_by([&] { return run(leaves(Way::exception), {.loop = spec}); }) == "boom");
        CHECK(detail::step.live_frames == frames);
        CHECK(thrown_by([&] { return run(leaves(Way::exit_error), {.loop = spec}); }) ==
              "SystemExit");
        CHECK(detail::step.live_frames == frames);
        CHECK(thrown_by([&] { return run(leaves(Way::interrupt), {.loop = spec}); }) ==
              "KeyboardInterrupt");
        CHECK(detail::step.live_frames == frames);
    }
}

TEST_CASE("a deadlock on the virtual loop names the tasks and frees every frame") {
    const auto frames = detail::step.live_frames;
    auto waits = [](Queue<int>& queue) -> Coro<> { static_cast<void>(co_await queue.get()); };
    auto main = [&]() -> Coro<> {
        Queue<int> queue;
        Task<> child = create_task(waits(queue), {.name = "starving"});
        co_await child;
    };
    std::string text;
    try {
        run(main(), {.loop = "virtual"});
    } catch (const DeadlockError& error) {
        text = error.what();
    }
    CHECK(text.find("starving") != std::string::npos);
    CHECK(text.find("memory.cpp") != std::string::npos);
    CHECK(detail::step.live_frames == frames);
}

TEST_CASE("a loop that goes with everything pending frees every frame") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        create_task(*loop, leaves(Way::deadlock));
        run_until_complete(*loop, ticks(8));
        CHECK(detail::step.live_frames > frames + 10);
        loop->close();
        CHECK(reports.count() >= 6);
        CHECK(detail::step.live_frames == frames);
    }
}
