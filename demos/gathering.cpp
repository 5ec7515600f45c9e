// gathering: two tasks, awaited together by gather, then each as it completes.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "common/repr.hpp"

#include <gyre/gyre.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

using Numbers = std::vector<int>;
using Tasks = std::vector<gyre::Task<Numbers>>;

// "Waits for I/O" as many seconds as the greatest number.
gyre::Coro<Numbers> reversed(Numbers numbers) {
    const int seconds = *std::max_element(numbers.begin(), numbers.end());
    co_await gyre::sleep(std::chrono::seconds(seconds));
    std::reverse(numbers.begin(), numbers.end());
    co_return numbers;
}

Tasks start_both() {
    Tasks tasks;
    tasks.push_back(gyre::create_task(reversed(Numbers{3, 2, 1})));
    tasks.push_back(gyre::create_task(reversed(Numbers{10, 5, 0})));
    std::printf("Start: %s\n", demo::time_of_day().c_str());
    return tasks;
}

void report_end(const Tasks& tasks) {
    std::printf("End: %s\n", demo::time_of_day().c_str());
    const bool done =
        std::all_of(tasks.begin(), tasks.end(), [](auto& task) { return task.done(); });
    std::printf("Both tasks done: %s\n", done ? "True" : "False");
}

gyre::Coro<std::vector<Numbers>> gathered() {
    const Tasks tasks = start_both();
    std::vector<Numbers> results = co_await gyre::gather(tasks);
    report_end(tasks);
    co_return results;
}

gyre::Coro<> completed() {
    const Tasks tasks = start_both();
    auto completions = gyre::as_completed(tasks);
    while (auto task = co_await completions.next()) {
        const Numbers result = co_await *task;
        std::printf("res: %s completed at %s\n", demo::repr(result).c_str(),
                    demo::time_of_day().c_str());
    }
    report_end(tasks);
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("gathering", "Two tasks, gathered, then taken as they complete.");
    return program.run(argc, argv, [&] {
        gyre::Runner runner({.loop = program.loop()});
        std::puts(demo::repr(runner.run(gathered())).c_str());
        runner.run(completed());
    });
}
