// gets URL COUNT AT_ONCE LOOP: so many GETs, as gyre-http does them.
#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace gyre;

namespace {

Coro<> worker(http::Session session, std::string url, int& left, std::size_t& bytes) {
    while (left > 0) {
        --left;
        const http::Response response = co_await session.get(url);
        response.raise_for_status();
        bytes += response.body.size();
    }
}

Coro<> all(std::string url, int count, int at_once) {
    http::Session session({.limit = static_cast<std::size_t>(at_once),
                           .limit_per_host = static_cast<std::size_t>(at_once)});
    std::size_t bytes = 0;
    std::vector<Coro<>> workers;
    for (int i = 0; i < at_once; ++i) {
        workers.push_back(worker(session, url, count, bytes));
    }
    auto working = gather(std::move(workers));
    co_await std::move(working);
    co_await session.close();
    std::printf("%zu\n", bytes);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: gets URL COUNT AT_ONCE LOOP\n", stderr);
        return 2;
    }
    run(all(argv[1], std::atoi(argv[2]), std::atoi(argv[3])), {.loop = argv[4]});
}
