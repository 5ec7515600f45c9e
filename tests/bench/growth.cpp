// growth WHAT COUNT: the cost in ns of one operation while there are COUNT tasks or timers.
// GYRE_LOOP says on which loop.
#include "measure.hpp"

#include <gyre/gyre.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bench;
using namespace gyre;
using std::chrono::hours;
using std::chrono::milliseconds;
constexpr milliseconds kNow(0);
// Done at least so often, however few tasks there are.
constexpr int kOperations = 2'000'000;

Coro<> yield(int times) {
    for (int i = 0; i < times; ++i) {
        co_await sleep(kNow);
    }
}

// Tasks that take turns.
Coro<double> steps(int count) {
    const int turns = std::max(kOperations / count, 2);
    std::vector<Task<>> tasks;
    for (int i = 0; i < count; ++i) {
        tasks.push_back(create_task(yield(turns + 1)));
    }
    co_await sleep(kNow);  // the first step is dearer: it is for the tasks' making
    const Stopwatch watch;
    co_await tasks.back();
    co_return watch.elapsed() / (static_cast<double>(turns) * count);
}

void start_timers(EventLoop& loop, int count) {
    for (int i = 0; i < count; ++i) {
        loop.call_later(hours(1) + milliseconds(i), [] { ++sink; });
    }
}

// A timer that is due at once, beside so many others that are not.
Coro<double> fired_timers(int count) {
    EventLoop& loop = get_running_loop();
    start_timers(loop, count);
    const Stopwatch watch;
    for (int done = 0; done < kOperations; done += 100) {
        for (int i = 0; i < 100; ++i) {
            loop.call_later(kNow, [] { ++sink; });
        }
        co_await sleep(kNow);
    }
    co_return watch.elapsed() / kOperations;
}

// One that is due before, between and behind the others, and is cancelled.
Coro<double> cancelled_timers(int count) {
    EventLoop& loop = get_running_loop();
    start_timers(loop, count);
    std::minstd_rand random;
    std::vector<TimerHandle> timers(100);
    const Stopwatch watch;
    for (int done = 0; done < kOperations; done += 100) {
        for (TimerHandle& timer : timers) {
            const milliseconds among(random() % (2UL * static_cast<unsigned>(count)));
            timer = loop.call_later(hours(1) - milliseconds(count / 2) + among, [] { ++sink; });
        }
        for (TimerHandle& timer : timers) {
            timer.cancel();
        }
        co_await sleep(kNow);
    }
    co_return watch.elapsed() / kOperations;
}

Coro<> get_forever(Queue<int>& queue) {
    while (true) {
        const int item = co_await queue.get();
        sink += item;
    }
}

// An item for the first of so many that wait on one queue; it goes to the end of the line.
Coro<double> wakes(int count) {
    // Outlives the tasks, which are not taken apart.
    auto* queue = new Queue<int>;
    for (int i = 0; i < count; ++i) {
        create_task(get_forever(*queue));
    }
    co_await sleep(kNow);
    const int at_once = std::min(count, 100);
    const Stopwatch watch;
    for (int done = 0; done < kOperations; done += at_once) {
        for (int i = 0; i < at_once; ++i) {
            queue->put_nowait(i);
        }
        co_await sleep(kNow);
    }
    co_return watch.elapsed() / kOperations;
}

}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string, Coro<double> (*)(int)> measurements = {
        {"step", steps},
        {"timer_fired", fired_timers},
        {"timer_cancelled", cancelled_timers},
        {"wake", wakes},
    };
    const auto found = measurements.find(argc == 3 ? argv[1] : "");
    if (found == measurements.end()) {
        std::fputs("usage: growth WHAT COUNT\n", stderr);
        return 2;
    }
    try {
        Runner runner;
        std::printf("%.3f\n", runner.run(found->second(std::atoi(argv[2]))));
        std::fflush(stdout);
        // A million tasks are not worth taking apart.
        ::_exit(0);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "growth: %s\n", error.what());
        return 1;
    }
}
