// pipeline: runs shell commands at once, each reading what the one before it writes.
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using Limit = std::optional<std::chrono::duration<double>>;

struct Stage {
    Stage(std::string text, gyre::Process started)
        : command(std::move(text)), process(std::move(started)) {}
    std::string command;
    gyre::Process process;
};

gyre::Coro<std::vector<Stage>> start(std::vector<std::string> commands) {
    std::vector<Stage> stages;
    for (const std::string& command : commands) {
        gyre::SubprocessOptions options{.stdout_ = gyre::PIPE};
        if (!stages.empty()) {
            options.stdin_ = gyre::PIPE;
        }
        gyre::Process process = co_await gyre::create_subprocess_shell(command, options);
        stages.emplace_back(command, std::move(process));
    }
    co_return stages;
}

// Hands on what one writes to the next, until there is no more or nobody wants it.
gyre::Coro<> pump(gyre::Process from, gyre::StreamWriter to) {
    constexpr std::ptrdiff_t at_once = 65536;
    bool wanted = true;
    while (wanted) {
        const std::string data = co_await from.stdout_->read(at_once);
        if (data.empty()) {
            break;
        }
        try {
            to.write(data);
            co_await to.drain();
        } catch (const std::system_error&) {
            wanted = false;
        }
    }
    to.close();
    // What the shell's own pipes do to who writes on.
    if (!wanted && !from.returncode()) {
        from.send_signal(SIGPIPE);
    }
}

// What the last one writes.
gyre::Coro<std::string> flow(std::vector<Stage>& stages) {
    std::vector<gyre::Coro<>> pumps;
    for (std::size_t next = 1; next < stages.size(); ++next) {
        gyre::StreamWriter input = *std::exchange(stages[next].process.stdin_, std::nullopt);
        pumps.push_back(pump(stages[next - 1].process, std::move(input)));
    }
    auto pumping = gyre::gather(std::move(pumps));
    auto collecting = stages.back().process.communicate();
    auto both = gyre::gather(std::move(pumping), std::move(collecting));
    auto results = co_await std::move(both);
    for (const Stage& stage : stages) {
        co_await stage.process.wait();
    }
    co_return std::move(*std::get<1>(results).stdout_);
}

gyre::Coro<> kill(std::vector<Stage>& stages) {
    for (const Stage& stage : stages) {
        if (!stage.process.returncode()) {
            stage.process.kill();
        }
    }
    for (const Stage& stage : stages) {
        co_await stage.process.wait();
    }
}

void check(const Stage& stage) {
    const int status = *stage.process.returncode();
    if (status > 0) {
        throw std::runtime_error("'" + stage.command + "' failed with status " +
                                 std::to_string(status));
    }
    if (status < 0 && status != -SIGPIPE) {
        throw std::runtime_error("'" + stage.command + "' was ended by signal " +
                                 std::to_string(-status));
    }
}

gyre::Coro<> run_pipeline(std::vector<std::string> commands, Limit limit) {
    std::vector<Stage> stages = co_await start(std::move(commands));
    std::string output;
    std::exception_ptr error;
    try {
        auto flowing = flow(stages);
        output = co_await gyre::wait_for(std::move(flowing), limit);
    } catch (const gyre::TimeoutError&) {
        char text[64];
        std::snprintf(text, sizeof text, "not done after %g s", limit->count());
        error = std::make_exception_ptr(std::runtime_error(text));
    } catch (...) {
        error = std::current_exception();
    }
    if (error != nullptr) {
        co_await kill(stages);
        std::rethrow_exception(error);
    }
    std::fwrite(output.data(), 1, output.size(), stdout);
    for (const Stage& stage : stages) {
        check(stage);
    }
}

}  // namespace

int main(int argc, char** argv) {
    Limit limit;
    std::vector<std::string> commands;
    demo::Program program("pipeline",
                          "Runs shell commands, each one's output the next one's input.");
    program.add_seconds("-t,--timeout", limit, "how long it may take");
    program.add_texts("COMMAND", commands, "a command of the shell");
    return program.run(argc, argv,
                       [&] { gyre::run(run_pipeline(commands, limit), {.loop = program.loop()}); });
}
