// Servers that mean no good: each ends with its error, and in time.
#define GYRE_TEST_LOOPS "selector:epoll", "selector:poll", "uv"  // time goes by while servers wait
#include "scripted_server.hpp"

#include <sys/socket.h>

#include <cstdint>

namespace {

// What a request of it ends with, streamed or not.
Coro<std::string> end_with(const http::Session& session, std::string url, bool stream) {
    auto asking = session.get(std::move(url), {.stream = stream});
    return failure([](Coro<http::Response> starting) -> Coro<http::Response> {
        http::Response response = co_await std::move(starting);
        response.body = co_await response.read();
        co_return response;
    }(std::move(asking)));
}

// Says it, and closes the connection.
ScriptedServer::Handler say(std::string text) {
    return [text = std::move(text)](StreamReader reader, StreamWriter writer) -> Coro<> {
        const auto said = text;
        const Asked asked = co_await ScriptedServer::request(reader);
        writer.write(said);
        co_await writer.drain();
    };
}

// Both ways to ask must end so.
Coro<> check_end(ScriptedServer::Handler handler, std::string expected,
                 std::chrono::milliseconds limit = 20s) {
    ScriptedServer server = co_await ScriptedServer::start_raw(std::move(handler));
    http::Session session({.timeout = {.total = limit}, .max_body = std::size_t{1} << 20});
    for (const bool stream : {false, true}) {
        INFO("streamed: ", stream);
        const auto start = get_running_loop().time();
        const std::string end = co_await end_with(session, server.url("/h"), stream);
        INFO("end: ", end.substr(0, 200), ", expected: ", expected);
        CHECK(says(end, expected));
        if (expected != "200") {
            CHECK(says(end, server.url("/h")));
        }
        CHECK(get_running_loop().time() - start < limit + 5s);
    }
    co_await session.close();
    co_await server.close();
}

// Zeros by the megabyte, compressed to a thousandth: deflate's fixed codes, a zero and copies of
// it.
std::string bomb(std::size_t size) {
    std::string bytes("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
    unsigned held = 0;
    int bits = 0;
    const auto put = [&](std::string_view code) {
        for (const char bit : code) {
            held |= static_cast<unsigned>(bit == '1') << bits;
            if (++bits == 8) {
                bytes += static_cast<char>(held);
                held = 0;
                bits = 0;
            }
        }
    };
    put("110");       // the last block, with the fixed codes
    put("00110000");  // a zero
    for (std::size_t count = 0; count < size; count += 258) {
        put("11000101");  // 258 bytes
        put("00000");     // as the one before
    }
    return bytes;
}

}  // namespace

GYRE_TEST_CASE("Hostile: headers by the byte end with the total limit") {
    const auto drip = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        const Asked asked = co_await ScriptedServer::request(reader);
        writer.write("HTTP/1.1 200 OK\r\nX: ");
        while (!writer.is_closing()) {
            writer.write("x");
            co_await writer.drain();
            co_await sleep(5ms);
        }
    };
    co_await check_end(drip, "TimeoutError: GET ", 60ms);
}

GYRE_TEST_CASE("Hostile: an endless body ends at max_body") {
    for (const bool chunked : {false, true}) {
        const auto endless = [chunked](StreamReader reader, StreamWriter writer) -> Coro<> {
            const bool in_chunks = chunked;
            const Asked asked = co_await ScriptedServer::request(reader);
            const std::string piece(0x10000, 'x');
            writer.write(in_chunks ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   : "HTTP/1.1 200 OK\r\n\r\n");
            while (!writer.is_closing()) {
                writer.write(in_chunks ? "10000\r\n" + piece + "\r\n" : piece);
                co_await writer.drain();
            }
        };
        co_await check_end(endless, "BadAnswer: GET ");
    }
}

GYRE_TEST_CASE("Hostile: a body shorter than its length is a ConnectionError") {
    co_await check_end(say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
                       "ConnectionError: GET ");
    co_await check_end(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nshort"),
                       "ConnectionError: GET ");
    co_await check_end(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
                       "ConnectionError: GET ");
}

GYRE_TEST_CASE("Hostile: an answer that ends within its headers is a ConnectionError") {
    co_await check_end(say("HTTP/1.1 200 OK\r\nContent-Le"), "ConnectionError: GET ");
    co_await check_end(say("HTTP/1.1 500 Bad\r\n"), "ConnectionError: GET ");
    co_await check_end(say("HTTP/1.1 302 Found\r\nLocation: /x\r\n"), "ConnectionError: GET ");
}

GYRE_TEST_CASE("Hostile: what comes behind a body's length belongs to no answer") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked&) { return ok("12345") + "HTTP/1.1 666 Smuggled\r\n\r\n"; });
    http::Session session({.timeout = {.total = 20s}});
    for (int i = 0; i < 3; ++i) {
        const http::Response response = co_await session.get(server.url());
        CHECK(response.status == 200);
        CHECK(response.body == "12345");
    }
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Hostile: chunks that are none, and lengths that are none, are a BadAnswer") {
    co_await check_end(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nbad\r\n"),
                       "BadAnswer: GET ");
    co_await check_end(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "fffffffffffffffff\r\nlong\r\n"),
                       "BadAnswer: GET ");
    co_await check_end(say("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nbody"), "BadAnswer: GET ");
    co_await check_end(say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nthis is no gzip"),
                       "BadAnswer: GET ");
}

GYRE_TEST_CASE("Hostile: what is no HTTP is a BadAnswer, nothing at all a ConnectionError") {
    co_await check_end(say("SSH-2.0-OpenSSH_9.2p1\r\n"), "BadAnswer: GET ");
    co_await check_end(say("<html>no headers</html>\n"), "BadAnswer: GET ");
    co_await check_end(say(""), "ConnectionError: GET ");
}

GYRE_TEST_CASE("Hostile: a megabyte of headers is a BadAnswer, in lines or in one") {
    std::string lines = "HTTP/1.1 200 OK\r\n";
    while (lines.size() < 1 << 20) {
        lines += "X-More: " + std::string(1000, 'x') + "\r\n";
    }
    co_await check_end(say(lines + "\r\nbody"), "BadAnswer: GET ");
    co_await check_end(say("HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\nbody"),
                       "BadAnswer: GET ");
    std::string hints;
    while (hints.size() < 1 << 20) {
        hints += "HTTP/1.1 103 Early\r\nX: " + std::string(1000, 'x') + "\r\n\r\n";
    }
    co_await check_end(say(hints + ok("body")), "BadAnswer: GET ");
}

GYRE_TEST_CASE("Hostile: what grows beyond max_body when it is decompressed is a BadAnswer") {
    const std::string small = bomb(std::size_t{64} << 20);
    CHECK(small.size() < 500'000);
    co_await check_end(say(answer("200 OK", "Content-Encoding: gzip\r\n", small)),
                       "BadAnswer: GET ");
}

GYRE_TEST_CASE("Hostile: a connection reset behind any byte ends the request") {
    const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\nX-Some: header\r\n\r\n" +
                              std::string(2000, 'x');
    std::size_t length = 0;
    ScriptedServer server =
        co_await ScriptedServer::start_raw([&](StreamReader reader, StreamWriter writer) -> Coro<> {
            const Asked asked = co_await ScriptedServer::request(reader);
            writer.write(whole.substr(0, length));
            co_await writer.drain();
            const ::linger now{1, 0};
            ::setsockopt(writer.transport().fileno(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        });
    http::Session session({.timeout = {.total = 20s}});
    for (; length < whole.size(); length += length < 70 ? 1 : 100) {
        for (const bool stream : {false, true}) {
            INFO("length: ", length, ", streamed: ", stream);
            const std::string end = co_await end_with(session, server.url(), stream);
            CHECK((says(end, "ConnectionError: GET ") || says(end, "BadAnswer: GET ")));
        }
    }
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Hostile: redirects without end, each to another place") {
    int count = 0;
    ScriptedServer server = co_await ScriptedServer::start(
        [&count](const Asked&) { return redirect(301, "/" + std::to_string(++count)); });
    http::Session session({.timeout = {.total = 5s}});
    const std::string end = co_await failure(session.get(server.url()));
    CHECK(says(end, "TooManyRedirects: GET "));
    CHECK(count == 11);
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Hostile: plain text on the TLS port is a TlsError") {
    ScriptedServer server =
        co_await ScriptedServer::start_raw([](StreamReader reader, StreamWriter writer) -> Coro<> {
            const std::string hello = co_await reader.readexactly(1);
            writer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
            co_await writer.drain();
        });
    http::Session session({.timeout = {.total = 20s}});
    const std::string url = "https" + server.url("/tls").substr(4);
    const std::string end = co_await failure(session.get(url));
    CHECK(says(end, "TlsError: GET " + url));
    co_await session.close();
    co_await server.close();
}

GYRE_TEST_CASE("Hostile: one that is silent in the TLS handshake ends with the connect limit") {
    ScriptedServer server =
        co_await ScriptedServer::start_raw([](StreamReader reader, StreamWriter) -> Coro<> {
            const std::string all = co_await reader.read();
        });
    http::Session session({.timeout = {.connect = 40ms}});
    const std::string end = co_await failure(session.get("https" + server.url("/tls").substr(4)));
    CHECK(says(end, "TimeoutError: GET "));
    co_await session.close();
    co_await server.close();
}
