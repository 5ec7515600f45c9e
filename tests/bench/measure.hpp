// What each benchmark program needs: a stopwatch, the memory in use, and a main that measures by
// name.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <iterator>
#include <string_view>

namespace bench {

/// Where results go, so that no compiler leaves out what computes them.
inline long sink = 0;

/// Tasks that are spawned together, and joined before the next ones are.
inline constexpr int kBatch = 10'000;

/// Nanoseconds of a clock since the construction.
class Stopwatch {
public:
    explicit Stopwatch(clockid_t clock = CLOCK_MONOTONIC) : clock_(clock), start_(now()) {}

    [[nodiscard]] double elapsed() const { return now() - start_; }

private:
    [[nodiscard]] double now() const {
        std::timespec time{};
        ::clock_gettime(clock_, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    }

    clockid_t clock_;
    double start_;
};

/// Bytes of memory that this process holds now.
[[nodiscard]] inline double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0;
    double resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// One measurement: does `count / divisor` operations and gives the cost of one.
struct Benchmark {
    std::string_view name;
    int count;
    double (*measure)(int count);
};

/// PROGRAM --list prints the names; PROGRAM NAME [DIVISOR] prints the cost of one operation.
template <class Benchmarks>
int run_benchmark(int argc, char** argv, const Benchmarks& benchmarks) {
    const std::string_view wanted = argc > 1 ? argv[1] : "--list";
    const int divisor = argc > 2 ? std::atoi(argv[2]) : 1;
    for (const Benchmark& each : benchmarks) {
        if (wanted == "--list") {
            std::printf("%.*s\n", static_cast<int>(each.name.size()), each.name.data());
        } else if (wanted == each.name) {
            try {
                std::printf("%.3f\n", each.measure(each.count / divisor));
            } catch (const std::exception& error) {
                std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
                return 1;
            }
            std::fflush(stdout);
            // A million tasks that still sleep are not worth taking apart.
            ::_exit(0);
        }
    }
    if (wanted == "--list") {
        return 0;
    }
    std::fprintf(stderr, "%s: there is no benchmark called %s\n", argv[0], argv[1]);
    return 2;
}

}  // namespace bench
