// call_soon and call_later of gyre's loops; GYRE_LOOP says on which.
#include "call_benchmarks.hpp"

#include <gyre/event_loop.hpp>
#include <gyre/loops.hpp>

#include <chrono>
#include <memory>
#include <random>
#include <vector>

namespace {

using namespace bench;
using std::chrono::milliseconds;

// Runs the loop until what is ready now has run.
void turn(gyre::EventLoop& loop) {
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
}

double measure_call_soon(int count) {
    const std::unique_ptr<gyre::EventLoop> loop = gyre::new_event_loop();
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (int i = 0; i < kBatch; ++i) {
            loop->call_soon([] { ++sink; });
        }
        turn(*loop);
    }
    return watch.elapsed() / count;
}

// Each is an iteration of its own.
double measure_call_soon_chain(int count) {
    const std::unique_ptr<gyre::EventLoop> loop = gyre::new_event_loop();
    struct Next {
        gyre::EventLoop& loop;
        int& left;
        void operator()() const {
            if (--left != 0) {
                loop.call_soon(*this);
            } else {
                loop.stop();
            }
        }
    };
    int left = count;
    const Stopwatch watch;
    loop->call_soon(Next{*loop, left});
    loop->run_forever();
    return watch.elapsed() / count;
}

// CPU of the process: part of the time passes in waiting.
double measure_call_later(int count) {
    const std::unique_ptr<gyre::EventLoop> loop = gyre::new_event_loop();
    std::minstd_rand random;
    int left = count;
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; ++i) {
        loop->call_later(milliseconds(random() % 100), [&left, &loop] {
            if (--left == 0) {
                loop->stop();
            }
        });
    }
    loop->run_forever();
    return watch.elapsed() / count;
}

double measure_cancelled(int count) {
    const std::unique_ptr<gyre::EventLoop> loop = gyre::new_event_loop();
    std::minstd_rand random;
    std::vector<gyre::TimerHandle> timers(kBatch);
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (gyre::TimerHandle& timer : timers) {
            timer = loop->call_later(milliseconds(1000 + random() % 1000), [] { ++sink; });
        }
        for (gyre::TimerHandle& timer : timers) {
            timer.cancel();
        }
        turn(*loop);
    }
    return watch.elapsed() / count;
}

}  // namespace

int main(int argc, char** argv) {
    return run_call_benchmark(argc, argv, measure_call_soon, measure_call_soon_chain,
                              measure_call_later, measure_cancelled);
}
