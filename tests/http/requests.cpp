// What is asked, and what the answer is.
#include "scripted_server.hpp"

namespace {

const std::string kHelloInGzip(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\x48\xaf\xca\x2c"
    "\x00\x00\x19\x6a\xd2\xdf\x0a\x00\x00\x00",
    30);

std::string echo(const Asked& asked) { return ok(asked.method + ' ' + asked.target); }

}  // namespace

GYRE_TEST_CASE("Session: each method is asked for by its name") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"}) {
        const http::Response response = co_await session.request(method, server.url("/it"));
        CHECK(response.status == 200);
        CHECK(response.reason == "OK");
        CHECK(response.version == "1.1");
        CHECK(response.url == server.url("/it"));
        CHECK(response.body == std::string(method) + " /it");
    }
    http::Response response = co_await session.request("purge", server.url("/it"));
    CHECK(response.body == "PURGE /it");
    response = co_await session.get(server.url("/a?b#c"));
    CHECK(response.body == "GET /a?b");
    response = co_await session.post(server.url());
    CHECK(response.body == "POST /");
    response = co_await session.put(server.url());
    CHECK(server.asked().back().header("content-length") == "0");
    response = co_await session.head(server.url());
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    CHECK(response.headers.get("content-length") == "6");
    CHECK_THROWS_AS(static_cast<void>(session.request("GET IT", server.url())), ValueError);
    CHECK_THROWS_AS(static_cast<void>(session.request("", server.url())), ValueError);
    co_await server.close();
}

GYRE_TEST_CASE("Session: parameters are appended to the query, percent-encoded") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    auto asking = session.get(
        server.url("/p"),
        {.params = {{"q", "a b&c=d"}, {"\xc3\xbc", "100%"}, {"", ""}, {"plain", "-._~09azAZ"}}});
    http::Response response = co_await std::move(asking);
    CHECK(response.body == "GET /p?q=a+b%26c%3Dd&%C3%BC=100%25&=&plain=-._~09azAZ");
    asking = session.get(server.url("/p?x=1#frag?"), {.params = {{"y", "2"}}});
    response = co_await std::move(asking);
    CHECK(response.body == "GET /p?x=1&y=2");
    asking = session.get(server.url("/p?"), {.params = {{"y", "2"}}});
    response = co_await std::move(asking);
    CHECK(response.body == "GET /p?y=2");
    co_await server.close();
}

GYRE_TEST_CASE("Session: blanks and letters beyond ASCII in a URL are percent-encoded") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    const http::Response response =
        co_await session.get(server.url("/a b/\xc3\xbc?q=x y&z=\xc3\xbc"));
    CHECK(says(response.body, "GET /a%20b/%"));
    co_await server.close();
}

GYRE_TEST_CASE("Session: headers go as they are given, their values come back") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked&) {
        return answer("200 Fine by me", "X-One: 1\r\nx-two:  2 \r\nX-ONE: 3\r\nX-Empty:\r\n", "");
    });
    http::Session session({.user_agent = "tests/1"});
    auto asking = session.get(server.url(), {.headers = {{"X-Mine", "yes"}, {"X-Empty", ""}}});
    http::Response response = co_await std::move(asking);
    const Asked& asked = server.asked().at(0);
    CHECK(asked.header("X-Mine") == "yes");
    CHECK(says(asked.head, "X-Empty:\r\n"));
    CHECK(asked.header("user-agent") == "tests/1");
    CHECK(asked.header("expect").empty());
    CHECK(response.reason == "Fine by me");
    CHECK(response.headers.get("X-One") == "1");
    CHECK(response.headers.get_all("x-one") == std::vector<std::string>{"1", "3"});
    CHECK(response.headers.get("X-Two") == "2");
    CHECK(response.headers.get("x-empty") == "");
    CHECK_FALSE(response.headers.get("x-none").has_value());
    CHECK(response.headers.size() == 5);
    asking = session.get(server.url(), {.headers = {{"User-Agent", "other"}}});
    response = co_await std::move(asking);
    CHECK(server.asked().at(1).header("user-agent") == "other");

    for (const char* name : {"", "a:b", "a\r\nb"}) {
        CHECK_THROWS_AS(static_cast<void>(session.get("http://h/", {.headers = {{name, "v"}}})),
                        ValueError);
    }
    CHECK_THROWS_AS(static_cast<void>(session.get("http://h/", {.headers = {{"a", "v\nb: c"}}})),
                    ValueError);
    co_await server.close();
}

GYRE_TEST_CASE("RequestOptions: kept in a variable they keep their headers and parameters") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    std::string token(100, 't');
    http::Fields headers = {{"X-Token", token}, {"X-Two", "2"}};
    http::RequestOptions options{.headers = headers, .params = {{"long", token}}};
    headers = {{"X-Token", "another"}};
    headers.add("X-Three", "3");
    const http::RequestOptions copy = options;
    options.params = {{"q", "1"}};
    token.assign(100, 'u');
    http::Response response = co_await session.get(server.url(), copy);
    CHECK(response.body == "GET /?long=" + std::string(100, 't'));
    CHECK(server.asked().back().header("x-token") == std::string(100, 't'));
    CHECK(server.asked().back().header("x-two") == "2");
    response = co_await session.get(server.url(), options);
    CHECK(response.body == "GET /?q=1");
    CHECK(server.asked().back().header("x-token") == std::string(100, 't'));
    response = co_await session.get(server.url(), {.headers = headers, .follow_redirects = false});
    CHECK(response.body == "GET /");
    CHECK(server.asked().back().header("x-token") == "another");
    CHECK(server.asked().back().header("x-three") == "3");
    CHECK(headers.size() == 2);
    options.headers = {};
    options.params = options.headers;
    response = co_await session.get(server.url(), options);
    CHECK(response.body == "GET /");
    CHECK(server.asked().back().header("x-token").empty());
    co_await server.close();
}

GYRE_TEST_CASE("Session: a body goes with its length, and with the type that was said alone") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    const std::string body = "a\0b" + std::string(300'000, 'x');
    auto asking = session.post(server.url(), {.body = body});
    http::Response response = co_await std::move(asking);
    CHECK(server.asked().back().body == body);
    CHECK(server.asked().back().header("content-type").empty());
    asking = session.put(server.url(), {.headers = {{"content-type", "text/x"}}, .body = "it"});
    response = co_await std::move(asking);
    CHECK(server.asked().back().body == "it");
    CHECK(server.asked().back().header("content-type") == "text/x");
    asking = session.post(server.url(), {.json = R"({"a": 1})"});
    response = co_await std::move(asking);
    CHECK(server.asked().back().body == R"({"a": 1})");
    CHECK(server.asked().back().header("content-type") == "application/json");
    asking = session.request(
        "PATCH", server.url(),
        {.headers = {{"Content-Type", "application/merge-patch+json"}}, .json = "{}"});
    response = co_await std::move(asking);
    CHECK(server.asked().back().method == "PATCH");
    CHECK_FALSE(says(server.asked().back().head, "application/json"));
    asking = session.get(server.url(), {.body = "in a GET"});
    response = co_await std::move(asking);
    CHECK(server.asked().back().method == "GET");
    CHECK(server.asked().back().body == "in a GET");
    co_await server.close();
}

GYRE_TEST_CASE("Session: user and password are sent as basic authentication") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    auto asking = session.get(server.url(), {.auth = http::BasicAuth{"Aladdin", "open sesame"}});
    http::Response response = co_await std::move(asking);
    CHECK(server.asked().back().header("authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    response = co_await session.get(server.url());
    CHECK(server.asked().back().header("authorization").empty());
    co_await server.close();
}

GYRE_TEST_CASE("Session: a cookie is kept and sent to its server, by this session alone") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked& asked) {
        return asked.target == "/set" ? answer("200 OK", "Set-Cookie: a=1; Path=/\r\n", "")
                                      : ok("");
    });
    http::Session session;
    http::Session other;
    http::Response response = co_await session.get(server.url("/set"));
    response = co_await session.get(server.url("/next"));
    CHECK(server.asked().back().header("cookie") == "a=1");
    response = co_await other.get(server.url("/next"));
    CHECK(server.asked().back().header("cookie").empty());
    co_await server.close();
}

GYRE_TEST_CASE("Session: what is compressed is given as it was") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked&) { return answer("200 OK", "Content-Encoding: gzip\r\n", kHelloInGzip); });
    http::Session session;
    const http::Response response = co_await session.get(server.url());
    CHECK(response.body == "hello gzip");
    CHECK(says(server.asked().at(0).header("accept-encoding"), "gzip"));
    co_await server.close();
}

GYRE_TEST_CASE("Session: chunks, the end of the connection and HTTP/1.0 end a body, too") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked& asked) -> std::string {
        if (asked.target == "/chunks") {
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                   "6;ext=1\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n";
        }
        if (asked.target == "/old") {
            return "HTTP/1.0 200 OK\r\n\r\nhello world";
        }
        return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world";
    });
    http::Session session;
    for (const char* path : {"/chunks", "/old", "/until-closed"}) {
        const http::Response response = co_await session.get(server.url(path));
        CHECK(response.body == "hello world");
        CHECK(response.version == (std::string(path) == "/old" ? "1.0" : "1.1"));
        CHECK_FALSE(response.headers.contains("x-trailer"));
    }
    co_await server.close();
}

GYRE_TEST_CASE("Session: answers without a body, and those ahead of the answer") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked& asked) -> std::string {
        if (asked.target == "/204") {
            return "HTTP/1.1 204 No Content\r\n\r\n";
        }
        if (asked.target == "/304") {
            return "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n";
        }
        return "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200\r\nContent-Length: "
               "2\r\n\r\nit";
    });
    http::Session session;
    http::Response response = co_await session.get(server.url("/204"));
    CHECK(response.status == 204);
    CHECK(response.body.empty());
    response = co_await session.get(server.url("/304"));
    CHECK(response.status == 304);
    response = co_await session.get(server.url("/hints"));
    CHECK(response.status == 200);
    CHECK(response.reason == "OK");
    CHECK(response.body == "it");
    CHECK_FALSE(response.headers.contains("x-early"));
    CHECK(server.connections() == 1);
    co_await server.close();
}

GYRE_TEST_CASE("Response: raise_for_status() is an error from 400 on, with status and URL") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked& asked) { return answer(asked.target.substr(1), "", "body"); });
    http::Session session;
    for (const char* status : {"200", "399"}) {
        const http::Response response = co_await session.get(server.url("/" + std::string(status)));
        CHECK(response.ok());
        CHECK_NOTHROW(response.raise_for_status());
    }
    for (const char* status : {"400", "404", "503"}) {
        const std::string url = server.url("/" + std::string(status));
        const http::Response response = co_await session.get(url);
        CHECK_FALSE(response.ok());
        CHECK(response.body == "body");
        try {
            response.raise_for_status();
            FAIL("no error");
        } catch (const http::HttpError& error) {
            CHECK(std::to_string(error.status()) == status);
            CHECK(error.url() == url);
            CHECK(says(error.what(), status));
            CHECK(says(error.what(), url));
        }
    }
    co_await server.close();
}

GYRE_TEST_CASE("Response: json() is text that says it is JSON") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked& asked) {
        return answer("200 OK", "Content-Type: " + asked.header("x-type") + "\r\n", "[1]");
    });
    http::Session session;
    http::RequestOptions options;
    options.headers = {{"X-Type", "application/problem+json"}};
    http::Response response = co_await session.get(server.url(), options);
    CHECK(response.json() == "[1]");
    options.headers = {{"X-Type", "text/html"}};
    response = co_await session.get(server.url(), options);
    CHECK_THROWS_AS(static_cast<void>(response.json()), http::BadAnswer);
    co_await server.close();
}

GYRE_TEST_CASE("Session: what is no URL of a server is an InvalidUrl that names it") {
    http::Session session;
    for (const char* url : {"", "/path", "ftp://h/", "http://", "http://h:port/", "mailto:a@b",
                            "http://h:99999/", "javascript:void(0)"}) {
        const std::string end = co_await failure(session.get(url));
        CHECK(says(end, "InvalidUrl: "));
        CHECK(says(end, url));
    }
}

GYRE_TEST_CASE("Session: a server that is not there is a ConnectionError with method and URL") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    const std::string url = server.url("/gone");
    co_await server.close();
    http::Session session;
    std::string end = co_await failure(session.get(url));
    CHECK(says(end, "ConnectionError: GET " + url + ": "));
    end = co_await failure(session.post(url));
    CHECK(says(end, "ConnectionError: POST " + url + ": "));
}

GYRE_TEST_CASE("Session: a connection is used again, also by a name") {
    ScriptedServer server = co_await ScriptedServer::start(echo);
    http::Session session;
    for (int i = 0; i < 5; ++i) {
        http::Response response = co_await session.get(server.url());
        CHECK(response.status == 200);
    }
    CHECK(server.connections() == 1);
    for (int i = 0; i < 5; ++i) {
        http::Response response = co_await session.get(server.url("/", "localhost"));
        CHECK(response.status == 200);
    }
    CHECK(server.connections() == 2);
    co_await server.close();
}
