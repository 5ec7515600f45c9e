// Names are looked up by the loop's resolver, for each redirect, and never by libcurl.
#include "scripted_server.hpp"

#include <gyre/fake_resolver.hpp>
#include <gyre/resolvers.hpp>

#include <netdb.h>

namespace {

std::string host_of(const Asked& asked) { return ok(asked.header("host")); }

}  // namespace

GYRE_TEST_CASE("Names: each is asked of the loop's resolver, one that a redirect leads to, too") {
    auto names = std::make_shared<FakeResolver>();
    names->add("one.test", {"127.0.0.1"});
    names->add("two.test", {"127.0.0.1"});
    set_resolver(loop, names);
    ScriptedServer* itself = nullptr;
    ScriptedServer server = co_await ScriptedServer::start([&itself](const Asked& asked) {
        return asked.target == "/go" ? redirect(302, itself->url("/there", "two.test"))
                                     : host_of(asked);
    });
    itself = &server;
    http::Session session;
    http::Response response = co_await session.get(server.url("/", "one.test"));
    CHECK(server.url() == "http://127.0.0.1" + response.body.substr(8) + "/");
    CHECK(response.body.starts_with("one.test:"));
    CHECK(names->asked() == std::vector<std::string>{"one.test"});
    response = co_await session.get(server.url("/go", "one.test"));
    CHECK(response.body.starts_with("two.test:"));
    CHECK(response.url == server.url("/there", "two.test"));
    CHECK(names->asked().back() == "two.test");
    response = co_await session.get(server.url("/"));
    CHECK(names->asked().back() == "two.test");
    co_await server.close();
}

GYRE_TEST_CASE("Names: an address where nobody listens is not the last one tried") {
    if (loop.name().starts_with("virtual")) {
        co_return;  // libcurl goes on to the next address by a clock of its own
    }
    auto names = std::make_shared<FakeResolver>();
    names->add("many.test", {"127.0.0.2", "127.0.0.1"});
    set_resolver(loop, names);
    ScriptedServer server = co_await ScriptedServer::start(host_of);
    http::Session session;
    const http::Response response = co_await session.get(server.url("/", "many.test"));
    CHECK(response.status == 200);
    co_await server.close();
}

GYRE_TEST_CASE("Names: one that is not found, or not in time, is an error with method and URL") {
    auto names = std::make_shared<FakeResolver>();
    names->add_error("none.test", EAI_NONAME);
    names->add_error("later.test", EAI_AGAIN);
    names->add_hanging("silent.test");
    set_resolver(loop, names);
    http::Session session({.timeout = {.total = 50ms}});
    std::string end = co_await failure(session.get("http://none.test/x"));
    CHECK(says(end, "ConnectionError: GET http://none.test/x: none.test: "));
    end = co_await failure(session.get("https://later.test/x"));
    CHECK(says(end, "ConnectionError: GET https://later.test/x: later.test: "));
    end = co_await failure(session.get("http://silent.test/x"));
    CHECK(says(end, "TimeoutError: GET http://silent.test/x: "));
}

GYRE_TEST_CASE("Names: a request that waits for one is cancelled at once") {
    auto names = std::make_shared<FakeResolver>();
    names->add_hanging("silent.test");
    set_resolver(loop, names);
    http::Session session({.timeout = {.total = {}}});
    auto asking = create_task(session.get("http://silent.test/"));
    co_await sleep(0s);
    CHECK(names->asked().size() == 1);
    asking.cancel();
    const std::string end = co_await failure(std::move(asking));
    CHECK(end == "CancelledError");
}
