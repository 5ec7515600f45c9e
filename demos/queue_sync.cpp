// queue_sync: two workers on a queue of work, one after the other: nothing is left for the second.
#include "common/program.hpp"

#include <cstdio>
#include <queue>

namespace {

void task(const char* name, std::queue<int>& work_queue) {
    if (work_queue.empty()) {
        std::printf("Task %s nothing to do\n", name);
    }
    while (!work_queue.empty()) {
        const int count = work_queue.front();
        work_queue.pop();
        std::printf("Task %s running\n", name);
        int total = 0;
        for (int i = 0; i < count; ++i) {
            ++total;
        }
        std::printf("Task %s total: %d\n", name, total);
    }
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("queue_sync", "Two workers on a queue, one after the other.");
    return program.run(argc, argv, [] {
        std::queue<int> work_queue({15, 10, 5, 2});
        task("One", work_queue);
        task("Two", work_queue);
    });
}
