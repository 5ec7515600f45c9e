// Section 26: name resolution, with honest and hostile name servers.
#include "resolving.hpp"

namespace {

using dns::Query;
using dns::Replies;
using dns::Reply;

Replies once(std::string message) { return {Reply(std::move(message))}; }

// An address of each family for every name.
std::vector<dns::Record> both(const Query& query) {
    return {dns::address(query.name, "192.0.2.1"), dns::address(query.name, "2001:db8::1")};
}

AddressOptions ipv4() {
    AddressOptions options;
    options.family = AF_INET;
    return options;
}

// What comes of a name whose server answers so; not before the loop has turned, and in time.
Coro<std::string> ask(EventLoop& loop, dns::Server::Handler handler, AddressOptions options) {
    const dns::Server server(std::move(handler));
    use_cares(loop, server);
    const auto start = std::chrono::steady_clock::now();
    std::string end = co_await look_up("name.test", options);
    CHECK(std::chrono::steady_clock::now() - start < 10s);
    co_return end;
}

}  // namespace

GYRE_TEST_CASE("getaddrinfo: both families' addresses from a name server (S319)") {
    auto asking = ask(loop, [](const Query& query) { return once(query.answer(both(query))); }, {});
    std::string end = co_await std::move(asking);
    CHECK((end == "192.0.2.1 2001:db8::1" || end == "2001:db8::1 192.0.2.1"));
}

GYRE_TEST_CASE("getaddrinfo: packets that are lost, late or doubled do no harm (S319)") {
    auto lost = std::make_shared<std::atomic<int>>(0);
    auto handler = [lost](const Query& query) -> Replies {
        if (lost->fetch_add(1) == 0) {
            return {};
        }
        Replies replies = once(query.answer(both(query)));
        replies.push_back(replies.front());
        replies.back().delay = 5ms;
        return replies;
    };
    auto asking = ask(loop, handler, ipv4());
    std::string end = co_await std::move(asking);
    CHECK(end == "192.0.2.1");
    CHECK(*lost == 2);
}

GYRE_TEST_CASE("getaddrinfo: no answer, or none to the question, is EAI_AGAIN in time (S319)") {
    std::map<std::string, dns::Server::Handler> hostile;
    hostile["silence"] = [](const Query&) { return Replies(); };
    hostile["wrong id"] = [](const Query& query) {
        Query other = query;
        other.id[0] = static_cast<char>(other.id[0] + 1);
        return once(other.answer(both(query)));
    };
    hostile["wrong question"] = [](const Query& query) {
        Query other = query;
        other.question[1] = 'x';
        return once(other.answer(both(query)));
    };
    hostile["empty packet"] = [](const Query&) { return once(""); };
    hostile["only an id"] = [](const Query& query) { return once(query.id); };
    hostile["garbled"] = [](const Query& query) {
        return once(query.id + std::string(40, '\xff'));
    };
    hostile["SERVFAIL"] = [](const Query& query) { return once(query.message(dns::SERVFAIL, {})); };
    hostile["REFUSED"] = [](const Query& query) { return once(query.message(dns::REFUSED, {})); };
    for (const auto& [what, handler] : hostile) {
        INFO(what);
        auto asking = ask(loop, handler, {});
        std::string end = co_await std::move(asking);
        CHECK(end == "EAI_AGAIN");
    }
}

GYRE_TEST_CASE("getaddrinfo: an answer cut short anywhere is no answer, or a right one (S319)") {
    auto cut = std::make_shared<std::atomic<std::size_t>>(0);
    const dns::Server server([cut](const Query& query) {
        const std::string whole = query.answer({dns::address(query.name, "192.0.2.1")});
        return once(whole.substr(0, std::min(whole.size(), cut->load())));
    });
    use_cares(loop, server, {.timeout = 2ms, .tries = 1});
    for (std::size_t size = 0; size <= 60; size += 3) {
        *cut = size;
        std::string end = co_await look_up("name.test", ipv4());
        CHECK((end == "EAI_AGAIN" || (size >= 43 && end == "192.0.2.1")));
    }
}

GYRE_TEST_CASE("getaddrinfo: a truncated answer comes again over TCP (S319)") {
    auto handler = [](const Query& query) {
        return once(query.tcp ? query.answer(both(query)) : query.message(0, {}, true));
    };
    auto asking = ask(loop, handler, ipv4());
    std::string end = co_await std::move(asking);
    CHECK(end == "192.0.2.1");
}

GYRE_TEST_CASE("getaddrinfo: a TCP connection that closes at any byte ends in time (S319)") {
    auto cut = std::make_shared<std::atomic<std::size_t>>(0);
    const dns::Server server([cut](const Query& query) {
        Replies replies = once(query.message(0, {}, true));
        if (query.tcp) {
            replies = once(query.answer(both(query)));
            replies.front().cut = cut->load();
        }
        return replies;
    });
    use_cares(loop, server);
    for (std::size_t size = 0; size < 54; size += 3) {
        *cut = size;
        std::string end = co_await look_up("name.test", ipv4());
        CHECK(end == "EAI_AGAIN");
    }
    *cut = 1000;
    std::string end = co_await look_up("name.test", ipv4());
    CHECK(end == "192.0.2.1");
    CHECK(server.queries_over_tcp() > 17);
}

GYRE_TEST_CASE(
    "getaddrinfo: a chain of aliases is followed, its end is the canonical name (S319)") {
    const dns::Server server([](const Query& query) {
        return once(query.answer({dns::cname(query.name, "b.test"), dns::cname("b.test", "c.test"),
                                  dns::address("c.test", "192.0.2.7")}));
    });
    use_cares(loop, server);
    AddressOptions options = ipv4();
    options.flags = AI_CANONNAME;
    std::vector<AddressInfo> found = co_await getaddrinfo("a.test", 80, options);
    REQUIRE(found.size() == 3);
    CHECK(found[0].canonname == "c.test");
    CHECK(found[1].canonname.empty());
    CHECK(found[0].address.to_string() == "192.0.2.7:80");
}

GYRE_TEST_CASE("getaddrinfo: aliases that go in a circle, or nowhere, are no data (S319)") {
    auto circle = [](const Query& query) {
        return once(
            query.answer({dns::cname(query.name, "b.test"), dns::cname("b.test", query.name)}));
    };
    auto asking = ask(loop, circle, {});
    std::string end = co_await std::move(asking);
    CHECK(end == "EAI_NODATA");
    auto nowhere = [](const Query& query) {
        return once(query.answer({dns::cname(query.name, "b.test")}));
    };
    auto asking_2 = ask(loop, nowhere, {});
    end = co_await std::move(asking_2);
    CHECK(end == "EAI_NODATA");
}

GYRE_TEST_CASE("getaddrinfo: five hundred addresses (S319, S320)") {
    const dns::Server server([](const Query& query) {
        std::vector<dns::Record> records;
        for (int i = 0; i < 500; ++i) {
            records.push_back(dns::address(query.name, "198.51." + std::to_string(100 + i / 250) +
                                                           '.' + std::to_string(i % 250)));
        }
        return once(query.tcp ? query.answer(records) : query.message(0, {}, true));
    });
    use_cares(loop, server);
    std::vector<AddressInfo> found =
        co_await getaddrinfo("name.test", 80, {.family = AF_INET, .type = SOCK_STREAM});
    REQUIRE(found.size() == 500);
    CHECK(found.front().address.to_string() == "198.51.100.0:80");
    CHECK(found.back().address.to_string() == "198.51.101.249:80");
}

GYRE_TEST_CASE("getaddrinfo: no such name is EAI_NONAME, none of this family EAI_NODATA (S319)") {
    auto nobody = [](const Query& query) { return once(query.message(dns::NXDOMAIN, {})); };
    auto asking = ask(loop, nobody, {});
    std::string end = co_await std::move(asking);
    CHECK(end == "EAI_NONAME");
    auto nothing = [](const Query& query) { return once(query.message(0, {})); };
    auto asking_2 = ask(loop, nothing, {});
    end = co_await std::move(asking_2);
    CHECK(end == "EAI_NODATA");
}

GYRE_TEST_CASE("getaddrinfo: one family without an answer does not cost the other (S319)") {
    auto handler = [](const Query& query) {
        return query.type == dns::AAAA ? Replies() : once(query.answer(both(query)));
    };
    auto asking = ask(loop, handler, {});
    std::string end = co_await std::move(asking);
    CHECK(end == "192.0.2.1");
    auto handler_2 = [](const Query& query) {
        return once(query.type == dns::A ? query.message(dns::SERVFAIL, {})
                                         : query.answer(both(query)));
    };
    auto asking_2 = ask(loop, handler_2, {});
    end = co_await std::move(asking_2);
    CHECK(end == "2001:db8::1");
}

GYRE_TEST_CASE("getaddrinfo: the search list is gone through, and its end is EAI_NONAME (S319)") {
    const TemporaryFile resolv_conf("search one.test two.test\noptions ndots:1\n");
    const dns::Server server([](const Query& query) {
        return once(query.name == "here.two.test"
                        ? query.answer({dns::address(query.name, "192.0.2.2")})
                        : query.message(dns::NXDOMAIN, {}));
    });
    use_cares(loop, server, {.resolv_conf = resolv_conf.path()});
    AddressOptions options = ipv4();
    options.flags = AI_CANONNAME;
    std::vector<AddressInfo> found = co_await getaddrinfo("here", 80, options);
    REQUIRE_FALSE(found.empty());
    CHECK(found.front().canonname == "here.two.test");
    CHECK(found.front().address.host() == "192.0.2.2");
    std::string end = co_await look_up("nowhere", ipv4());
    CHECK(end == "EAI_NONAME");
    CHECK(joined(server.names()) ==
          "here.one.test here.two.test nowhere.one.test nowhere.two.test nowhere");
}

GYRE_TEST_CASE("getaddrinfo: a server that is not there gives way to the next (S319)") {
    const dns::Server server([](const Query& query) { return once(query.answer(both(query))); });
    std::vector<std::string> nameservers = {"127.0.0.1:1"};
    nameservers.push_back(server.nameservers().front());
    set_resolver(loop, make_resolver(loop, "cares",
                                     {.nameservers = nameservers,
                                      .timeout = 40ms,
                                      .resolv_conf = kNoFile,
                                      .hosts = kNoFile}));
    std::string end = co_await look_up("name.test", ipv4());
    CHECK(end == "192.0.2.1");
}

GYRE_TEST_CASE(
    "getaddrinfo: without a resolv.conf, and no server on this machine, it ends (S319)") {
    set_resolver(
        loop,
        make_resolver(loop, "cares",
                      {.timeout = 10ms, .tries = 1, .resolv_conf = kNoFile, .hosts = kNoFile}));
    std::string end = co_await look_up("name.invalid", ipv4());
    CHECK((end == "EAI_AGAIN" || end == "EAI_NONAME"));
}

GYRE_TEST_CASE("getaddrinfo: the loop turns while a server is silent (S319)") {
    const dns::Server server([](const Query&) { return Replies(); });
    use_cares(loop, server);
    auto task = create_task(look_up("name.test"));
    int turns = 0;
    while (!task.done()) {
        co_await sleep(0s);
        ++turns;
    }
    CHECK(turns > 1);
    CHECK(task.result() == "EAI_AGAIN");
}

GYRE_TEST_CASE("getnameinfo: the name of an address from a name server (S319)") {
    const dns::Server server([](const Query& query) {
        const bool known = query.name == "7.2.0.192.in-addr.arpa" || query.name.starts_with("1.0.");
        return once(known ? query.answer({{query.name, dns::PTR, dns::labels("host.test")}})
                          : query.message(dns::NXDOMAIN, {}));
    });
    use_cares(loop, server);
    NameInfo info = co_await getnameinfo(SocketAddress::ip("192.0.2.7", 80), NI_NUMERICSERV);
    CHECK(info.host == "host.test");
    CHECK(info.service == "80");
    info = co_await getnameinfo(SocketAddress::ip("2001:db8::1", 80), NI_NUMERICSERV);
    CHECK(info.host == "host.test");
    info = co_await getnameinfo(SocketAddress::ip("192.0.2.8", 80), NI_NUMERICSERV);
    CHECK(info.host == "192.0.2.8");
    std::string end;
    try {
        NameInfo none = co_await getnameinfo(SocketAddress::ip("192.0.2.8", 80), NI_NAMEREQD);
    } catch (const ResolveError& error) {
        end = name_of_code(error.code);
    }
    CHECK(end == "EAI_NONAME");
}
