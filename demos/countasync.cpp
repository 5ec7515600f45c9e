// countasync: three counters at once.
#include "common/clock.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

gyre::Coro<> count() {
    std::puts("One");
    co_await gyre::sleep(1s);
    std::puts("Two");
}

gyre::Coro<> count_thrice() { co_await gyre::gather(count(), count(), count()); }

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("countasync", "Counts to two three times at once.");
    return program.run(argc, argv, [&] {
        gyre::Runner runner({.loop = program.loop()});
        const auto start = runner.get_loop().time();
        runner.run(count_thrice());
        const demo::Seconds elapsed = runner.get_loop().time() - start;
        std::printf("countasync executed in %.2f seconds.\n", elapsed.count());
    });
}
