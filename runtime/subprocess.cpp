#include <gyre/detail/child.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/errors.hpp>
#include <gyre/event.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/gather.hpp>
#include <gyre/pipes.hpp>
#include <gyre/subprocess.hpp>

#include <array>
#include <csignal>
#include <exception>
#include <system_error>
#include <tuple>
#include <utility>

namespace gyre {

namespace detail {

/// What the handles of a process share.
class ProcessState {
public:
    std::shared_ptr<Child> child;
    std::array<std::shared_ptr<StreamState>, 3> streams;  // null where there is no pipe
    Event ended;
};

namespace {

Coro<int> wait_for_end(std::shared_ptr<ProcessState> state) {
    if (!state->child->returncode()) {
        co_await state->ended.wait();
    }
    co_return *state->child->returncode();
}

Coro<> connect(std::shared_ptr<ProcessState> state, Spawned& spawned, std::size_t limit) {
    for (std::size_t index = 0; index < spawned.ends.size(); ++index) {
        if (!spawned.ends[index]) {
            continue;
        }
        auto stream = std::make_shared<StreamState>(limit);
        const PipeEnd end = index == 0 ? PipeEnd::writing : PipeEnd::reading;
        auto attaching = attach_pipe(spawned.ends[index].release(), end, stream);
        co_await std::move(attaching);
        state->streams[index] = std::move(stream);
    }
}

// Nothing is left of it when this completes, however often the caller is cancelled.
Coro<> undo(std::shared_ptr<ProcessState> state) {
    for (const std::shared_ptr<StreamState>& stream : state->streams) {
        if (stream != nullptr) {
            stream->transport()->abort();
        }
    }
    if (!state->child->returncode()) {
        state->child->send_signal(SIGKILL);
    }
    while (!state->child->returncode()) {
        try {
            co_await state->ended.wait();
        } catch (const CancelledError&) {
            continue;  // the first one is under way already
        }
    }
}

Coro<Process> start(SpawnRequest request, std::size_t limit) {
    EventLoop& loop = get_running_loop();
    auto state = std::make_shared<ProcessState>();
    Spawned spawned = spawn(request);
    const auto on_exit = [state] { state->ended.set(); };
    state->child = Child::watch(loop, spawned.pid, on_exit);
    std::exception_ptr error;
    try {
        co_await connect(state, spawned, limit);
    } catch (...) {
        error = std::current_exception();
    }
    if (error != nullptr) {
        co_await undo(state);
        std::rethrow_exception(error);
    }
    co_return Process(std::move(state));
}

Coro<Process> start_with(SpawnRequest request, const SubprocessOptions& options) {
    request.directory = options.cwd;
    if (options.env) {
        request.environment.emplace(options.env->begin(), options.env->end());
    }
    request.standard = {options.stdin_.code(), options.stdout_.code(), options.stderr_.code()};
    request.passed.assign(options.pass_fds.begin(), options.pass_fds.end());
    request.new_session = options.start_new_session;
    request.close_others = options.close_fds;
    if (options.limit == 0) {
        throw ValueError("a stream's limit is expected to be 1 or more, not 0");
    }
    return start(std::move(request), options.limit);
}

Coro<> feed(std::optional<StreamWriter> writer, std::string input) {
    if (!writer) {
        co_return;
    }
    try {
        writer->write(input);
        co_await writer->drain();
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::broken_pipe && error.code() != std::errc::connection_reset) {
            throw;
        }
    }
    writer->close();
}

Coro<std::optional<std::string>> collect_output(std::optional<StreamReader> reader) {
    if (!reader) {
        co_return std::nullopt;
    }
    std::string all = co_await reader->read();
    co_return std::optional<std::string>(std::move(all));
}

Coro<ProcessOutput> communicate_with(Process process, std::string input) {
    auto feeding = feed(process.stdin_, std::move(input));
    auto output = collect_output(process.stdout_);
    auto errors = collect_output(process.stderr_);
    auto all = gather(std::move(feeding), std::move(output), std::move(errors));
    auto collected = co_await std::move(all);
    co_await process.wait();
    co_return ProcessOutput(std::move(std::get<1>(collected)), std::move(std::get<2>(collected)));
}

}  // namespace
}  // namespace detail

Process::Process(std::shared_ptr<detail::ProcessState> state) : state_(std::move(state)) {
    const auto& streams = state_->streams;
    if (streams[0] != nullptr) {
        stdin_.emplace(streams[0]);
    }
    if (streams[1] != nullptr) {
        stdout_.emplace(streams[1]);
    }
    if (streams[2] != nullptr) {
        stderr_.emplace(streams[2]);
    }
}

int Process::pid() const noexcept { return state_->child->pid(); }

std::optional<int> Process::returncode() const noexcept { return state_->child->returncode(); }

Coro<int> Process::wait() const { return detail::wait_for_end(state_); }

Coro<ProcessOutput> Process::communicate(std::string input) const {
    if (!stdin_ && !input.empty()) {
        throw ValueError("an input is given, but stdin is no PIPE");
    }
    return detail::communicate_with(*this, std::move(input));
}

void Process::send_signal(int signal) const { state_->child->send_signal(signal); }

void Process::terminate() const { send_signal(SIGTERM); }

void Process::kill() const { send_signal(SIGKILL); }

Coro<Process> create_subprocess_exec(std::string program, Arguments arguments,
                                     SubprocessOptions options) {
    detail::SpawnRequest request;
    request.arguments.push_back(program);
    request.arguments.insert(request.arguments.end(), arguments.all().begin(),
                             arguments.all().end());
    request.program = std::move(program);
    return detail::start_with(std::move(request), options);
}

Coro<Process> create_subprocess_shell(std::string command, SubprocessOptions options) {
    detail::SpawnRequest request;
    request.program = "/bin/sh";
    request.arguments = {request.program, "-c", std::move(command)};
    return detail::start_with(std::move(request), options);
}

}  // namespace gyre
