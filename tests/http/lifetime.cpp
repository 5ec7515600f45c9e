// Sessions that end, requests that are given up.
#include "../process.hpp"
#include "scripted_server.hpp"

namespace {

std::string echo(const Asked& asked) {
    return asked.target == "/moved" ? redirect(302, "/end", "moved") : ok("hello");
}

Coro<> stay_silent(StreamReader reader, StreamWriter) {
    const std::string all = co_await reader.read();
}

Coro<> ticks(int count) {
    for (int i = 0; i < count; ++i) {
        co_await sleep(0s);
    }
}

AsyncGenerator<std::string> pieces() {
    for (int i = 0; i < 3; ++i) {
        co_await sleep(0s);
        co_yield std::string(100'000, 'x');
    }
}

// Each way to ask; the last streams both ways.
Coro<> use(http::Session session, std::string url, std::string path) {
    if (path == "/stream") {
        auto asking = session.request("POST", url, pieces(), {.stream = true});
        http::Response response = co_await std::move(asking);
        const std::string body = co_await response.read();
    } else {
        http::Response response = co_await session.get(url);
        CHECK(response.body == "hello");
    }
}

}  // namespace

GYRE_TEST_CASE("Session: a request cancelled at any moment leaves nothing") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    for (const char* path : {"/plain", "/moved", "/stream"}) {
        for (const char* host : {"127.0.0.1", "localhost"}) {
            bool through = false;
            for (int moment = 0; !through; ++moment) {
                INFO("path: ", std::string(path), ", host: ", std::string(host),
                     ", moment: ", moment);
                REQUIRE(moment < 2000);
                http::Session session({.timeout = {.total = {}}});
                auto asking = create_task(use(session, server.url(path, host), path));
                co_await ticks(moment);
                through = asking.done();
                asking.cancel();
                bool cancelled = false;
                try {
                    co_await asking;
                } catch (const CancelledError&) {
                    cancelled = true;
                }
                CHECK(cancelled == !through);
                // A session without a request has no timer and watches nothing but idle sockets.
                http::Response next = co_await session.get(server.url());
                CHECK(next.body == "hello");
            }
        }
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: close() ends what runs with a ConnectionError, at any moment") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    for (const char* path : {"/plain", "/moved", "/stream"}) {
        bool through = false;
        int ended = 0;
        for (int moment = 0; !through; ++moment) {
            INFO("path: ", std::string(path), ", moment: ", moment);
            REQUIRE(moment < 2000);
            http::Session session({.timeout = {.total = {}}});
            auto asking = create_task(use(session, server.url(path, "localhost"), path));
            co_await ticks(moment + 1);
            through = asking.done();
            co_await session.close();
            CHECK(session.closed());
            std::string end = "done";
            try {
                co_await asking;
            } catch (const http::ConnectionError& error) {
                end = error.what();
            }
            CHECK((end == "done" || says(end, "the session was closed")));
            ended += end == "done" ? 0 : 1;
        }
        CHECK(ended > 5);
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: close() also ends those who wait for their turn, and for a body") {
    ScriptedServer server = co_await ScriptedServer::start_raw(stay_silent);
    http::Session session({.limit = 1, .timeout = {.total = {}}});
    const auto stuck = []() -> AsyncGenerator<std::string> {
        co_yield "some";
        Event never;
        co_await never.wait();
    };
    std::vector<Task<std::string>> all;
    all.push_back(create_task(failure(session.request("POST", server.url(), stuck()))));
    for (int i = 0; i < 3; ++i) {
        all.push_back(create_task(failure(session.get(server.url()))));
    }
    while (server.open() == 0) {
        co_await sleep(0s);
    }
    co_await ticks(20);
    co_await session.close();
    co_await session.close();
    for (auto& each : all) {
        const std::string end = co_await each;
        CHECK(says(end, "ConnectionError: "));
        CHECK(says(end, "the session was closed"));
    }
    const std::string end = co_await failure(session.get(server.url()));
    CHECK(end == "the session is closed");
    co_await server.close();
}

GYRE_TEST_CASE("Session: with() closes it, whatever the body ends with") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    std::optional<http::Session> kept;
    auto using_it = with(http::Session(), [&](http::Session& session) -> Coro<int> {
        kept = session;
        http::Response response = co_await session.get(server.url());
        co_return response.status;
    });
    const int status = co_await std::move(using_it);
    CHECK(status == 200);
    CHECK(kept->closed());
    auto failing = with(http::Session(), [&](http::Session& session) -> Coro<> {
        kept = session;
        co_await sleep(0s);
        throw std::runtime_error("body");
    });
    std::string end;
    try {
        co_await std::move(failing);
    } catch (const std::runtime_error& error) {
        end = error.what();
    }
    CHECK(end == "body");
    CHECK(kept->closed());
    co_await server.close();
}

GYRE_TEST_CASE("Session: let go of while its request runs, the request goes on") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    std::optional<http::Session> session;
    session.emplace();
    auto asking = create_task(session->get(server.url()));
    session.reset();
    const http::Response response = co_await asking;
    CHECK(response.body == "hello");
    co_await server.close();
}

GYRE_TEST_CASE("Session: let go of behind a streamed answer, the body still comes") {
    const std::string much(4 << 20, 'x');
    ScriptedServer server =
        co_await ScriptedServer::start([&much](const Asked&) { return ok(much); });
    std::optional<http::Session> session;
    session.emplace(http::SessionOptions{.timeout = {.total = {}}});
    auto asking = session->get(server.url(), {.stream = true});
    http::Response response = co_await std::move(asking);
    session.reset();
    const std::string body = co_await response.read();
    CHECK(body == much);
    co_await server.close();
}

GYRE_TEST_CASE("Session: a body that is streamed ends with the session") {
    const std::string much(4 << 20, 'x');
    ScriptedServer server =
        co_await ScriptedServer::start([&much](const Asked&) { return ok(much); });
    http::Session session({.timeout = {.total = {}}});
    auto asking = session.get(server.url(), {.stream = true});
    http::Response response = co_await std::move(asking);
    co_await session.close();
    bool failed = false;
    try {
        const std::string body = co_await response.read();
    } catch (const http::ConnectionError& error) {
        failed = says(error.what(), "the session was closed");
    }
    CHECK(failed);
    co_await server.close();
}

GYRE_TEST_CASE("Session: two at once share nothing") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session one;
    http::Session two;
    auto both = gather(one.get(server.url()), two.get(server.url()));
    auto responses = co_await std::move(both);
    CHECK(std::get<0>(responses).body == "hello");
    CHECK(server.connections() == 2);
    co_await one.close();
    const http::Response response = co_await two.get(server.url());
    CHECK(response.body == "hello");
    CHECK(server.connections() == 2);
    co_await server.close();
}

GYRE_TEST_CASE("Session: no descriptor is open when it is gone") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    {
        http::Session session;  // what libcurl and the resolver keep for good
        http::Response response = co_await session.get(server.url("/", "localhost"));
    }
    while (server.open() != 0) {
        co_await sleep(0s);
    }
    co_await ticks(5);
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 10; ++i) {
        http::Session session;
        http::Response response = co_await session.get(server.url());
        auto asking = create_task(session.get(server.url()));
        co_await ticks(i);
        asking.cancel();
        std::string end = co_await failure(std::move(asking));
    }
    while (server.open() != 0) {
        co_await sleep(0s);
    }
    co_await ticks(5);
    CHECK(open_descriptors() == before);
    co_await server.close();
}

TEST_CASE("Session: it belongs to the loop of its first request") {
    for (const char* spec : {GYRE_TEST_LOOPS}) {
        INFO("loop: ", spec);
        const http::Session session;
        const auto ask = [&session]() -> Coro<std::string> {
            ScriptedServer server = co_await ScriptedServer::start(echo);
            std::string end = co_await failure(session.get(server.url()));
            co_await server.close();
            co_return end;
        };
        CHECK(run(ask(), {.loop = spec}) == "200");
        CHECK(says(run(ask(), {.loop = spec}), "another loop"));
    }
}

TEST_CASE("Session: a loop may be closed while its requests run") {
    for (const char* spec : {GYRE_TEST_LOOPS}) {
        INFO("loop: ", spec);
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        std::optional<http::Session> session;
        session.emplace();
        std::vector<Task<http::Response>> asking;
        const auto start = [&]() -> Coro<> {
            Server server = co_await start_server(stay_silent, "127.0.0.1", 0);
            const std::string url =
                "http://127.0.0.1:" + std::to_string(server.sockets().at(0).port());
            asking.push_back(create_task(session->get(url)));
            asking.push_back(create_task(session->get(url)));
            co_await ticks(20);
        };
        run_until_complete(*loop, start());
        loop->close();
        asking.clear();
        session.reset();
    }
}
