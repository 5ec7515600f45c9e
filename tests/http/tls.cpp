// Certificates, good and bad.
#define GYRE_TEST_LOOPS "selector:epoll", "selector:poll", "uv"  // the server is another process
#include "nginx.hpp"

#include "scripted_server.hpp"

GYRE_TEST_CASE("TLS: a server is trusted by a CA that is given, for its own name") {
    if (nginx() == nullptr) {
        co_return;
    }
    const std::string ca_file = nginx()->ca_file();
    http::Session session({.timeout = {.total = 5s}, .ca_file = ca_file});
    const http::Response response = co_await session.get(nginx()->tls_url("/page"));
    CHECK(response.body.size() == Nginx::kPage);
    const std::string url = nginx()->tls_url("/page", "127.0.0.1");
    const std::string end = co_await failure(session.get(url));
    CHECK(says(end, "TlsError: GET " + url));
    co_await session.close();
}

GYRE_TEST_CASE("TLS: an unknown CA, a certificate of its own and an expired one are a TlsError") {
    if (nginx() == nullptr) {
        co_return;
    }
    http::Session trusting_the_system({.timeout = {.total = 5s}});
    std::string end = co_await failure(trusting_the_system.get(nginx()->tls_url("/page")));
    CHECK(says(end, "TlsError: GET " + nginx()->tls_url("/page")));
    const std::string ca_file = nginx()->ca_file();
    http::Session session({.timeout = {.total = 5s}, .ca_file = ca_file});
    end = co_await failure(session.get(nginx()->self_signed_url()));
    CHECK(says(end, "TlsError: GET " + nginx()->self_signed_url()));
    end = co_await failure(session.get(nginx()->expired_url()));
    CHECK(says(end, "TlsError: GET " + nginx()->expired_url()));
    CHECK(says(end, "expired"));
}

GYRE_TEST_CASE("TLS: verify = false takes any certificate; a missing CA file is a TlsError") {
    if (nginx() == nullptr) {
        co_return;
    }
    http::Session careless({.timeout = {.total = 5s}, .verify = false});
    std::string end = co_await failure(careless.get(nginx()->expired_url()));
    CHECK(end == "200");
    end = co_await failure(careless.get(nginx()->self_signed_url()));
    CHECK(end == "200");
    http::Session nobody({.timeout = {.total = 5s}, .ca_file = "/no/such/file"});
    end = co_await failure(nobody.get(nginx()->tls_url("/page")));
    CHECK(says(end, "TlsError: GET "));
}

GYRE_TEST_CASE("TLS: asked in plain text, the server's refusal is its answer") {
    if (nginx() == nullptr) {
        co_return;
    }
    http::Session session({.timeout = {.total = 5s}});
    const std::string end =
        co_await failure(session.get("http" + nginx()->tls_url("/page").substr(5)));
    CHECK(end == "400");
}
