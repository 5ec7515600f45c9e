// Against a real server: HTTP/1.1, HTTP/2, TLS, many at once, much at once.
#define GYRE_TEST_LOOPS "selector:epoll", "selector:poll", "uv"  // the server is another process
#include "nginx.hpp"

#include "scripted_server.hpp"

#include <algorithm>
#include <set>
#include <sstream>

namespace {

std::vector<Coro<http::Response>> pages(const http::Session& session, const std::string& url,
                                        int count) {
    std::vector<Coro<http::Response>> all;
    for (int i = 0; i < count; ++i) {
        all.push_back(session.get(url));
    }
    return all;
}

// The lines of the log from there on, once there are so many: nginx writes them when a client may
// have its answer already.
Coro<std::string> logged(std::size_t from, int count) {
    while (true) {
        std::string lines = nginx()->log().substr(from);
        if (std::count(lines.begin(), lines.end(), '\n') >= count) {
            co_return lines;
        }
        co_await sleep(1ms);
    }
}

// How many connections the lines of the log name, each of which has this protocol.
std::size_t connections(const std::string& log, const std::string& protocol) {
    std::istringstream lines(log);
    std::set<std::string> numbers;
    std::string word;
    std::string number;
    while (lines >> word >> number) {
        CHECK(word == protocol);
        numbers.insert(number);
    }
    return numbers.size();
}

}  // namespace

GYRE_TEST_CASE("nginx: 200 GETs at once over HTTP/1.1, TLS and HTTP/2") {
    if (nginx() == nullptr) {
        co_return;
    }
    const std::string ca_file = nginx()->ca_file();
    struct {
        std::string url;
        const char* version;
        int count;
        std::size_t most;  // connections; of HTTP/2 one serves 100
    } const kinds[] = {{nginx()->url("/page"), "1.1", 200, 10},
                       {nginx()->tls1_url("/page"), "1.1", 200, 10},
                       {nginx()->tls_url("/page"), "2", 200, 10},
                       {nginx()->tls_url("/page"), "2", 100, 1}};
    for (const auto& kind : kinds) {
        INFO("URL: ", kind.url);
        http::Session session({.limit = 10, .timeout = {.total = 20s}, .ca_file = ca_file});
        const std::size_t before = nginx()->log().size();
        std::vector<http::Response> responses =
            co_await gather(pages(session, kind.url, kind.count));
        CHECK(responses.size() == static_cast<std::size_t>(kind.count));
        for (const http::Response& each : responses) {
            CHECK(each.status == 200);
            CHECK(each.reason == "OK");
            CHECK(each.version == kind.version);
            CHECK(each.body.size() == Nginx::kPage);
        }
        co_await session.close();
        const std::string protocol = std::string("HTTP/") + kind.version;
        auto lines = wait_for(logged(before, kind.count), 20s);
        const std::string log = co_await std::move(lines);
        const std::size_t made = connections(log, protocol == "HTTP/2" ? "HTTP/2.0" : protocol);
        CHECK(made >= 1);
        CHECK(made <= kind.most);
    }
}

GYRE_TEST_CASE("nginx: a big file by and by, a slow reader beside a fast one") {
    if (nginx() == nullptr) {
        co_return;
    }
    const std::string ca_file = nginx()->ca_file();
    for (const std::string& url : {nginx()->url("/big"), nginx()->tls_url("/big")}) {
        INFO("URL: ", url);
        http::Session session(
            {.timeout = {.total = 20s}, .max_body = Nginx::kBig, .ca_file = ca_file});
        auto slowly = session.get(url, {.stream = true});
        http::Response slow = co_await std::move(slowly);
        auto whole = session.get(url, {.stream = true});
        http::Response fast = co_await std::move(whole);
        std::size_t taken = 0;
        auto chunks = fast.chunks();
        while (auto chunk = co_await chunks.next()) {
            taken += chunk->size();
        }
        CHECK(taken == Nginx::kBig);
        const std::string rest = co_await slow.read();
        CHECK(rest.size() == Nginx::kBig);
        co_await session.close();
    }
}

GYRE_TEST_CASE("nginx: requests cancelled among others, over one connection of HTTP/2") {
    if (nginx() == nullptr) {
        co_return;
    }
    const std::string ca_file = nginx()->ca_file();
    for (const int moment : {0, 1, 3, 8, 20}) {
        INFO("moment: ", moment);
        http::Session session({.timeout = {.total = 20s}, .ca_file = ca_file});
        std::vector<Task<http::Response>> all;
        for (int i = 0; i < 12; ++i) {
            all.push_back(
                create_task(session.get(nginx()->tls_url(i % 4 == 0 ? "/big" : "/page"))));
        }
        for (int i = 0; i < moment; ++i) {
            co_await sleep(1ms);
        }
        for (std::size_t i = 0; i < all.size(); i += 2) {
            all[i].cancel();
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::string end = co_await failure(all[i]);
            CHECK((end == "200" || (i % 2 == 0 && end == "CancelledError")));
        }
        co_await session.close();
    }
}

GYRE_TEST_CASE("nginx: an upload over TLS that the server refuses ends in its answer") {
    if (nginx() == nullptr) {
        co_return;
    }
    const std::string ca_file = nginx()->ca_file();
    const auto much = []() -> AsyncGenerator<std::string> {
        for (int i = 0; i < 200; ++i) {
            co_yield std::string(100'000, 'x');
        }
    };
    for (const std::string& url : {nginx()->tls1_url("/refused"), nginx()->tls_url("/refused")}) {
        http::Session session({.timeout = {.total = 20s}, .ca_file = ca_file});
        auto asking = session.request("POST", url, much());
        const std::string end = co_await failure(std::move(asking));
        INFO("end: ", end);
        CHECK((end == "413" || says(end, "ConnectionError: ")));
        co_await session.close();
    }
}
