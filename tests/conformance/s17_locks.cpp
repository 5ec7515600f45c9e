// Section 17: Lock, and what Lock and Semaphore have in common.
#include "lock_users.hpp"

#include <memory>

namespace {

template <class L>
Coro<std::string> waits_a_moment(L& lock) {
    std::string end = co_await ending(wait_for(lock.acquire(), 1ms));
    co_return end;
}

}  // namespace

GYRE_TEST_CASE("Lock, Semaphore: uncontended they take no iteration, contended one (S198)" *
               in_order) {
    Lock lock;
    Semaphore semaphore;
    BoundedSemaphore bounded;
    Log log;
    Ticks passed(loop);
    co_await sleep(0s);
    const int start = passed.count();
    bool a = co_await lock.acquire();
    bool b = co_await semaphore.acquire();
    bool c = co_await bounded.acquire();
    CHECK((a && b && c));
    CHECK(passed.count() == start);

    Task<bool> one = create_task(takes(lock, log, "lock"));
    Task<bool> two = create_task(takes(semaphore, log, "semaphore"));
    Task<bool> three = create_task(takes(bounded, log, "bounded"));
    co_await sleep(0s);
    bounded.release();
    semaphore.release();
    lock.release();
    CHECK(log.empty());
    co_await sleep(0s);
    CHECK(joined(log) == "bounded semaphore lock");
    CHECK(outcome(one) == "1");
    CHECK(outcome(two) == "1");
    CHECK(outcome(three) == "1");
}

// Awaiting the thing itself, for want of `with`, is an error in asyncio and does not compile here.
static_assert(!detail::Awaitable<Lock&> && !detail::Awaitable<Semaphore&> &&
              !detail::Awaitable<BoundedSemaphore&> && !detail::Awaitable<Condition&> &&
              !detail::Awaitable<Event&> && !detail::Awaitable<Barrier&>);

GYRE_TEST_CASE("Lock: any task releases it; with and scoped hold it for a block (S199)") {
    Lock lock;
    co_await create_task(lock.acquire());
    CHECK(lock.locked());
    co_await create_task([&]() -> Coro<> {
        lock.release();
        co_return;
    });
    CHECK(!lock.locked());
    co_await with(lock, [&]() -> Coro<> {
        CHECK(lock.locked());
        co_return;
    });
    CHECK(!lock.locked());
    {
        auto guard = co_await lock.scoped();
        CHECK(lock.locked());
        auto other = std::move(guard);
        CHECK(lock.locked());
    }
    CHECK(!lock.locked());

    auto fails_inside = with(lock, [&]() -> Coro<> {
        CHECK(lock.locked());
        throw std::runtime_error("inside");
        co_return;
    });
    std::string end = co_await ending(std::move(fails_inside));
    CHECK(end == "inside");
    CHECK(!lock.locked());
    loop.call_soon([&] {
        CHECK(lock.locked());
        lock.release();
    });
    co_await lock.acquire();
    co_await lock.acquire();
    lock.release();
}

GYRE_TEST_CASE("Lock: in order, and a newcomer does not pass a woken waiter (S200)" * in_order) {
    Lock lock;
    Log log;
    co_await lock.acquire();
    Task<bool> first = create_task(takes(lock, log, "1"));
    Task<bool> second = create_task(takes(lock, log, "2"));
    co_await sleep(0s);
    CHECK(log.empty());
    CHECK(lock.statistics().waiting == 2);
    lock.release();
    CHECK(!lock.locked());
    co_await sleep(0s);
    CHECK(joined(log) == "1");
    co_await sleep(0s);
    CHECK(joined(log) == "1");
    Task<bool> third = create_task(takes(lock, log, "3"));
    lock.release();
    co_await sleep(0s);
    CHECK(joined(log) == "1 2");
    lock.release();
    co_await sleep(0s);
    CHECK(joined(log) == "1 2 3");
    CHECK(outcome(first) + outcome(second) + outcome(third) == "111");

    // The newcomer is the task that released it.
    log.clear();
    Task<bool> waiting = create_task(takes(lock, log, "waiting"));
    co_await sleep(0s);
    lock.release();
    CHECK(!lock.locked());
    Task<> releasing = create_task([&]() -> Coro<> {
        co_await waiting;
        lock.release();
    });
    co_await takes(lock, log, "newcomer");
    CHECK(joined(log) == "waiting newcomer");
    co_await releasing;
    lock.release();
}

GYRE_TEST_CASE("Lock: free at once if every waiter is cancelled already (S201)" * in_order) {
    Lock lock;
    Log log;
    co_await lock.acquire();
    Task<bool> a = create_task(takes(lock, log, "a"));
    Task<bool> b = create_task(takes(lock, log, "b"));
    co_await sleep(0s);
    a.cancel();
    b.cancel();
    lock.release();
    CHECK(lock.statistics().waiting == 2);
    Ticks passed(loop);
    co_await lock.acquire();
    CHECK(passed.count() == 0);
    co_await gather(return_exceptions, a, b);
    CHECK(log.empty());
    CHECK(lock.locked());
    lock.release();
}

GYRE_TEST_CASE("Lock: a release beside the cancel of the first waiter reaches the next (S201)" *
               in_order) {
    Lock lock;
    Log log;
    Event go;
    Task<> a = create_task([&]() -> Coro<> {
        auto guard = co_await lock.scoped();
        co_await go.wait();
    });
    co_await sleep(0s);
    Task<> b = create_task(holds(lock, log, "b"));
    co_await sleep(0s);
    CHECK(lock.statistics().waiting == 1);
    Task<> c = create_task(holds(lock, log, "c"));
    co_await sleep(0s);
    CHECK(lock.statistics().waiting == 2);
    go.set();
    b.cancel();
    co_await sleep(0s);
    CHECK(!lock.locked());
    CHECK(a.done());
    CHECK(b.cancelled());
    co_await c;
    CHECK(joined(log) == "c");
}

GYRE_TEST_CASE("Lock: release wakes one; not of an unlocked one (S202)" * in_order) {
    Lock lock;
    Log log;
    CHECK(thrown_by([&] { lock.release(); }) == "RuntimeError");
    co_await lock.acquire();
    CHECK(lock.locked());
    lock.release();
    CHECK(!lock.locked());
    CHECK(thrown_by([&] { lock.release(); }) == "RuntimeError");

    co_await lock.acquire();
    Task<bool> a = create_task(takes(lock, log, "a"));
    Task<bool> b = create_task(takes(lock, log, "b"));
    co_await sleep(0s);
    lock.release();
    // The woken one has not run: the lock is not locked.
    CHECK(thrown_by([&] { lock.release(); }) == "RuntimeError");
    co_await ticks(3);
    CHECK(joined(log) == "a");
    lock.release();
    co_await b;
    lock.release();
}

GYRE_TEST_CASE("Lock: a waiter cancelled after its wake-up passes it on (S203)" * in_order) {
    Lock lock;
    Log log;
    co_await lock.acquire();
    Task<bool> a = create_task(takes(lock, log, "a"));
    Task<bool> b = create_task(takes(lock, log, "b"));
    co_await sleep(0s);
    lock.release();
    a.cancel();
    co_await sleep(0s);
    CHECK(a.cancelled());
    co_await b;
    CHECK(joined(log) == "b");
    CHECK(lock.locked());
    lock.release();

    // Cancelled first, then the release: the same.
    co_await lock.acquire();
    Task<bool> c = create_task(takes(lock, log, "c"));
    co_await sleep(0s);
    Task<bool> d = create_task(takes(lock, log, "d"));
    c.cancel();
    lock.release();
    co_await sleep(0s);
    CHECK(c.cancelled());
    co_await d;
    CHECK(joined(log) == "b d");
    lock.release();
}

GYRE_TEST_CASE("Lock: never two hold it, however cancel and release meet (S204)" * in_order) {
    Lock lock;
    Log log;
    co_await lock.acquire();
    Task<bool> a = create_task(takes(lock, log, "a"));
    Task<bool> b = create_task(takes(lock, log, "b"));
    Task<bool> c = create_task(takes(lock, log, "c"));
    co_await sleep(0s);
    loop.call_soon([&] {
        a.cancel();
        lock.release();
    });
    std::string end = co_await ending(a);
    CHECK(end == "CancelledError");
    CHECK(joined(log) == "b");
    CHECK(b.done());
    CHECK(!c.done());

    // One that was woken is cancelled when another has taken the lock: nobody is woken.
    c.cancel();
    co_await sleep(0s);
    log.clear();
    Task<bool> woken = create_task(takes(lock, log, "woken"));
    co_await sleep(0s);
    lock.release();
    woken.cancel();
    Task<bool> thief = create_task(takes(lock, log, "thief"));
    Task<bool> last = create_task(takes(lock, log, "last"));
    co_await ticks(3);
    CHECK(joined(log) == "thief");
    CHECK(lock.statistics().waiting == 1);
    lock.release();
    co_await last;
    lock.release();
}

GYRE_TEST_CASE("Lock, Semaphore: a cancelled waiter leaves the queue (S205)") {
    Lock lock;
    Semaphore semaphore;
    co_await lock.acquire();
    co_await semaphore.acquire();
    Task<bool> a = create_task(lock.acquire());
    Task<bool> b = create_task(semaphore.acquire());
    loop.call_soon([&] { a.cancel("text"); });
    loop.call_soon([&] { b.cancel(); });
    std::string end = co_await ending(a);
    CHECK(end == "CancelledError(text)");
    end = co_await ending(b);
    CHECK(end == "CancelledError");
    CHECK(lock.statistics().waiting == 0);
    CHECK(semaphore.statistics().waiting == 0);
    CHECK(lock.locked());
    end = co_await ending(wait_for(lock.acquire(), 1ms));
    CHECK(end == "TimeoutError");
    end = co_await ending(wait_for(lock.scoped(), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(lock.statistics().waiting == 0);
    lock.release();
    semaphore.release();
}

GYRE_TEST_CASE("Lock, Semaphore: a guard that nobody waited for is given back (S203)") {
    Lock lock;
    Semaphore semaphore(1);
    for (int i = 0; i < 2; ++i) {
        Task<> a = create_task(
            [&]() -> Coro<> { co_await with(lock, []() -> Coro<> { co_await forever(); }); });
        Task<> b = create_task([&]() -> Coro<> {
            auto permit = co_await semaphore.scoped();
            co_await forever();
        });
        co_await ticks(2);
        CHECK(lock.locked());
        CHECK(semaphore.locked());
        a.cancel();
        b.cancel();
        co_await gather(return_exceptions, a, b);
        CHECK(!lock.locked());
        CHECK(!semaphore.locked());
    }
}

TEST_CASE("Lock, Semaphore: bound to the loop of the first that waits (S197)") {
    Lock lock;
    Semaphore semaphore;
    auto acquire_both = [&]() -> Coro<> {
        co_await lock.acquire();
        co_await semaphore.acquire();
    };
    run(acquire_both(), {.loop = "virtual"});
    for (int i = 0; i < 3; ++i) {
        const std::string expected = i == 0 ? "TimeoutError" : "RuntimeError";
        CHECK(run(waits_a_moment(lock), {.loop = "virtual"}) == expected);
        CHECK(run(waits_a_moment(semaphore), {.loop = "virtual"}) == expected);
    }
    // What need not wait does not look.
    lock.release();
    semaphore.release();
    run(acquire_both(), {.loop = "virtual"});
    CHECK(lock.locked());
    CHECK(semaphore.locked());
}

TEST_CASE("Lock, Semaphore: nothing needs a loop to be made, asked or released (S197)") {
    Lock lock;
    Semaphore semaphore(0);
    CHECK(!lock.locked());
    CHECK(thrown_by([&] { lock.release(); }) == "RuntimeError");
    CHECK(semaphore.locked());
    semaphore.release();
    CHECK(!semaphore.locked());
}

TEST_CASE("Lock, Semaphore: gone before their waiters run (S412)") {
    Log log;
    const auto owner = [&]() -> Coro<> {
        Lock lock;
        Semaphore semaphore(0);
        co_await lock.acquire();
        create_task(takes(lock, log, "lock"));
        create_task(takes(semaphore, log, "semaphore"));
        co_await forever();
    };
    closes_amid(owner, 3);
    CHECK(log.empty());
}
