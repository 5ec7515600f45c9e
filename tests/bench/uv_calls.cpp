// What call_soon and call_later are in libuv itself: idle and timer handles, in memory that is
// there.
#include "call_benchmarks.hpp"

#include <uv.h>

#include <random>
#include <vector>

namespace {

using namespace bench;

void count_idle(uv_idle_t* idle) {
    ++sink;
    ::uv_idle_stop(idle);
}

void count_timer(uv_timer_t* /*timer*/) { ++sink; }

// A handle is used again and again: libuv would free no other before the loop's end.
template <class Handle>
std::vector<Handle> make_handles(int count, int (*initialize)(uv_loop_t*, Handle*)) {
    std::vector<Handle> handles(static_cast<std::size_t>(count));
    for (Handle& handle : handles) {
        initialize(::uv_default_loop(), &handle);
    }
    return handles;
}

double measure_call_soon(int count) {
    std::vector<uv_idle_t> idles = make_handles(kBatch, ::uv_idle_init);
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (uv_idle_t& idle : idles) {
            ::uv_idle_start(&idle, count_idle);
        }
        ::uv_run(::uv_default_loop(), UV_RUN_DEFAULT);
    }
    return watch.elapsed() / count;
}

double measure_call_soon_chain(int count) {
    static int left = 0;
    left = count;
    uv_idle_t idle;
    ::uv_idle_init(::uv_default_loop(), &idle);
    const Stopwatch watch;
    ::uv_idle_start(&idle, [](uv_idle_t* running) {
        if (--left == 0) {
            ::uv_idle_stop(running);
        }
    });
    ::uv_run(::uv_default_loop(), UV_RUN_DEFAULT);
    return watch.elapsed() / count;
}

double measure_call_later(int count) {
    std::vector<uv_timer_t> timers = make_handles(count, ::uv_timer_init);
    std::minstd_rand random;
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    for (uv_timer_t& timer : timers) {
        ::uv_timer_start(&timer, count_timer, random() % 100, 0);
    }
    ::uv_run(::uv_default_loop(), UV_RUN_DEFAULT);
    return watch.elapsed() / count;
}

double measure_cancelled(int count) {
    std::vector<uv_timer_t> timers = make_handles(kBatch, ::uv_timer_init);
    std::minstd_rand random;
    const Stopwatch watch;
    for (int done = 0; done < count; done += kBatch) {
        for (uv_timer_t& timer : timers) {
            ::uv_timer_start(&timer, count_timer, 1000 + random() % 1000, 0);
        }
        for (uv_timer_t& timer : timers) {
            ::uv_timer_stop(&timer);
        }
        ::uv_run(::uv_default_loop(), UV_RUN_NOWAIT);
    }
    return watch.elapsed() / count;
}

}  // namespace

int main(int argc, char** argv) {
    return run_call_benchmark(argc, argv, measure_call_soon, measure_call_soon_chain,
                              measure_call_later, measure_cancelled);
}
