// queue_async: two workers on a queue of work at once: while one sleeps, the other works.
#include "common/clock.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>

namespace {

gyre::Coro<> task(const char* name, gyre::Queue<int>& work_queue) {
    gyre::EventLoop& loop = gyre::get_running_loop();
    while (!work_queue.empty()) {
        const int delay = co_await work_queue.get();
        std::printf("Task %s running\n", name);
        const auto start = loop.time();
        co_await gyre::sleep(std::chrono::seconds(delay));
        const demo::Seconds elapsed = loop.time() - start;
        std::printf("Task %s elapsed time: %.1f\n", name, elapsed.count());
    }
}

gyre::Coro<> work_off() {
    gyre::EventLoop& loop = gyre::get_running_loop();
    gyre::Queue<int> work_queue;
    for (const int work : {15, 10, 5, 2}) {
        co_await work_queue.put(work);
    }
    auto one = gyre::create_task(task("One", work_queue));
    auto two = gyre::create_task(task("Two", work_queue));
    const auto start = loop.time();
    co_await gyre::gather(one, two);
    const demo::Seconds elapsed = loop.time() - start;
    std::printf("\nTotal elapsed time: %.1f\n", elapsed.count());
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("queue_async", "Two workers on a queue at once.");
    return program.run(argc, argv, [&] { gyre::run(work_off(), {.loop = program.loop()}); });
}
