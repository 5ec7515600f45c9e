// asyncgen: an async generator, and two comprehensions over it.
#include "common/program.hpp"
#include "common/repr.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

// Yields powers of 2.
gyre::AsyncGenerator<int> powers(int count = 10) {
    for (int i = 0; i < count; ++i) {
        co_yield 1 << i;
        std::printf("%d now sleep\n", i + 1);
        co_await gyre::sleep(100ms);
    }
}

using Lists = std::pair<std::vector<int>, std::vector<int>>;

// Nothing runs at once here: the second comprehension begins when the first is complete.
gyre::Coro<Lists> comprehensions() {
    std::vector<int> all = co_await gyre::collect(powers());
    auto chosen = powers() | gyre::filter([](int power) { return power / 3 % 5 == 0; });
    std::vector<int> some = co_await gyre::collect(std::move(chosen));
    co_return Lists(std::move(all), std::move(some));
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("asyncgen", "An async generator and two comprehensions over it.");
    return program.run(argc, argv, [&] {
        const auto [all, some] = gyre::run(comprehensions(), {.loop = program.loop()});
        std::puts(demo::repr(all).c_str());
        std::puts(demo::repr(some).c_str());
    });
}
