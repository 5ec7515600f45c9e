// Section 17: Barrier.
#include "support.hpp"

#include <algorithm>

namespace {

constexpr int kParties = 5;

// So many tasks of the same body, until all are done.
template <class F>
Coro<> runs_parties(F body, int count = kParties) {
    std::vector<decltype(create_task(body))> tasks;
    for (int i = 0; i < count; ++i) {
        tasks.push_back(create_task(body));
    }
    co_await gather(tasks);
}

bool as_new(const Barrier& barrier) {
    return barrier.n_waiting() == 0 && !barrier.broken() && barrier.statistics().waiting == 0;
}

}  // namespace

GYRE_TEST_CASE("Barrier: one party or more; how many wait (S222)" * in_order) {
    CHECK(thrown_by([] { Barrier(0); }) == "ValueError");
    CHECK(thrown_by([] { Barrier(-4); }) == "ValueError");
    Barrier barrier(3);
    CHECK(barrier.parties() == 3);
    CHECK(barrier.statistics().parties == 3);
    std::vector<Task<>> tasks;
    for (std::size_t i = 1; i <= 3; ++i) {
        tasks.push_back(
            create_task([&]() -> Coro<> { static_cast<void>(co_await barrier.wait()); }));
        co_await sleep(0s);
        CHECK(barrier.n_waiting() == i % 3);
    }
    co_await wait(tasks);
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: of one party: never waits, again and again (S222, S223)" * in_order) {
    Barrier barrier(1);
    Ticks passed(loop);
    bool came = co_await with(barrier, []() -> Coro<bool> { co_return true; });
    std::size_t place = co_await barrier.wait();
    CHECK(came);
    CHECK(place == 0);
    CHECK(passed.count() == 0);
    Task<std::size_t> task = create_task(barrier.wait());
    co_await sleep(0s);
    CHECK(outcome(task) == "0");
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: the last does not wait, the others one iteration; the order (S223)" *
               in_order) {
    Barrier barrier(3);
    Log log;
    auto comes = [&](std::string name) -> Coro<> {
        std::size_t place = co_await barrier.wait();
        log.push_back(name + std::to_string(place));
    };
    Task<> a = create_task(comes("a"));
    Task<> b = create_task(comes("b"));
    co_await sleep(0s);
    co_await comes("c");
    CHECK(joined(log) == "c2");
    co_await sleep(0s);
    CHECK(joined(log) == "c2 a0 b1");
    co_await gather(a, b);

    // As a block: its value is the place.
    std::vector<std::size_t> places;
    co_await runs_parties(
        [&]() -> Coro<> {
            co_await with(barrier, [&](std::size_t& place) -> Coro<> {
                places.push_back(place);
                co_return;
            });
        },
        3);
    std::sort(places.begin(), places.end());
    CHECK((places == std::vector<std::size_t>{0, 1, 2}));
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: twice by the same tasks (S223, S224)") {
    Barrier barrier(kParties);
    Log log;
    std::vector<std::size_t> places;
    co_await runs_parties([&]() -> Coro<> {
        co_await with(barrier, [&]() -> Coro<> {
            log.push_back("1");
            co_await with(barrier, [&](std::size_t place) -> Coro<> {
                log.push_back("2");
                places.push_back(place);
                co_return;
            });
        });
    });
    CHECK(joined(log) == "1 1 1 1 1 2 2 2 2 2");
    std::sort(places.begin(), places.end());
    CHECK((places == std::vector<std::size_t>{0, 1, 2, 3, 4}));
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: who comes while others leave waits until they have (S224)") {
    Barrier barrier(kParties);
    Barrier drained(kParties - 2);
    int again = 2;
    std::size_t waiting_while_draining = 9;
    co_await runs_parties([&]() -> Coro<> {
        static_cast<void>(co_await barrier.wait());
        waiting_while_draining = std::min(waiting_while_draining, barrier.n_waiting());
        if (again > 0) {
            --again;
        } else {
            static_cast<void>(co_await drained.wait());
        }
        static_cast<void>(co_await barrier.wait());
    });
    CHECK(waiting_while_draining == 0);
    CHECK(as_new(barrier));
    CHECK(as_new(drained));
}

GYRE_TEST_CASE("Barrier: a cancelled waiter has not come; nothing breaks (S225)" * in_order) {
    Barrier barrier(3);
    int through = 0;
    auto comes = [&]() -> Coro<> {
        static_cast<void>(co_await barrier.wait());
        ++through;
    };
    Task<> a = create_task(comes);
    Task<> b = create_task(comes);
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 2);
    a.cancel();
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 1);
    std::string end = co_await ending(a);
    CHECK(end == "CancelledError");
    Task<> c = create_task(comes);
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 2);
    Task<> d = create_task(comes);
    co_await gather(b, c, d);
    CHECK(through == 3);
    CHECK(as_new(barrier));

    end = co_await ending(wait_for(barrier.wait(), 1ms));
    CHECK(end == "TimeoutError");
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset throws at those who wait; then it is as new (S226)" * in_order) {
    Barrier barrier(kParties);
    co_await barrier.reset();  // nobody is there
    CHECK(as_new(barrier));
    Log log;
    auto comes = [&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        log.push_back(end);
    };
    std::vector<Task<>> tasks;
    for (int i = 1; i < kParties; ++i) {
        tasks.push_back(create_task(comes));
    }
    co_await sleep(0s);
    Task<> resetting = create_task(barrier.reset());
    co_await sleep(0s);
    CHECK(barrier.n_waiting() == 0);
    co_await gather(tasks);
    CHECK(log == Log(4, "BrokenBarrierError"));
    co_await resetting;
    CHECK(as_new(barrier));
    co_await runs_parties([&] { return barrier.wait(); });
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset while half of them have left: the others fail (S226)") {
    Barrier barrier(kParties);
    int left = 0;
    int failed = 0;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            ++failed;
        } else if (++left == 3) {
            co_await barrier.reset();
        }
    });
    CHECK(left == 3);
    CHECK(failed == 2);
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset: those who come anew while others leave are not disturbed (S226)") {
    Barrier barrier(kParties);
    int left = 0;
    Log log;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            log.push_back("failed");
        } else if (++left > 2) {
            co_await barrier.reset();
        }
        end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            log.push_back("disturbed");
        }
    });
    CHECK(joined(log) == "failed failed");
    CHECK(as_new(barrier));

    // The reset of the last that left does nothing to those who wait already.
    left = 0;
    log.clear();
    co_await runs_parties([&]() -> Coro<> {
        static_cast<void>(co_await barrier.wait());
        if (++left == kParties) {
            co_await barrier.reset();
            static_cast<void>(co_await barrier.wait());
        } else {
            std::string end = co_await ending(barrier.wait());
            log.push_back(end == "BrokenBarrierError" ? "disturbed" : "through");
        }
        static_cast<void>(co_await barrier.wait());
    });
    CHECK(joined(log) == "through through through through");
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: reset, and those who failed come again (S226)" * in_order) {
    Barrier barrier(kParties);
    Log log;
    std::vector<Task<>> tasks;
    for (int i = 1; i < kParties; ++i) {
        tasks.push_back(create_task([&]() -> Coro<> {
            std::string end = co_await ending(barrier.wait());
            log.push_back(end);
            static_cast<void>(co_await barrier.wait());
            log.push_back("through");
        }));
    }
    tasks.push_back(create_task(barrier.reset()));
    co_await sleep(0s);
    co_await barrier.wait();
    co_await gather(tasks);
    Log expected(4, "BrokenBarrierError");
    expected.insert(expected.end(), 4, "through");
    CHECK(log == expected);
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: abort throws at those who wait, and at who comes, until reset (S227)") {
    Barrier barrier(2);
    Task<std::size_t> waiting = create_task(barrier.wait());
    co_await sleep(0s);
    CHECK(!barrier.broken());
    co_await barrier.abort();
    CHECK(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
    std::string end = co_await ending(waiting);
    CHECK(end == "BrokenBarrierError");
    end = co_await ending(barrier.wait());
    CHECK(end == "BrokenBarrierError");
    end = co_await ending(with(barrier, [] { return sleep(0s); }));
    CHECK(end == "BrokenBarrierError");
    co_await barrier.reset();
    CHECK(as_new(barrier));
    co_await gather(barrier.wait(), barrier.wait());
    CHECK(as_new(barrier));
}

GYRE_TEST_CASE("Barrier: abort while half of them have left and come again (S227)") {
    Barrier barrier(kParties);
    int left = 0;
    Log log;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == "BrokenBarrierError") {
            log.push_back("leaving");
        } else if (++left > 2) {
            co_await barrier.abort();
        } else {
            end = co_await ending(barrier.wait());
            log.push_back(end == "BrokenBarrierError" ? "coming" : "through");
        }
    });
    std::sort(log.begin(), log.end());
    CHECK(joined(log) == "coming coming leaving leaving");
    CHECK(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
}

GYRE_TEST_CASE("Barrier: one fails and aborts it; reset when all have noticed (S227)") {
    Barrier barrier(kParties);
    Barrier other(kParties);
    Log log;
    co_await runs_parties([&]() -> Coro<> {
        std::string end = co_await ending(barrier.wait());
        if (end == std::to_string(kParties / 2)) {
            co_await barrier.abort();
        } else {
            if (end != "BrokenBarrierError") {
                end = co_await ending(barrier.wait());
            }
            log.push_back(end);
        }
        std::size_t place = co_await other.wait();
        if (place == kParties / 2) {
            CHECK(barrier.broken());
            co_await barrier.reset();
        }
        static_cast<void>(co_await other.wait());
        static_cast<void>(co_await barrier.wait());
    });
    CHECK(log == Log(kParties - 1, "BrokenBarrierError"));
    CHECK(as_new(barrier));
}
