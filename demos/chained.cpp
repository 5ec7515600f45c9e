// chained: each coroutine awaits two others, one with the result of the other; all chains at once.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "common/random.hpp"

#include <gyre/gyre.hpp>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

demo::Random dice;

gyre::Coro<std::string> part1(std::int64_t n) {
    const int delay = dice.randint(0, 10);
    std::printf("part1(%" PRId64 ") sleeping for %d seconds.\n", n, delay);
    co_await gyre::sleep(std::chrono::seconds(delay));
    const std::string result = "result" + std::to_string(n) + "-1";
    std::printf("Returning part1(%" PRId64 ") == %s.\n", n, result.c_str());
    co_return result;
}

gyre::Coro<std::string> part2(std::int64_t n, std::string arg) {
    const int delay = dice.randint(0, 10);
    std::printf("part2(%" PRId64 ", '%s') sleeping for %d seconds.\n", n, arg.c_str(), delay);
    co_await gyre::sleep(std::chrono::seconds(delay));
    const std::string result = "result" + std::to_string(n) + "-2 derived from " + arg;
    std::printf("Returning part2(%" PRId64 ", '%s') == %s.\n", n, arg.c_str(), result.c_str());
    co_return result;
}

gyre::Coro<> chain(std::int64_t n) {
    gyre::EventLoop& loop = gyre::get_running_loop();
    const auto start = loop.time();
    std::string p1 = co_await part1(n);
    std::string p2 = co_await part2(n, std::move(p1));
    const demo::Seconds took = loop.time() - start;
    std::printf("-->Chained result%" PRId64 " => %s (took %.2f seconds).\n", n, p2.c_str(),
                took.count());
}

gyre::Coro<> chain_all(std::vector<std::int64_t> numbers) {
    std::vector<gyre::Coro<>> chains;
    for (const std::int64_t n : numbers) {
        chains.push_back(chain(n));
    }
    co_await gyre::gather(std::move(chains));
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::int64_t> numbers{1, 2, 3};
    demo::Program program("chained", "Chains of coroutines, all at once.");
    program.add_numbers("n", numbers, "one chain for each");
    program.add_seed(dice);
    return program.run(argc, argv, [&] {
        gyre::Runner runner({.loop = program.loop()});
        const auto start = runner.get_loop().time();
        runner.run(chain_all(numbers));
        const demo::Seconds elapsed = runner.get_loop().time() - start;
        std::printf("Program finished in %.2f seconds.\n", elapsed.count());
    });
}
