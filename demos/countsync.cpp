// countsync: three counters, one after the other, each blocking the thread.
#include "common/clock.hpp"
#include "common/program.hpp"

#include <cstdio>

using namespace std::chrono_literals;

namespace {

void count(demo::BlockingClock& clock) {
    std::puts("One");
    clock.sleep(1s);
    std::puts("Two");
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("countsync", "Counts to two three times, blocking.");
    return program.run(argc, argv, [&] {
        demo::BlockingClock clock(program.loop());
        const auto start = clock.now();
        for (int i = 0; i < 3; ++i) {
            count(clock);
        }
        const demo::Seconds elapsed = clock.now() - start;
        std::printf("countsync executed in %.2f seconds.\n", elapsed.count());
    });
}
