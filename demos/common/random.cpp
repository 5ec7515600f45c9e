#include "random.hpp"

#include <array>
#include <bit>

namespace demo {

namespace {

// init_by_array() of Matsumoto and Nishimura's mt19937ar.c, which is how Python turns a number into
// the twister's state: the key is the number's digits to the base 2^32, lowest first. A standard
// engine takes its state from whatever has a generate().
class InitByArray {
public:
    using result_type = std::uint32_t;

    explicit InitByArray(std::uint64_t number)
        : key_{static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32)},
          length_(key_[1] == 0 ? 1 : 2) {}

    template <class Iterator>
    void generate(Iterator state, Iterator end) const {
        const auto size = static_cast<std::uint32_t>(end - state);
        const auto mix = [&](std::uint32_t i) { return state[i - 1] ^ (state[i - 1] >> 30); };
        std::uint32_t i = 1;
        const auto step = [&] {
            if (++i == size) {
                state[0] = state[size - 1];
                i = 1;
            }
        };

        state[0] = 19650218;
        for (std::uint32_t k = 1; k < size; ++k) {
            state[k] = 1812433253 * mix(k) + k;
        }
        for (std::uint32_t k = 0; k < size; ++k, step()) {
            const std::uint32_t j = k % length_;
            state[i] = (state[i] ^ (mix(i) * 1664525)) + key_[j] + j;
        }
        for (std::uint32_t k = 1; k < size; ++k, step()) {
            state[i] = (state[i] ^ (mix(i) * 1566083941)) - i;
        }
        state[0] = 0x80000000;
    }

private:
    std::array<std::uint32_t, 2> key_;
    std::uint32_t length_;
};

}  // namespace

void Random::seed(std::uint64_t number) {
    InitByArray state(number);
    twister_.seed(state);
}

std::uint64_t Random::getrandbits(int count) {
    if (count <= 32) {
        return twister_() >> (32 - count);
    }
    const std::uint64_t low = twister_();
    return (twister_() >> (64 - count)) << 32 | low;
}

int Random::randint(int least, int greatest) {
    const auto width = static_cast<std::uint64_t>(std::int64_t{greatest} - least + 1);
    const int bits = static_cast<int>(std::bit_width(width));
    std::uint64_t drawn = getrandbits(bits);
    while (drawn >= width) {
        drawn = getrandbits(bits);
    }
    return static_cast<int>(least + static_cast<std::int64_t>(drawn));
}

}  // namespace demo
