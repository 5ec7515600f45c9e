// to_thread: a function that blocks runs in a thread, beside a sleep.
#include "common/clock.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

namespace {

void blocking_io(const std::string& loop) {
    demo::BlockingClock clock(loop);
    std::printf("start blocking_io at %s\n", clock.time_of_day().c_str());
    clock.sleep(1s);
    std::printf("blocking_io complete at %s\n", clock.time_of_day().c_str());
}

gyre::Coro<> run_both(std::string loop) {
    std::printf("started main at %s\n", demo::time_of_day().c_str());
    co_await gyre::gather(gyre::to_thread(blocking_io, loop), gyre::sleep(1s));
    std::printf("finished main at %s\n", demo::time_of_day().c_str());
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("to_thread", "Blocks in a thread for a second while the loop sleeps.");
    return program.run(argc, argv,
                       [&] { gyre::run(run_both(program.loop()), {.loop = program.loop()}); });
}
