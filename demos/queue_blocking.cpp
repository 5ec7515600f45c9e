// queue_blocking: two workers on a queue of work, taking turns; but whoever sleeps blocks both.
#include "common/clock.hpp"
#include "common/generator.hpp"
#include "common/program.hpp"

#include <cstdio>
#include <queue>
#include <vector>

namespace {

demo::Generator task(const char* name, std::queue<int>& work_queue, demo::BlockingClock& clock) {
    while (!work_queue.empty()) {
        const std::chrono::seconds delay(work_queue.front());
        work_queue.pop();
        std::printf("Task %s running\n", name);
        const auto start = clock.now();
        clock.sleep(delay);
        const demo::Seconds elapsed = clock.now() - start;
        std::printf("Task %s elapsed time: %.1f\n", name, elapsed.count());
        co_yield {};
    }
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("queue_blocking", "Two workers on a queue, which block each other.");
    return program.run(argc, argv, [&] {
        demo::BlockingClock clock(program.loop());
        std::queue<int> work_queue({15, 10, 5, 2});
        std::vector<demo::Generator> tasks;
        tasks.push_back(task("One", work_queue, clock));
        tasks.push_back(task("Two", work_queue, clock));
        const auto start = clock.now();
        demo::take_turns(tasks);
        const demo::Seconds elapsed = clock.now() - start;
        std::printf("\nTotal elapsed time: %.1f\n", elapsed.count());
    });
}
