// Faults: the system calls of gyre and libuv that are interrupted, refused or cut short at random.
//
// A test program starts with the rates of the environment, as in
// GYRE_TEST_FAULTS=seed=1,rate=0.1,short=0.3, and without it with none. Only what the system itself
// may do at any time is done: see faults.cpp. The calls of the test are left alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace faults {

struct Rates {
    std::uint64_t seed = 0;
    double rate = 0;    // of calls that fail with EINTR or EAGAIN
    double short_ = 0;  // of reads and writes of a stream that move less than they could
};

enum class Kind { interrupted, again, cut };

/// How often it has been done so far.
[[nodiscard]] std::size_t count(Kind kind) noexcept;

/// Other rates while it lives.
class Faults {
public:
    explicit Faults(const Rates& rates) noexcept;
    Faults(const Faults&) = delete;
    Faults& operator=(const Faults&) = delete;
    ~Faults();

private:
    Rates before_;
};

/// In a case that counts calls, or what an iteration does: no faults while it lives.
class NoFaults {
private:
    Faults none_{Rates()};
};

/// In a case that tells pieces apart: what is moved is moved whole while it lives.
class NoCuts {
public:
    NoCuts() noexcept;

private:
    Faults whole_;
};

}  // namespace faults
