// Section 25: several addresses, raced.
#include "addresses.hpp"

GYRE_TEST_CASE("happy eyeballs: the next address after the delay, the first to answer (S314)") {
    const int next = next_descriptor();
    {
        const Silent silent;
        Socket listener = listening();
        const auto start = loop.time();
        auto attempt =
            reach({silent.address(), listener.local_address()}, {.happy_eyeballs_delay = 20ms});
        std::string end = co_await std::move(attempt);
        CHECK(end == listener.local_address().to_string());
        CHECK(loop.time() - start >= 20ms);
        CHECK(all_tasks().size() == 1);
        CHECK(loop.statistics().descriptors == 0);
    }
    CHECK(next_descriptor() == next);
}

GYRE_TEST_CASE("happy eyeballs: the next address at once when the one before failed (S314)") {
    const Refusing a;
    const Refusing b;
    Socket listener = listening();
    auto attempt = reach({a, b, listener.local_address()}, {.happy_eyeballs_delay = 1h});
    std::string end = co_await std::move(attempt);
    CHECK(end == listener.local_address().to_string());
}

GYRE_TEST_CASE("happy eyeballs: the first that answers wins, nobody else is asked (S314)") {
    Socket first = listening();
    Socket second = listening();
    auto attempt =
        reach({first.local_address(), second.local_address()}, {.happy_eyeballs_delay = 1h});
    std::string end = co_await std::move(attempt);
    CHECK(end == first.local_address().to_string());
    CHECK_FALSE(second.accept());
}

GYRE_TEST_CASE("happy eyeballs: if all fail, all their errors (S314, S310)") {
    const Refusing a;
    const Refusing b;
    auto attempt = reach({a, b}, {.happy_eyeballs_delay = 1ms});
    std::string end = co_await std::move(attempt);
    CHECK(end.find("Multiple exceptions") != std::string::npos);
    auto attempt_2 = reach({a, b}, {.happy_eyeballs_delay = 1ms, .all_errors = true});
    end = co_await std::move(attempt_2);
    CHECK(end == "ExceptionGroup(" + refusal(a) + ", " + refusal(b) + ")");
}

GYRE_TEST_CASE("happy eyeballs: the errors come in the order of the addresses (S314)" * in_order) {
    Silent later;
    const Refusing at_once;
    loop.call_later(5ms, [&later] { later.refuse(); });
    auto attempt =
        reach({later.address(), at_once}, {.happy_eyeballs_delay = 1ms, .all_errors = true});
    std::string end = co_await std::move(attempt);
    CHECK(end == "ExceptionGroup(" + refusal(later.address()) + ", " + refusal(at_once) + ")");
}

GYRE_TEST_CASE("happy eyeballs: the families take turns, behind the first so many (S315)") {
    if (!has_ipv6()) {
        co_return;
    }
    // Where every attempt fails, the errors tell the order.
    const auto order = [](ConnectOptions options) -> Coro<std::string> {
        const Refusing a("127.0.0.1");
        const Refusing b("::1");
        std::vector<AddressInfo> infos = {info(b), info(b), info(b), info(a), info(a)};
        options.all_errors = true;
        std::string text;
        try {
            Socket socket = co_await detail::connect_to(std::move(infos), options);
        } catch (const ExceptionGroup& group) {
            for (const std::exception_ptr& each : group.exceptions()) {
                text += name_of(each).find("[::1]") == std::string::npos ? '4' : '6';
            }
        }
        co_return text;
    };
    auto attempt = order({});
    std::string text = co_await std::move(attempt);
    CHECK(text == "66644");
    auto attempt_2 = order({.interleave = 1});
    text = co_await std::move(attempt_2);
    CHECK(text == "64646");
    auto attempt_3 = order({.interleave = 2});
    text = co_await std::move(attempt_3);
    CHECK(text == "66464");
    auto attempt_4 = order({.interleave = 9});
    text = co_await std::move(attempt_4);
    CHECK(text == "66644");
    auto attempt_5 = order({.happy_eyeballs_delay = 1h});
    text = co_await std::move(attempt_5);
    CHECK(text == "64646");
    auto attempt_6 = order({.happy_eyeballs_delay = 1h, .interleave = 0});
    text = co_await std::move(attempt_6);
    CHECK(text == "66644");
}

GYRE_TEST_CASE("create_connection: without a delay an address has all the time it takes (S316)") {
    const Silent silent;
    Socket listener = listening();
    auto task = create_task(reach({silent.address(), listener.local_address()}));
    co_await sleep(50ms);
    CHECK(outcome(task) == "pending");
    CHECK_FALSE(listener.accept());
    task.cancel();
    auto attempt = wait(std::vector{task});
    co_await std::move(attempt);
}

GYRE_TEST_CASE("happy eyeballs: a cancel from outside ends the race and all that run (S317)") {
    const int next = next_descriptor();
    {
        const Silent one;
        const Silent two;
        for (const auto time : {5ms, 15ms, 50ms}) {
            auto task =
                create_task(reach({one.address(), two.address()}, {.happy_eyeballs_delay = 10ms}));
            co_await sleep(time);
            CHECK(outcome(task) == "pending");
            task.cancel();
            std::string end = co_await ending(task);
            CHECK(end == "CancelledError");
            CHECK(all_tasks().size() == 1);
            CHECK(loop.statistics().descriptors == 0);
        }
    }
    CHECK(next_descriptor() == next);
}

GYRE_TEST_CASE("happy eyeballs: right with eager tasks, too (S317)") {
    set_task_factory(loop, eager_task_factory);
    Socket listener = listening();
    const SocketAddress address = listener.local_address();
    const Refusing refusing;
    auto attempt = reach({refusing, address, address}, {.happy_eyeballs_delay = 1h});
    std::string end = co_await std::move(attempt);
    CHECK(end == address.to_string());
    auto attempt_2 = reach({refusing}, {.happy_eyeballs_delay = 1h});
    end = co_await std::move(attempt_2);
    CHECK(end.find("Connection refused") != std::string::npos);
    set_task_factory(loop, nullptr);
}
