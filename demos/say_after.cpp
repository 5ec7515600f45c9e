// say_after: two coroutines, one after the other; with --tasks, at once.
#include "common/clock.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

gyre::Coro<> say_after(std::chrono::seconds delay, const char* what) {
    co_await gyre::sleep(delay);
    std::puts(what);
}

gyre::Coro<> awaited() {
    std::printf("started at %s\n", demo::time_of_day().c_str());
    co_await say_after(1s, "hello");
    co_await say_after(2s, "world");
    std::printf("finished at %s\n", demo::time_of_day().c_str());
}

gyre::Coro<> as_tasks() {
    auto task1 = gyre::create_task(say_after(1s, "hello"));
    auto task2 = gyre::create_task(say_after(2s, "world"));
    std::printf("started at %s\n", demo::time_of_day().c_str());
    co_await task1;
    co_await task2;
    std::printf("finished at %s\n", demo::time_of_day().c_str());
}

}  // namespace

int main(int argc, char** argv) {
    bool tasks = false;
    demo::Program program("say_after", "Says hello after one second and world after two.");
    program.add_flag("--tasks", tasks, "as two tasks, at once");
    return program.run(
        argc, argv, [&] { gyre::run(tasks ? as_tasks() : awaited(), {.loop = program.loop()}); });
}
