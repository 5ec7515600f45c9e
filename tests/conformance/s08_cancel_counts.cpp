// Section 8: cancelling() and uncancel(), and code that goes by them.
#include "support.hpp"

GYRE_TEST_CASE("cancel: true and counted each time, false once done (S94)") {
    Task<> task = create_task(forever());
    CHECK(task.cancelling() == 0);
    CHECK(task.cancel());
    CHECK(task.cancelling() == 1);
    CHECK(task.cancel());
    CHECK(task.cancelling() == 2);
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError");
    CHECK(!task.cancel());
    CHECK(task.cancelling() == 2);
    Task<int> finished = create_task(number(4));
    co_await finished;
    CHECK(!finished.cancel());
    CHECK(finished.cancelling() == 0);
    CHECK(outcome(finished) == "4");
}

GYRE_TEST_CASE("the body may catch the error and go on; the count stays (S105)" * in_order) {
    Task<int> task = create_task(ignores_cancel(8));
    co_await sleep(0s);
    task.cancel();
    int value = co_await task;
    CHECK(value == 8);
    CHECK(!task.cancelled());
    CHECK(task.cancelling() == 1);
}

GYRE_TEST_CASE("a child cancelled by somebody else: cancelling() is 0 in who awaits it (S108)") {
    Task<> child = create_task(forever());
    Task<> parent = create_task([&]() -> Coro<> { co_await child; });
    co_await ticks(2);
    child.cancel("child only");
    std::string end = co_await ending(parent);
    CHECK(end == "CancelledError(child only)");
    CHECK(parent.cancelled());
    CHECK(parent.cancelling() == 0);
}

GYRE_TEST_CASE("uncancel: down to 0, what is left; harmless when done (S110)") {
    Task<int> task = create_task(ignores_cancel(1));
    CHECK(task.uncancel() == 0);
    co_await sleep(0s);
    task.cancel();
    task.cancel();
    CHECK(task.uncancel() == 1);
    CHECK(task.uncancel() == 0);
    CHECK(task.uncancel() == 0);
    int value = co_await task;
    CHECK(value == 1);
    CHECK(task.uncancel() == 0);
}

GYRE_TEST_CASE("uncancel to 0 takes an error back that was not thrown yet (S111)" * in_order) {
    Task<std::string> task = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        here.cancel();
        here.cancel();
        here.uncancel();
        here.uncancel();
        std::string first = co_await ending(sleep(0s));
        here.cancel("a");
        here.cancel("b");
        here.uncancel();
        std::string second = co_await ending(sleep(0s));
        co_return first + " " + second;
    });
    std::string seen = co_await task;
    CHECK(seen == "done CancelledError(b)");
    CHECK(task.cancelling() == 1);

    // A cancel that was delegated cannot be taken back.
    Task<std::string> delegated = create_task([]() -> Coro<std::string> {
        std::string end = co_await ending(sleep(1h));
        co_return end;
    });
    co_await sleep(0s);
    delegated.cancel();
    CHECK(delegated.uncancel() == 0);
    seen = co_await delegated;
    CHECK(seen == "CancelledError");
}

GYRE_TEST_CASE("uncancel before the first step: the body runs (S111)") {
    Task<int> task = create_task(number(2));
    task.cancel();
    task.uncancel();
    int value = co_await task;
    CHECK(value == 2);
}

GYRE_TEST_CASE("structured code converts the error only at the level it saw on entry (S112)") {
    // What timeout() does, by hand, with a request from outside at the same time.
    Task<std::string> task = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        const std::uint32_t before = here.cancelling();
        here.cancel();
        std::string end = co_await ending(sleep(0s));
        co_return here.uncancel() > before ? "outside" : "mine";
    });
    Task<std::string> both = create_task([]() -> Coro<std::string> {
        AnyTask here = current_task();
        const std::uint32_t before = here.cancelling();
        here.cancel();
        here.cancel();
        std::string end = co_await ending(sleep(0s));
        co_return here.uncancel() > before ? "outside" : "mine";
    });
    std::string mine = co_await task;
    std::string outside = co_await both;
    CHECK(mine == "mine");
    CHECK(outside == "outside");
}

GYRE_TEST_CASE("cancel: more often than can be counted is not never (S94)") {
    Task<> task = create_task(forever());
    co_await sleep(0s);
    for (int time = 0; time < 100'000; ++time) {
        task.cancel();
    }
    CHECK(task.cancelling() > 60'000);
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("a cancel that comes with the future's error has seen it (S68, S102)" * in_order) {
    Reports reports(loop);
    {
        Future<> future = create_future();
        Task<> task = create_task([](Future<> awaited) -> Coro<> { co_await awaited; }(future));
        co_await sleep(0s);
        future.set_exception(std::runtime_error("overtaken"));
        task.cancel();
        std::string end = co_await ending(task);
        CHECK(end == "CancelledError");
    }
    CHECK(reports.count() == 0);
}
