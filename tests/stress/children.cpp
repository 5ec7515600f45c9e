// Child processes in great number, some killed in the middle.
#include "stress.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <set>
#include <sstream>

namespace stress {

namespace {

constexpr std::size_t kAtOnce = 50;

// The open descriptors of a shell that lists them: none of the many that this program has.
const std::string list = "cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo $fd; done";

struct Outcome {
    int done = 0;
    int killed = 0;
    int looked = 0;
};

// A child sees its streams and what it was given.
Coro<> look(Outcome& outcome) {
    std::array<int, 2> ends{};
    require(::pipe(ends.data()) == 0, "a pipe");  // not CLOEXEC
    const std::array<int, 1> given{ends[1]};
    SubprocessOptions options;
    options.stdin_ = DEVNULL;
    options.stdout_ = PIPE;
    options.pass_fds = given;
    Process process = co_await create_subprocess_shell(list, options);
    ProcessOutput output = co_await process.communicate();
    ::close(ends[0]);
    ::close(ends[1]);
    std::set<int> seen;
    std::istringstream lines(*output.stdout_);
    for (int fd = 0; lines >> fd;) {
        seen.insert(fd);
    }
    require(seen == std::set<int>{0, 1, 2, given[0]},
            "a child has what it was given, not " + *output.stdout_);
    ++outcome.looked;
}

Coro<> talk(int number, Semaphore& slots, Outcome& outcome) {
    auto slot = co_await slots.scoped();
    if (number % 10 == 5) {
        co_await look(outcome);
        co_return;
    }
    SubprocessOptions piped;
    piped.stdin_ = PIPE;
    piped.stdout_ = PIPE;
    const bool doomed = number % 10 == 0;
    const std::string command = doomed ? "exec sleep 100" : "cat; exit 3";
    Process process = co_await create_subprocess_shell(command, piped);
    if (doomed) {
        process.kill();
        const int code = co_await process.wait();
        require(code == -SIGKILL, "a killed child says so");
        ++outcome.killed;
        co_return;
    }
    const std::string text(1000 + static_cast<std::size_t>(number), 'x');
    ProcessOutput output = co_await process.communicate(text);
    require(output.stdout_ == text, "what went in comes out");
    require(process.returncode() == 3, "the exit status");
    ++outcome.done;
}

}  // namespace

Coro<> children(int count) {
    const std::size_t before = open_descriptors();
    const auto start = std::chrono::steady_clock::now();
    Semaphore slots(kAtOnce);
    Outcome outcome;
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < count; ++i) {
            group.create_task(talk(i, slots, outcome));
        }
        co_return;
    });
    co_await sleep(20ms);
    require(open_descriptors() == before, "no descriptor is left");
    require(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD, "no zombie is left");
    std::printf("children: %d talked to, %d killed, %d saw what they were given, %.0f a second\n",
                outcome.done, outcome.killed, outcome.looked, count / seconds_since(start));
}

}  // namespace stress
