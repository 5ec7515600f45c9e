// makerandom: three coroutines, each drawing until its number is high enough.
#include "common/program.hpp"
#include "common/random.hpp"

#include <gyre/gyre.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

demo::Random dice;

constexpr const char* end_of_color = "\033[0m";
constexpr std::array colors{"\033[36m", "\033[91m", "\033[35m"};  // cyan, red, magenta

gyre::Coro<int> make_random(int index, int threshold) {
    const char* color = colors.at(static_cast<std::size_t>(index));
    std::printf("%sInitiated makerandom(%d).\n", color, index);
    int drawn = dice.randint(0, 10);
    while (drawn <= threshold) {
        std::printf("%smakerandom(%d) == %d too low; retrying.\n", color, index, drawn);
        co_await gyre::sleep(std::chrono::seconds(index + 1));
        drawn = dice.randint(0, 10);
    }
    std::printf("%s---> Finished: makerandom(%d) == %d%s\n", color, index, drawn, end_of_color);
    co_return drawn;
}

gyre::Coro<std::vector<int>> make_three() {
    std::vector<gyre::Coro<int>> makers;
    for (int i = 0; i < 3; ++i) {
        makers.push_back(make_random(i, 10 - i - 1));
    }
    co_return co_await gyre::gather(std::move(makers));
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("makerandom", "Three coroutines draw until a number is high enough.");
    program.add_seed(dice);
    return program.run(argc, argv, [&] {
        const std::vector<int> r = gyre::run(make_three(), {.loop = program.loop()});
        std::printf("\nr1: %d, r2: %d, r3: %d\n", r[0], r[1], r[2]);
    });
}
