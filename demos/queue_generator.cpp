// queue_generator: two workers on a queue of work, taking turns: generators, but no event loop.
#include "common/generator.hpp"
#include "common/program.hpp"

#include <cstdio>
#include <queue>
#include <vector>

namespace {

demo::Generator task(const char* name, std::queue<int>& work_queue) {
    while (!work_queue.empty()) {
        const int count = work_queue.front();
        work_queue.pop();
        std::printf("Task %s running\n", name);
        int total = 0;
        for (int i = 0; i < count; ++i) {
            ++total;
            co_yield {};
        }
        std::printf("Task %s total: %d\n", name, total);
    }
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("queue_generator", "Two workers on a queue, taking turns.");
    return program.run(argc, argv, [] {
        std::queue<int> work_queue({15, 10, 5, 2});
        std::vector<demo::Generator> tasks;
        tasks.push_back(task("One", work_queue));
        tasks.push_back(task("Two", work_queue));
        demo::take_turns(tasks);
    });
}
