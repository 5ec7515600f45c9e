// Bodies that come and go by and by.
#include "scripted_server.hpp"

namespace {

const std::string kPiece(std::size_t{64} << 10, 'x');
constexpr int kPieces = 1024;  // 64 MB: more than the system's buffers take

// Says how much of a long body it could send.
Coro<> send_much(StreamReader reader, StreamWriter writer, std::size_t& sent) {
    const Asked asked = co_await ScriptedServer::request(reader);
    writer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kPiece.size() * kPieces) +
                 "\r\n\r\n");
    for (int i = 0; i < kPieces; ++i) {
        writer.write(kPiece);
        co_await writer.drain();
        sent += kPiece.size();
    }
}

AsyncGenerator<std::string> pieces(int count, int& made) {
    for (; made < count; ++made) {
        co_await sleep(0s);
        co_yield kPiece;
    }
}

Coro<http::Response> streamed(const http::Session& session, std::string url) {
    return session.get(std::move(url), {.stream = true});
}

}  // namespace

GYRE_TEST_CASE("Response: chunks() gives the body in order, read() what is left of it") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked& asked) { return asked.target == "/" ? ok("0123456789") : ok(""); });
    http::Session session;
    http::Response response = co_await streamed(session, server.url());
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    std::string all;
    AsyncGenerator<std::string> chunks = response.chunks();
    while (auto chunk = co_await chunks.next()) {
        all += *chunk;
    }
    CHECK(all == "0123456789");
    all = co_await response.read();
    CHECK(all.empty());
    response = co_await streamed(session, server.url("/empty"));
    all = co_await response.read();
    CHECK(all.empty());

    response = co_await session.get(server.url());
    chunks = response.chunks();
    std::optional<std::string> first = co_await chunks.next();
    CHECK(first == "0123456789");
    first = co_await chunks.next();
    CHECK_FALSE(first.has_value());
    all = co_await response.read();
    CHECK(all == "0123456789");
    CHECK(server.connections() == 1);
    co_await server.close();
}

GYRE_TEST_CASE("Response: a server is held up while nobody takes the body") {
    std::size_t sent = 0;
    ScriptedServer server =
        co_await ScriptedServer::start_raw([&sent](StreamReader reader, StreamWriter writer) {
            return send_much(std::move(reader), std::move(writer), sent);
        });
    http::Session session({.timeout = {.total = {}}, .max_body = kPiece.size() * kPieces});
    http::Response response = co_await streamed(session, server.url());
    AsyncGenerator<std::string> chunks = response.chunks();
    std::optional<std::string> chunk = co_await chunks.next();
    REQUIRE(chunk.has_value());
    std::size_t taken = chunk->size();
    std::size_t before = 0;
    int quiet = 0;
    while (quiet < 200) {  // iterations in which nothing more went
        co_await sleep(0s);
        quiet = sent == before ? quiet + 1 : 0;
        before = sent;
    }
    CHECK(sent < kPiece.size() * kPieces / 2);
    while ((chunk = co_await chunks.next())) {
        taken += chunk->size();
    }
    CHECK(taken == kPiece.size() * kPieces);
    CHECK(sent == taken);
    co_await server.close();
}

GYRE_TEST_CASE("Response: let go of in the middle, its connection is closed") {
    std::size_t sent = 0;
    ScriptedServer server =
        co_await ScriptedServer::start_raw([&sent](StreamReader reader, StreamWriter writer) {
            return send_much(std::move(reader), std::move(writer), sent);
        });
    http::Session session({.timeout = {.total = {}}});
    {
        http::Response response = co_await streamed(session, server.url());
        CHECK(server.open() == 1);
    }
    while (server.open() != 0) {
        co_await sleep(0s);
    }
    co_await server.close();
}

GYRE_TEST_CASE("Response: a body larger than max_body is a BadAnswer, streamed or not") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked& asked) {
        return ok(std::string(std::stoul(asked.target.substr(1)), 'x'));
    });
    http::Session session({.max_body = 1000});
    std::string end = co_await failure(session.get(server.url("/1000")));
    CHECK(end == "200");
    end = co_await failure(session.get(server.url("/1001")));
    CHECK(says(end, "BadAnswer: GET " + server.url("/1001")));
    CHECK(says(end, "max_body"));
    auto asking = session.get(server.url("/1001"), {.max_body = 1001});
    end = co_await failure(std::move(asking));
    CHECK(end == "200");
    for (const char* path : {"/1001", "/700000"}) {
        const std::size_t limit = std::string(path) == "/1001" ? 1000 : 600'000;
        asking = session.get(server.url(path), {.stream = true, .max_body = limit});
        end = co_await failure([](Coro<http::Response> starting) -> Coro<http::Response> {
            http::Response response = co_await std::move(starting);
            response.body = co_await response.read();
            co_return response;
        }(std::move(asking)));
        CHECK(says(end, "BadAnswer: "));
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: a body is made as it is sent") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked& asked) { return ok(asked.method + std::to_string(asked.body.size())); });
    http::Session session;
    for (const int count : {0, 1, 20}) {
        for (const char* method : {"POST", "PUT", "GET"}) {
            int made = 0;
            auto asking = session.request(method, server.url(), pieces(count, made));
            const http::Response response = co_await std::move(asking);
            CHECK(made == count);
            CHECK(response.body ==
                  method + std::to_string(static_cast<std::size_t>(count) * kPiece.size()));
        }
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: no more of a body is made than the server takes") {
    Event go_on;
    std::size_t taken = 0;
    ScriptedServer server =
        co_await ScriptedServer::start_raw([&](StreamReader reader, StreamWriter writer) -> Coro<> {
            const std::string head = co_await reader.readuntil("\r\n\r\n");
            co_await go_on.wait();
            std::string last;
            while (!last.ends_with("0\r\n\r\n")) {
                const std::string more = co_await reader.read(1 << 20);
                taken += more.size();
                last = more.substr(more.size() - std::min<std::size_t>(more.size(), 7));
            }
            writer.write(ok("thanks"));
            co_await writer.drain();
        });
    http::Session session({.timeout = {.total = {}}});
    int made = 0;
    auto asking = create_task(session.request("POST", server.url(), pieces(kPieces / 4, made)));
    int before = -1;
    int quiet = 0;
    while (quiet < 200) {
        co_await sleep(0s);
        quiet = made == before ? quiet + 1 : 0;
        before = made;
    }
    CHECK(made > 0);
    CHECK(made < kPieces / 4);
    go_on.set();
    const http::Response response = co_await asking;
    CHECK(response.body == "thanks");
    CHECK(taken > kPiece.size() * kPieces / 4);
    co_await server.close();
}

GYRE_TEST_CASE("Session: the error of who makes the body is that of the request") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked&) { return ok(""); });
    http::Session session;
    const auto failing = [](bool timed) -> AsyncGenerator<std::string> {
        co_yield "some";
        co_await sleep(0s);
        if (timed) {
            throw gyre::TimeoutError("its own");
        }
        throw std::runtime_error("no more");
    };
    for (const bool timed : {false, true}) {
        auto asking = session.request("POST", server.url(), failing(timed));
        const std::string end = co_await failure(std::move(asking));
        CHECK(end == (timed ? "its own" : "no more"));
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: an answer ahead of the end of what is sent is the answer") {
    ScriptedServer server =
        co_await ScriptedServer::start_raw([](StreamReader reader, StreamWriter writer) -> Coro<> {
            const std::string head = co_await reader.readuntil("\r\n\r\n");
            writer.write(answer("413 Too Large", "Connection: close\r\n", "no"));
            co_await writer.drain();
        });
    http::Session session;
    const auto endless = []() -> AsyncGenerator<std::string> {
        co_yield "some";
        Event never;
        co_await never.wait();
    };
    auto asking = session.request("POST", server.url(), endless());
    const http::Response response = co_await std::move(asking);
    CHECK(response.status == 413);
    co_await server.close();
}
