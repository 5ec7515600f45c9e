// Random: the numbers that Python draws.
#pragma once

#include <cstdint>
#include <random>

namespace demo {

/// A source of random numbers, the same as those of Python's module `random` after random.seed().
///
/// ```
/// Random dice;
/// dice.seed(444);
/// int seconds = dice.randint(0, 10);   // what Python draws first
/// ```
class Random {
public:
    /// Python seeds with the number's absolute value.
    void seed(std::uint64_t number);

    /// One of least … greatest, which is not less than least.
    [[nodiscard]] int randint(int least, int greatest);

private:
    [[nodiscard]] std::uint64_t getrandbits(int count);

    std::mt19937 twister_;
};

}  // namespace demo
