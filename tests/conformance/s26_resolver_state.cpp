// Section 26: name resolution over time: cancelled, queued, kept, closed, reconfigured.
#include "resolving.hpp"

#include <algorithm>

namespace {

using dns::Query;
using dns::Replies;
using dns::Reply;

Replies answer(const Query& query, std::uint32_t ttl = 60) {
    return {Reply(query.answer({dns::address(query.name, "192.0.2.1", ttl)}))};
}

AddressOptions ipv4() {
    AddressOptions options;
    options.family = AF_INET;
    return options;
}

std::string name(int number) { return "n" + std::to_string(number) + ".test"; }

// So long that nothing here waits for it, and short enough to end a test that fails.
constexpr ResolverOptions kPatient{.timeout = 5s, .tries = 1};

}  // namespace

GYRE_TEST_CASE("getaddrinfo: cancelled, the await ends at once and nothing is left (S321)") {
    const dns::Server server([](const Query&) { return Replies(); });
    use_cares(loop, server, kPatient);
    const auto start = std::chrono::steady_clock::now();
    auto task = create_task(look_up("name.test"));
    auto other = create_task(look_up("other.test"));
    while (server.queries() < 4) {
        co_await sleep(1ms);
    }
    CHECK(loop.statistics().descriptors > 0);
    task.cancel();
    std::string end = co_await ending(task);
    CHECK(end == "CancelledError");
    CHECK(outcome(other) == "pending");
    other.cancel();
    end = co_await ending(other);
    CHECK(end == "CancelledError");
    CHECK(loop.statistics().descriptors == 0);
    CHECK(loop.statistics().timers == 0);
    CHECK(std::chrono::steady_clock::now() - start < 4s);
}

GYRE_TEST_CASE("getaddrinfo: storms of cancelled look-ups do not keep others waiting (S321)") {
    const dns::Server server(
        [](const Query& query) { return query.name.starts_with("n") ? Replies() : answer(query); });
    use_cares(loop, server, kPatient);
    const auto start = std::chrono::steady_clock::now();
    auto steady = create_task(look_up("nothing.test"));
    for (int storm = 0; storm < 8; ++storm) {
        std::vector<Task<std::string>> tasks;
        for (int i = 0; i < 60; ++i) {
            tasks.push_back(create_task(look_up(name(i), ipv4())));
        }
        co_await ticks(storm % 4);
        for (auto& each : tasks) {
            each.cancel();
        }
        auto waiting = wait(tasks);
        co_await std::move(waiting);
        std::string end = co_await look_up("good.test", ipv4());
        CHECK(end == "192.0.2.1");
    }
    CHECK(outcome(steady) == "pending");
    steady.cancel();
    std::string end = co_await ending(steady);
    CHECK(end == "CancelledError");
    CHECK(std::chrono::steady_clock::now() - start < 4s);
}

GYRE_TEST_CASE("getaddrinfo: cancelled while the answer comes in (S321)") {
    const dns::Server server([](const Query& query) { return answer(query); });
    use_cares(loop, server, kPatient);
    for (int turn = 0; turn < 12; ++turn) {
        auto task = create_task(look_up(name(turn), ipv4()));
        co_await ticks(turn);
        task.cancel();
        std::string end = co_await ending(task);
        CHECK((end == "CancelledError" || end == "192.0.2.1"));
    }
}

GYRE_TEST_CASE("getaddrinfo: more than there is room for wait their turn, and can be cancelled" *
               in_order) {
    auto open = std::make_shared<std::atomic<bool>>(false);
    const dns::Server server([open](const Query& query) {
        return query.name == "last.test" || open->load() ? answer(query) : Replies();
    });
    use_cares(loop, server, kPatient);
    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 250; ++i) {
        tasks.push_back(create_task(look_up(name(i), ipv4())));
    }
    auto last = create_task(look_up("last.test", ipv4()));
    while (server.queries() < 100) {
        co_await sleep(1ms);
    }
    co_await sleep(5ms);
    CHECK(server.queries() == 100);
    // Those in the queue go without having been asked; those under way make room.
    for (std::size_t i = 249; i >= 100; --i) {
        tasks[i].cancel();
    }
    co_await ticks(3);
    CHECK(outcome(last) == "pending");
    CHECK(server.queries() == 100);
    tasks[7].cancel();
    std::string end = co_await last;
    CHECK(end == "192.0.2.1");
    *open = true;
    for (auto& each : tasks) {
        each.cancel();
    }
    auto waiting = wait(tasks);
    co_await std::move(waiting);
    end = co_await look_up("again.test", ipv4());
    CHECK(end == "192.0.2.1");
}

GYRE_TEST_CASE("getaddrinfo: a thousand at once are all answered, the first to ask first" *
               in_order) {
    const dns::Server server([](const Query& query) { return answer(query); });
    use_cares(loop, server, {.timeout = 1s});
    std::vector<Coro<std::string>> all;
    for (int i = 0; i < 1000; ++i) {
        all.push_back(look_up(name(i), ipv4()));
    }
    std::vector<std::string> ends = co_await gather(std::move(all));
    CHECK(std::count(ends.begin(), ends.end(), "192.0.2.1") == 1000);
    const std::vector<std::string> asked = server.names();
    CHECK(std::find(asked.begin(), asked.begin() + 150, name(0)) != asked.begin() + 150);
}

TEST_CASE("getaddrinfo: the loop can be closed with look-ups under way (S321)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO(spec);
        for (const char* resolver : {"cares", "system"}) {
            const dns::Server server([](const Query&) { return Replies(); });
            const auto start = std::chrono::steady_clock::now();
            std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            const Reports reports(*loop);
            use_cares(*loop, server, kPatient);
            if (resolver == std::string("system")) {
                set_resolver(*loop, make_resolver(*loop, resolver));
            }
            const auto ask = [](int packets, const dns::Server& silent) -> Coro<> {
                static std::vector<Task<std::string>> tasks;
                tasks.clear();
                for (int i = 0; i < 150; ++i) {
                    tasks.push_back(create_task(look_up(packets == 0 ? "localhost" : name(i))));
                }
                while (silent.queries() < packets) {
                    co_await sleep(1ms);
                }
                tasks.clear();
            };
            run_until_complete(*loop, ask(resolver == std::string("cares") ? 100 : 0, server));
            loop->close();
            loop.reset();
            CHECK(std::chrono::steady_clock::now() - start < 4s);
        }
    }
}

TEST_CASE("getaddrinfo: another resolver takes over, who waits gets the former's answer") {
    for (const std::string& spec : testing::test_loops()) {
        const dns::Server server([](const Query& query) {
            Replies replies = answer(query);
            replies.front().delay = 5ms;
            return replies;
        });
        const auto change = [](EventLoop& loop, const dns::Server& slow) -> Coro<> {
            use_cares(loop, slow, kPatient);
            auto task = create_task(look_up("name.test", ipv4()));
            co_await ticks(2);
            set_resolver(loop, std::make_shared<FakeResolver>());
            std::string end = co_await look_up("name.test", ipv4());
            CHECK(end == "EAI_NONAME");
            end = co_await task;
            CHECK(end == "192.0.2.1");
        };
        Runner runner(RunOptions{spec, {}});
        EventLoop& loop = runner.get_loop();
        runner.run(change(loop, server));
        runner.close();
    }
}

GYRE_TEST_CASE("getaddrinfo: a cache keeps answers, also that there is no name, within bounds") {
    const dns::Server server([](const Query& query) {
        if (query.name == "gone.test") {
            return Replies{Reply(query.message(dns::NXDOMAIN, {}))};
        }
        if (query.name == "sick.test") {
            return Replies{Reply(query.message(dns::SERVFAIL, {}))};
        }
        return answer(query, query.name == "never.test" ? 0 : 60);
    });
    use_cares(loop, server, {.cache = 3});
    struct Step {
        const char* name;
        const char* end;
        bool asks;
    };
    const std::vector<Step> steps = {
        {"a.test", "192.0.2.1", true},     {"A.test", "192.0.2.1", false},
        {"gone.test", "EAI_NONAME", true}, {"gone.test", "EAI_NONAME", false},
        {"never.test", "192.0.2.1", true}, {"never.test", "192.0.2.1", true},
        {"sick.test", "EAI_AGAIN", true},  {"sick.test", "EAI_AGAIN", true},
        {"b.test", "192.0.2.1", true},     {"a.test", "192.0.2.1", false},
        {"c.test", "192.0.2.1", true},     {"a.test", "192.0.2.1", false},
        {"gone.test", "EAI_NONAME", true},
    };
    for (const Step& step : steps) {
        const int before = server.queries();
        std::string end = co_await look_up(step.name, ipv4());
        INFO(step.name);
        CHECK(end == step.end);
        CHECK((server.queries() > before) == step.asks);
    }
    if (loop.has_virtual_clock()) {
        co_await sleep(61s);
        const int before = server.queries();
        std::string end = co_await look_up("a.test", ipv4());
        CHECK(end == "192.0.2.1");
        CHECK(server.queries() == before + 1);
    }
}

TEST_CASE("getaddrinfo: changes of the hosts file and of resolv.conf are noticed") {
    const TemporaryFile hosts("192.0.2.7 here.test\n");
    const TemporaryFile resolv_conf("search one.test\n");
    const dns::Server server([](const Query& query) {
        return query.name == "x.two.test" ? answer(query)
                                          : Replies{Reply(query.message(dns::NXDOMAIN, {}))};
    });
    const auto body = [](EventLoop& loop, const dns::Server& names, const TemporaryFile& hosts_file,
                         const TemporaryFile& conf) -> Coro<> {
        use_cares(loop, names, {.resolv_conf = conf.path(), .hosts = hosts_file.path()});
        std::string end = co_await look_up("here.test", ipv4());
        CHECK(end == "192.0.2.7");
        end = co_await look_up("x", ipv4());
        CHECK(end == "EAI_NONAME");
        hosts_file.write("192.0.2.8  here.test  \n");
        conf.write("search one.test two.test\n");
        const auto start = loop.time();
        end = "";
        // It looks at them once a second.
        while (end != "192.0.2.1" && loop.time() - start < 5s) {
            co_await sleep(50ms);
            end = co_await look_up("x", ipv4());
        }
        CHECK(end == "192.0.2.1");
        end = co_await look_up("here.test", ipv4());
        CHECK(end == "192.0.2.8");
    };
    Runner runner({.loop = "selector"});
    EventLoop& loop = runner.get_loop();
    runner.run(body(loop, server, hosts, resolv_conf));
}

GYRE_TEST_CASE("FakeResolver: answers after a delay on the loop's clock, fails, or hangs") {
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {"192.0.2.1"};
    names->add("slow.test", addresses, 30ms);
    names->add_error("sick.test", EAI_AGAIN, 1ms);
    names->add_hanging("never.test");
    set_resolver(loop, names);
    const auto start = loop.time();
    std::string end = co_await look_up("slow.test");
    CHECK(end == "192.0.2.1");
    CHECK(loop.time() - start >= 30ms);
    end = co_await look_up("sick.test");
    CHECK(end == "EAI_AGAIN");
    auto hanging = wait_for(look_up("never.test"), 5ms);
    end = co_await ending(std::move(hanging));
    CHECK(end == "TimeoutError");
    CHECK(joined(names->asked()) == "slow.test sick.test never.test");
    NameInfo info = co_await getnameinfo(SocketAddress::ip("192.0.2.1", 80), NI_NUMERICSERV);
    CHECK(info.host == "slow.test");
}
