// Each primitive and combinator, with each of its tasks cancelled at each step it takes: nothing is
// lost, nothing is held, nothing stays.
#include "support.hpp"

#include <numeric>

namespace {

// The tasks of a scenario: any of them may be cancelled.
class Actors {
public:
    void add(Coro<> coro) { tasks_.push_back(create_task(std::move(coro))); }
    [[nodiscard]] const std::vector<Task<>>& tasks() const { return tasks_; }
    [[nodiscard]] bool exist(std::size_t index) const { return index < tasks_.size(); }

    // Completes when all have ended, however that be.
    Coro<> ended() const {
        for (const Task<>& task : tasks_) {
            std::string end = co_await ending(task);
            const bool expected = end == "done" || end == "CancelledError" || end == "TimeoutError";
            CHECK_MESSAGE(expected, end);
        }
    }

private:
    std::vector<Task<>> tasks_;
};

using Scenario = Coro<> (*)(Actors&);

// Cancels a task in the iteration of that number.
class CancelAt {
public:
    CancelAt(EventLoop& loop, Actors& actors, std::size_t victim, int iteration)
        : loop_(loop), actors_(actors), victim_(victim), left_(iteration) {
        tick();
    }
    CancelAt(const CancelAt&) = delete;
    CancelAt& operator=(const CancelAt&) = delete;
    ~CancelAt() { handle_.cancel(); }

    [[nodiscard]] bool hit() const { return hit_; }

private:
    void tick() {
        if (left_-- > 0) {
            handle_ = loop_.call_soon([this] { tick(); });
        } else if (actors_.exist(victim_)) {
            hit_ = Task<>(actors_.tasks()[victim_]).cancel();
        }
    }

    EventLoop& loop_;
    Actors& actors_;
    std::size_t victim_;
    int left_;
    bool hit_ = false;
    Handle handle_;
};

// While the iterations are counted the virtual clock stands still: a task may wait for it.
constexpr int kMostSteps = 16;

Coro<int> cancel_each_step(Scenario scenario) {
    int cancelled = 0;
    std::size_t actors_seen = 1;
    for (std::size_t victim = 0; victim < actors_seen; ++victim) {
        bool hit = true;
        for (int step = 1; hit && step <= kMostSteps; ++step) {
            INFO("task ", victim, " cancelled at step ", step);
            const auto frames = detail::step.live_frames;
            const std::size_t tasks = all_tasks().size();
            {
                Actors actors;
                CancelAt cancel(get_running_loop(), actors, victim, step);
                co_await scenario(actors);
                hit = cancel.hit();
                cancelled += hit ? 1 : 0;
                actors_seen = actors.tasks().size();
            }
            co_await sleep(0s);
            CHECK(all_tasks().size() == tasks);
            CHECK(detail::step.live_frames == frames);
        }
    }
    co_return cancelled;
}

// One that never cancels anything would prove nothing.
#define GYRE_CANCEL_EVERYWHERE(name, scenario, at_least)          \
    GYRE_TEST_CASE(name) {                                        \
        int cancelled = co_await cancel_each_step(scenario);      \
        CHECK_MESSAGE(cancelled >= at_least, "only ", cancelled); \
    }

// --- locks
// ----------------------------------------------------------------------------------------

struct Crossing {
    int inside = 0;
    int most = 0;
    void enter() { most = std::max(most, ++inside); }
    void leave() { --inside; }
};

template <class L>
Coro<> cross(L& lock, Crossing& crossing) {
    auto guard = co_await lock.scoped();
    crossing.enter();
    try {
        co_await ticks(2);
    } catch (...) {
        crossing.leave();
        throw;
    }
    crossing.leave();
}

Coro<> lock_scenario(Actors& actors) {
    Lock lock;
    Crossing crossing;
    for (int i = 0; i < 4; ++i) {
        actors.add(cross(lock, crossing));
    }
    co_await actors.ended();
    CHECK(crossing.most == 1);
    CHECK(!lock.locked());
    CHECK(lock.statistics().waiting == 0);
}

Coro<> semaphore_scenario(Actors& actors) {
    BoundedSemaphore semaphore(2);
    Crossing crossing;
    for (int i = 0; i < 5; ++i) {
        actors.add(cross(semaphore, crossing));
    }
    co_await actors.ended();
    CHECK(crossing.most == 2);
    CHECK(semaphore.statistics().free == 2);
    CHECK(semaphore.statistics().waiting == 0);
}

Coro<> waits_for(Event& event) { co_await event.wait(); }

Coro<> event_scenario(Actors& actors) {
    Event event;
    for (int i = 0; i < 3; ++i) {
        actors.add(waits_for(event));
    }
    co_await ticks(3);
    event.set();
    co_await actors.ended();
    CHECK(event.statistics().waiting == 0);
}

struct Shelf {
    Condition changed;
    int items = 0;
    int taken = 0;
    bool closed = false;
};

Coro<> take_one(Shelf& shelf) {
    auto guard = co_await shelf.changed.scoped();
    co_await shelf.changed.wait_for([&shelf] { return shelf.items > 0 || shelf.closed; });
    if (shelf.items > 0) {
        --shelf.items;
        ++shelf.taken;
    }
}

Coro<> bring_one(Shelf& shelf) {
    auto guard = co_await shelf.changed.scoped();
    ++shelf.items;
    shelf.changed.notify();
    co_await sleep(0s);
}

// As many notices as items: a lost one would leave a taker waiting beside an item.
Coro<> condition_scenario(Actors& actors) {
    Shelf shelf;
    for (int i = 0; i < 3; ++i) {
        actors.add(take_one(shelf));
    }
    for (int i = 0; i < 3; ++i) {
        actors.add(bring_one(shelf));
    }
    co_await ticks(24);
    CHECK((shelf.items == 0 || shelf.changed.statistics().waiting == 0));
    {
        auto guard = co_await shelf.changed.scoped();
        shelf.closed = true;
        shelf.changed.notify_all();
    }
    co_await actors.ended();
    CHECK(!shelf.changed.locked());
    CHECK(shelf.changed.statistics().waiting == 0);
}

Coro<> arrives(Barrier& barrier) {
    try {
        co_await barrier.wait();
    } catch (const BrokenBarrierError&) {
    }
}

Coro<> barrier_scenario(Actors& actors) {
    Barrier barrier(3);
    for (int i = 0; i < 3; ++i) {
        actors.add(arrives(barrier));
    }
    co_await ticks(8);
    co_await barrier.abort();
    co_await actors.ended();
    CHECK(barrier.n_waiting() == 0);
}

// --- queues
// ---------------------------------------------------------------------------------------

struct Traffic {
    int put = 0;
    int got = 0;
};

template <class Q>
Coro<> produces(Q& queue, Traffic& traffic) {
    for (int item = 0; item < 3; ++item) {
        co_await queue.put(item);
        ++traffic.put;
    }
}

template <class Q>
Coro<> consumes(Q& queue, Traffic& traffic) {
    for (;;) {
        static_cast<void>(co_await queue.get());
        ++traffic.got;
        queue.task_done();
    }
}

template <class Q>
Coro<> queue_scenario(Actors& actors) {
    Q queue(1);
    Traffic traffic;
    for (int i = 0; i < 2; ++i) {
        actors.add(produces(queue, traffic));
        actors.add(consumes(queue, traffic));
    }
    co_await ticks(24);
    // With a consumer left no item waits for one.
    CHECK(queue.empty());
    CHECK(traffic.put == traffic.got);
    co_await queue.join();
    for (const Task<>& task : actors.tasks()) {
        Task<>(task).cancel();
    }
    co_await actors.ended();
    CHECK(queue.statistics().getting == 0);
    CHECK(queue.statistics().putting == 0);
}

// --- combinators
// ----------------------------------------------------------------------------------

Coro<> leaf(int count) { co_await ticks(count); }
Coro<> naps() { co_await sleep(1ms); }

Coro<> gathers() { co_await gather(leaf(1), leaf(3), create_task(leaf(2))); }

Coro<> end_all(std::vector<Task<>>& tasks) {
    for (Task<>& task : tasks) {
        task.cancel();
        std::string end = co_await ending(task);
    }
}

Coro<> waits_for_all() {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(leaf(i)));
    }
    std::exception_ptr error;
    try {
        static_cast<void>(co_await wait(tasks));
    } catch (...) {
        error = std::current_exception();
    }
    co_await end_all(tasks);  // wait() leaves them be
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
}

Coro<> waits_with_limit() { co_await wait_for(leaf(4), 1h); }
Coro<> exceeds_limit() { co_await wait_for(forever(), 1us); }
Coro<> inside_timeout() {
    co_await timeout(1h, [](Timeout&) -> Coro<> { co_await leaf(3); });
}
Coro<> shields() {
    Task<> inner = create_task(leaf(4));
    std::exception_ptr error;
    try {
        co_await shield(inner);
    } catch (...) {
        error = std::current_exception();
    }
    CHECK(!inner.cancelled());
    inner.cancel();
    std::string end = co_await ending(inner);
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
}
Coro<> completes_in_order() {
    std::vector<Task<>> tasks;
    for (int i = 3; i > 0; --i) {
        tasks.push_back(create_task(leaf(i)));
    }
    std::exception_ptr error;
    try {
        auto done = as_completed(tasks);
        while (auto next = co_await done.next()) {
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await end_all(tasks);
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
}
Coro<> groups() {
    co_await with_task_group([](TaskGroup& group) -> Coro<> {
        group.create_task(leaf(3));
        group.create_task(naps());
        co_await with_task_group([](TaskGroup& inner) -> Coro<> {
            inner.create_task(leaf(2));
            co_return;
        });
    });
}
AsyncGenerator<int> counts(int& alive) {
    struct Alive {
        int& count;
        explicit Alive(int& counter) : count(counter) { ++count; }
        ~Alive() { --count; }
    } guard(alive);
    for (int i = 0; i < 3; ++i) {
        co_await sleep(0s);
        co_yield i;
    }
}
Coro<> iterates(int& alive) {
    auto generator = counts(alive);
    int sum = 0;
    while (auto value = co_await generator.next()) {
        sum += *value;
        co_await sleep(0s);
    }
    CHECK(sum == 3);
}
Coro<> awaits_tasks() {
    Task<> outer = create_task([]() -> Coro<> {
        Task<> inner = create_task(leaf(4));
        co_await inner;
    });
    co_await outer;
}
struct Resource {
    int& open;
    Coro<int> enter() {
        ++open;
        co_return 1;
    }
    Coro<> exit(std::exception_ptr) {
        --open;
        co_return;
    }
};

template <Coro<> (*Body)()>
Coro<> one_task(Actors& actors) {
    actors.add(Body());
    actors.add(Body());
    co_await actors.ended();
}

Coro<> generator_scenario(Actors& actors) {
    int alive = 0;
    actors.add(iterates(alive));
    actors.add(iterates(alive));
    co_await actors.ended();
    co_await ticks(4);  // the closing of a generator that was left takes a task of its own
    CHECK(alive == 0);
}

Coro<> with_scenario(Actors& actors) {
    int open = 0;
    actors.add([](int& count) -> Coro<> {
        co_await with(Resource{count}, [](int&) -> Coro<> { co_await leaf(3); });
    }(open));
    co_await actors.ended();
    CHECK(open == 0);
}

}  // namespace

GYRE_CANCEL_EVERYWHERE("cancelled at each step: Lock (S203-S205)", lock_scenario, 10)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: Semaphore (S218-S220)", semaphore_scenario, 10)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: Event (S208)", event_scenario, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: Condition (S212, S213)", condition_scenario, 10)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: Barrier (S225)", barrier_scenario, 1)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: Queue (S233-S235)", queue_scenario<Queue<int>>, 20)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: PriorityQueue (S233-S235)",
                       queue_scenario<PriorityQueue<int>>, 20)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: LifoQueue (S233-S235)",
                       queue_scenario<LifoQueue<int>>, 20)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: sleep", one_task<naps>, 2)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: a task that awaits a task (S107)",
                       one_task<awaits_tasks>, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: gather (S127)", one_task<gathers>, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: wait (S136)", one_task<waits_for_all>, 4)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: wait_for (S145)", one_task<waits_with_limit>, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: wait_for, time over (S143)",
                       one_task<exceeds_limit>, 2)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: timeout (S170)", one_task<inside_timeout>, 4)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: shield (S159)", one_task<shields>, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: as_completed", one_task<completes_in_order>, 4)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: TaskGroup (S185, S190)", one_task<groups>, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: async generators (S264)", generator_scenario, 6)
GYRE_CANCEL_EVERYWHERE("cancelled at each step: with()", with_scenario, 3)
