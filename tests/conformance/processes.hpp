// What the tests of subprocesses share.
#pragma once

#include "../process.hpp"
#include "support.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <utility>

/// Neither a running child nor a zombie.
inline bool no_child() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

inline Coro<std::string> output_of(std::string command) {
    Process process = co_await create_subprocess_shell(command, {.stdout_ = PIPE});
    ProcessOutput output = co_await process.communicate();
    co_return *output.stdout_;
}

/// Until nothing of it is left on the loop.
inline Coro<> finish(Process process) {
    if (process.stdin_) {
        process.stdin_->close();
        co_await ending(process.stdin_->wait_closed());
    }
    if (process.stdout_) {
        co_await process.stdout_->read();
    }
    co_await process.wait();
    co_await ticks(3);
}
