// Redirects.
#include "scripted_server.hpp"

namespace {

std::string moved(const Asked& asked) {
    if (asked.target.starts_with("/to/")) {
        return redirect(std::stoi(asked.target.substr(4)), "../end?q#f", "moved");
    }
    return ok(asked.method + ' ' + asked.target + ' ' + asked.body);
}

}  // namespace

GYRE_TEST_CASE("Redirects: method and body go along, but not where the answer is another page") {
    ScriptedServer server = co_await ScriptedServer::start(moved);
    http::Session session;
    const auto ask = [&](const char* method, int status) {
        return session.request(method, server.url("/to/" + std::to_string(status)),
                               {.headers = {{"Content-Type", "text/x"}}, .body = "it"});
    };
    for (const int status : {301, 302, 303, 307, 308}) {
        INFO("status: ", status);
        http::Response response = co_await ask("POST", status);
        CHECK(response.url == server.url("/end?q#f"));
        CHECK(response.body == (status < 307 ? "GET /end?q " : "POST /end?q it"));
        CHECK(server.asked().back().header("content-type") == (status < 307 ? "" : "text/x"));
        response = co_await ask("PUT", status);
        CHECK(response.body == (status == 303 ? "GET /end?q " : "PUT /end?q it"));
        response = co_await session.head(server.url("/to/" + std::to_string(status)));
        CHECK(server.asked().back().method == "HEAD");
        CHECK(server.asked().back().target == "/end?q");
    }
    CHECK(server.connections() == 1);
    co_await server.close();
}

GYRE_TEST_CASE("Redirects: not followed where the options say so, or without a Location") {
    ScriptedServer server = co_await ScriptedServer::start([](const Asked& asked) {
        return asked.target == "/none" ? answer("302 Found", "", "none") : moved(asked);
    });
    http::Session session;
    auto asking = session.get(server.url("/to/302"), {.follow_redirects = false});
    http::Response response = co_await std::move(asking);
    CHECK(response.status == 302);
    CHECK(response.body == "moved");
    response = co_await session.get(server.url("/none"));
    CHECK(response.status == 302);
    CHECK(response.body == "none");
    co_await server.close();
}

GYRE_TEST_CASE("Redirects: credentials and cookies given by hand stay with their server") {
    ScriptedServer second = co_await ScriptedServer::start(moved);
    const std::string elsewhere = second.url("/end");
    ScriptedServer first = co_await ScriptedServer::start([&elsewhere](const Asked& asked) {
        return asked.target == "/out" ? redirect(302, elsewhere) : moved(asked);
    });
    http::Session session;
    const auto ask = [&](const char* path, std::optional<http::BasicAuth> auth) {
        if (auth) {
            return session.get(first.url(path), {.headers = {{"X-Kept", "k"}}, .auth = auth});
        }
        return session.get(first.url(path), {.headers = {{"authorization", "Bearer b"},
                                                         {"Proxy-Authorization", "Basic b"},
                                                         {"Cookie", "c=d"},
                                                         {"Host", "first.example"},
                                                         {"X-Kept", "k"}}});
    };
    for (const bool basic : {true, false}) {
        const auto auth = basic ? std::optional(http::BasicAuth{"u", "p"}) : std::nullopt;
        http::Response response = co_await ask("/to/302", auth);
        CHECK_FALSE(first.asked().back().header("authorization").empty());
        response = co_await ask("/out", auth);
        CHECK(response.url == elsewhere);
        CHECK(second.asked().back().header("authorization").empty());
        CHECK(second.asked().back().header("proxy-authorization").empty());
        CHECK(second.asked().back().header("cookie").empty());
        CHECK(second.asked().back().header("host") != "first.example");
        CHECK(second.asked().back().header("x-kept") == "k");
    }
    co_await first.close();
    co_await second.close();
}

GYRE_TEST_CASE("Redirects: a loop ends in TooManyRedirects behind max_redirects") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked& asked) { return redirect(302, asked.target); });
    http::Session session({.max_redirects = 3});
    std::string end = co_await failure(session.get(server.url("/loop")));
    CHECK(says(end, "TooManyRedirects: GET " + server.url("/loop") + ": more than 3"));
    CHECK(server.asked().size() == 4);
    http::Session none({.max_redirects = 0});
    end = co_await failure(none.get(server.url("/loop")));
    CHECK(says(end, "TooManyRedirects: "));
    CHECK(server.asked().size() == 5);
    co_await server.close();
}

GYRE_TEST_CASE("Redirects: one to nowhere says so, with the URL that sent there") {
    ScriptedServer server = co_await ScriptedServer::start(
        [](const Asked& asked) { return redirect(302, asked.header("x-to")); });
    http::Session session;
    for (const char* to : {"mailto:a@b", "http://[::1", "ftp://h/", "http://h:port/"}) {
        auto asking = session.get(server.url("/x"), {.headers = {{"X-To", to}}});
        const std::string end = co_await failure(std::move(asking));
        CHECK(says(end, "TooManyRedirects: GET " + server.url("/x")));
    }
    co_await server.close();
}

GYRE_TEST_CASE("Redirects: a long body on the way is not read to its end, streamed or not") {
    const std::string much(4 << 20, 'x');
    ScriptedServer server = co_await ScriptedServer::start([&much](const Asked& asked) {
        return asked.target == "/long" ? redirect(302, "/end", much) : ok("here");
    });
    http::Session session({.max_body = 1 << 20});
    http::Response response = co_await session.get(server.url("/long"));
    CHECK(response.body == "here");
    auto asking = session.get(server.url("/long"), {.stream = true});
    response = co_await std::move(asking);
    std::string body = co_await response.read();
    CHECK(body == "here");
    co_await server.close();
}
