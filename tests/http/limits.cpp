// How many at once, and how long.
#define GYRE_TEST_LOOPS "selector:epoll", "selector:poll", "uv"  // time goes by while servers wait
#include "scripted_server.hpp"

#include <vector>

namespace {

// Answers once so many connections wait, or no more come.
Coro<> answer_late(StreamReader reader, StreamWriter writer) {
    while (true) {
        const Asked asked = co_await ScriptedServer::request(reader);
        co_await sleep(2ms);
        writer.write(ok("late"));
        co_await writer.drain();
    }
}

// Takes the request and says nothing.
Coro<> stay_silent(StreamReader reader, StreamWriter) {
    const Asked asked = co_await ScriptedServer::request(reader);
    const std::string more = co_await reader.read();
}

std::vector<Coro<http::Response>> requests(const http::Session& session, const std::string& url,
                                           int count) {
    std::vector<Coro<http::Response>> all;
    for (int i = 0; i < count; ++i) {
        all.push_back(session.get(url));
    }
    return all;
}

}  // namespace

GYRE_TEST_CASE("Session: no more connections than `limit`, all are answered") {
    ScriptedServer server = co_await ScriptedServer::start_raw(answer_late);
    for (const std::size_t limit : {1, 4, 0}) {
        http::Session session({.limit = limit});
        const int before = server.connections();
        std::vector<http::Response> responses =
            co_await gather(requests(session, server.url(), 20));
        for (const http::Response& each : responses) {
            CHECK(each.body == "late");
        }
        const int made = server.connections() - before;
        CHECK(made <= (limit == 0 ? 20 : static_cast<int>(limit)));
        CHECK(made >= (limit == 0 ? 10 : static_cast<int>(limit)));
        co_await session.close();
        while (server.open() != 0) {
            co_await sleep(0s);
        }
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: no more connections to a host than `limit_per_host`") {
    ScriptedServer one = co_await ScriptedServer::start_raw(answer_late);
    ScriptedServer two = co_await ScriptedServer::start_raw(answer_late);
    http::Session session({.limit = 100, .limit_per_host = 3});
    auto all = requests(session, one.url(), 10);
    for (auto& each : requests(session, two.url(), 10)) {
        all.push_back(std::move(each));
    }
    std::vector<http::Response> responses = co_await gather(std::move(all));
    CHECK(responses.size() == 20);
    CHECK(one.most_at_once() == 3);
    CHECK(two.most_at_once() == 3);
    co_await session.close();
    co_await one.close();
    co_await two.close();
}

GYRE_TEST_CASE("Session: one that waits for its turn is served when another is cancelled") {
    int connections = 0;
    ScriptedServer server =
        co_await ScriptedServer::start_raw([&](StreamReader reader, StreamWriter writer) {
            return ++connections == 1 ? stay_silent(std::move(reader), std::move(writer))
                                      : answer_late(std::move(reader), std::move(writer));
        });
    http::Session session({.limit = 1, .timeout = {.total = 5s}});
    auto first = create_task(session.get(server.url()));
    while (connections == 0) {
        co_await sleep(0s);
    }
    auto second = create_task(session.get(server.url()));
    co_await sleep(5ms);
    CHECK_FALSE(second.done());
    first.cancel();
    const http::Response response = co_await second;
    CHECK(response.body == "late");
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: total, for all of a request; its error names the URL") {
    ScriptedServer server = co_await ScriptedServer::start_raw(stay_silent);
    http::Session session({.timeout = {.total = 30ms}});
    const auto start = loop.time();
    const std::string end = co_await failure(session.get(server.url("/t")));
    CHECK(says(end, "TimeoutError: GET " + server.url("/t") + ": not complete"));
    CHECK(loop.time() - start >= 30ms);
    CHECK(loop.time() - start < 2s);
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: one without an end is no time at all") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked&) { return ok("here"); });
    http::Session session;
    const auto ever = std::chrono::milliseconds::max();
    for (const http::RequestTimeouts& limits :
         {http::RequestTimeouts(ever), http::RequestTimeouts(std::chrono::hours::max()),
          http::RequestTimeouts(http::Timeouts{.total = ever, .read = ever})}) {
        auto asking = session.get(server.url(), {.timeout = limits});
        const http::Response response = co_await std::move(asking);
        CHECK(response.body == "here");
    }
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: a duration is the total of that request alone") {
    ScriptedServer server = co_await ScriptedServer::start_raw(stay_silent);
    http::Session session;
    auto asking = session.get(server.url("/late"), {.timeout = 0.05s});
    std::string end = co_await failure(std::move(asking));
    CHECK(says(end, "TimeoutError: GET " + server.url("/late")));
    asking = session.get(server.url("/late"), {.timeout = http::Timeouts{.total = 1ms}});
    end = co_await failure(std::move(asking));
    CHECK(says(end, "TimeoutError: GET " + server.url("/late")));
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: total counts on through redirects and a body by and by") {
    ScriptedServer server =
        co_await ScriptedServer::start_raw([](StreamReader reader, StreamWriter writer) -> Coro<> {
            while (true) {
                const Asked asked = co_await ScriptedServer::request(reader);
                co_await sleep(10ms);
                if (asked.target == "/loop") {
                    writer.write(redirect(302, "/loop"));
                    continue;
                }
                writer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                for (int i = 0; i < 100 && !writer.is_closing(); ++i) {
                    writer.write("x");
                    co_await sleep(10ms);
                }
            }
        });
    http::Session session({.timeout = {.total = 60ms}, .max_redirects = 1000});
    for (const char* path : {"/loop", "/drip"}) {
        const std::string end = co_await failure(session.get(server.url(path)));
        CHECK(says(end, "TimeoutError: "));
        CHECK(says(end, "not complete within"));
    }
    auto asking = session.get(server.url("/drip"), {.stream = true});
    http::Response response = co_await std::move(asking);
    std::string end;
    try {
        end = co_await response.read();
    } catch (const http::TimeoutError& error) {
        end = error.what();
    }
    CHECK(says(end, "not complete within"));
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: total also ends the wait for a body that is not made") {
    ScriptedServer server = co_await ScriptedServer::start_raw(stay_silent);
    http::Session session({.timeout = {.total = 30ms}});
    const auto stuck = []() -> AsyncGenerator<std::string> {
        co_yield "some";
        Event never;
        co_await never.wait();
    };
    auto asking = session.request("POST", server.url(), stuck());
    const std::string end = co_await failure(std::move(asking));
    CHECK(says(end, "TimeoutError: POST "));
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: read is the longest silence, a slow body has more time") {
    ScriptedServer server =
        co_await ScriptedServer::start_raw([](StreamReader reader, StreamWriter writer) -> Coro<> {
            const Asked asked = co_await ScriptedServer::request(reader);
            writer.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
            const int pieces = asked.target == "/slow" ? 8 : 4;
            for (int i = 0; i < pieces; ++i) {
                co_await sleep(15ms);
                writer.write("x");
            }
            const std::string more = co_await reader.read();
        });
    http::Session session({.timeout = {.read = 90ms}});
    std::string end = co_await failure(session.get(server.url("/slow")));
    CHECK(end == "200");
    end = co_await failure(session.get(server.url("/stuck")));
    CHECK(says(end, "TimeoutError: GET "));
    CHECK(says(end, "silent"));
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: read does not count while the caller is busy, or sends") {
    ScriptedServer server =
        co_await ScriptedServer::start_raw([](StreamReader reader, StreamWriter writer) -> Coro<> {
            const Asked asked = co_await ScriptedServer::request(reader);
            writer.write(ok(std::string(4 << 20, 'x')));
            co_await writer.drain();
        });
    http::Session session({.timeout = {.read = 80ms}});
    auto asking = session.get(server.url(), {.stream = true});
    http::Response response = co_await std::move(asking);
    co_await sleep(100ms);
    std::string body = co_await response.read();
    CHECK(body.size() == 4 << 20);
    const auto slowly = []() -> AsyncGenerator<std::string> {
        for (int i = 0; i < 4; ++i) {
            co_await sleep(30ms);
            co_yield "some";
        }
    };
    asking = session.request("POST", server.url(), slowly());
    response = co_await std::move(asking);
    CHECK(response.status == 200);
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Timeouts: connect is the time until a connection stands") {
    // Its queue is full: nobody accepts.
    Socket listener = Socket::open(SocketAddress::Family::ipv4);
    listener.bind(SocketAddress::ip("127.0.0.1", 0));
    listener.listen(0);
    std::vector<Socket> waiting(4);
    for (Socket& each : waiting) {
        each = Socket::open(SocketAddress::Family::ipv4);
        each.connect(listener.local_address());
    }
    const std::string url =
        "http://127.0.0.1:" + std::to_string(listener.local_address().port()) + "/c";
    http::Session session({.timeout = {.connect = 40ms, .read = 10ms}});
    const auto start = loop.time();
    const std::string end = co_await failure(session.get(url));
    CHECK(says(end, "TimeoutError: GET " + url + ": no connection"));
    CHECK(loop.time() - start >= 35ms);
    CHECK(loop.time() - start < 2s);
    co_await session.close();
}
