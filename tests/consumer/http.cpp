// The smallest program that uses gyre-http from outside its tree, and asks nobody.
#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

gyre::Coro<int> answer() {
    gyre::http::Session session;
    try {
        co_await session.get("no address of a server");
    } catch (const gyre::http::InvalidUrl&) {
        co_return 42;
    }
    co_return 0;
}

int main() { return gyre::run(answer(), {.loop = "virtual"}) == 42 ? 0 : 1; }
