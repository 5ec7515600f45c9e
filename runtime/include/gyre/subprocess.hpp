// create_subprocess_exec, create_subprocess_shell: another program, and its standard streams.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/streams.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

/// What one of a child's standard streams is: this program's own, PIPE, DEVNULL, STDOUT (for
/// stderr: the same as stdout), or an open descriptor, which stays the caller's.
class Stdio {
public:
    constexpr Stdio() noexcept = default;
    constexpr Stdio(int fd) noexcept : code_(fd) {}
    [[nodiscard]] constexpr int code() const noexcept { return code_; }

private:
    int code_ = -4;
};

inline constexpr Stdio PIPE{-1};
inline constexpr Stdio STDOUT{-2};
inline constexpr Stdio DEVNULL{-3};

/// asyncio's names of them.
namespace subprocess {
using gyre::DEVNULL;
using gyre::PIPE;
using gyre::STDOUT;
}  // namespace subprocess

/// Views are read by the call that takes the options.
struct SubprocessOptions {
    Stdio stdin_ = {};
    Stdio stdout_ = {};
    Stdio stderr_ = {};
    std::string_view cwd = {};  ///< the child's directory; empty: this program's
    /// The child's whole environment, NAME=value each; unset: this program's.
    std::optional<std::span<const std::string>> env = {};
    bool start_new_session = false;
    /// Descriptors that the child has under the same numbers, besides its streams.
    std::span<const int> pass_fds = {};
    /// It has no others, whoever opened them; false: none of gyre's, but what is open without
    /// CLOEXEC otherwise.
    bool close_fds = true;
    std::size_t limit = kDefaultStreamLimit;  ///< of the readers
};
static_assert(std::is_trivially_destructible_v<SubprocessOptions>);

/// A program's arguments: `{"-l", path}`, or a vector of strings.
class Arguments {
public:
    Arguments() = default;
    template <class... S>
    requires((std::convertible_to<const S&, std::string_view> && ...) && sizeof...(S) > 0)
        Arguments(const S&... each)
        : all_{std::string(std::string_view(each))...} {}
    Arguments(std::vector<std::string> all) noexcept : all_(std::move(all)) {}

    [[nodiscard]] const std::vector<std::string>& all() const noexcept { return all_; }

private:
    std::vector<std::string> all_;
};

/// What communicate() collected; nothing for a stream that is no PIPE.
struct ProcessOutput {
    ProcessOutput() = default;
    ProcessOutput(std::optional<std::string> out, std::optional<std::string> error)
        : stdout_(std::move(out)), stderr_(std::move(error)) {}
    std::optional<std::string> stdout_;
    std::optional<std::string> stderr_;
};

namespace detail {
class ProcessState;
}

/// A program that was started: a handle. The loop watches it until its end, and kills it when the
/// loop is closed before.
///
/// ```
/// SubprocessOptions piped{.stdin_ = PIPE, .stdout_ = PIPE};
/// Process process = co_await create_subprocess_exec("sort", {"-n"}, piped);
/// ProcessOutput output = co_await process.communicate("3\n1\n2\n");
/// use(*output.stdout_, *process.returncode());
/// ```
///
/// Thread rule: the loop's thread, which may be any. asyncio: asyncio.subprocess.Process.
class GYRE_API Process {
public:
    explicit Process(std::shared_ptr<detail::ProcessState> state);

    std::optional<StreamWriter> stdin_;  ///< where the option was PIPE
    std::optional<StreamReader> stdout_;
    std::optional<StreamReader> stderr_;

    [[nodiscard]] int pid() const noexcept;
    /// Unset while the program runs, else its exit status, or minus the signal that ended it; 255
    /// where somebody else has waited for it.
    [[nodiscard]] std::optional<int> returncode() const noexcept;

    /// Completes when the program has ended; gives the returncode. Whoever else has its pipes open
    /// does not matter. Any number of tasks may wait. Cancel safety: cancels the wait alone.
    [[nodiscard]] Coro<int> wait() const;

    /// Writes the input, closes stdin, reads stdout and stderr to their ends, and waits for the
    /// end. A program that does not take all of the input is no error. Cancel safety: the program
    /// runs on, what was read is lost. Throws ValueError for an input where stdin is no PIPE.
    [[nodiscard]] Coro<ProcessOutput> communicate(std::string input = std::string()) const;

    /// Throws std::system_error (no_such_process) once the returncode is known.
    void send_signal(int signal) const;
    void terminate() const;  ///< SIGTERM
    void kill() const;       ///< SIGKILL

private:
    std::shared_ptr<detail::ProcessState> state_;
};

/// Starts a program, looked for in PATH (the one of `env`, where that is given) if its name has no
/// slash.
///
/// ```
/// Process process = co_await create_subprocess_exec("ls", {"-l", path}, {.stdout_ = PIPE});
/// ```
///
/// Completes when it runs and its pipes are connected. Cancel safety: it is killed, and has ended
/// when CancelledError comes. Throws std::system_error that names what is missing: "start prog: No
/// such file or directory", "chdir /x: …"; ValueError. asyncio: create_subprocess_exec.
[[nodiscard]] GYRE_API Coro<Process> create_subprocess_exec(std::string program,
                                                            Arguments arguments = Arguments(),
                                                            SubprocessOptions options = {});
/// Without arguments.
template <class Options = SubprocessOptions>
requires std::same_as<Options, SubprocessOptions>
[[nodiscard]] Coro<Process> create_subprocess_exec(std::string program, Options options) {
    return create_subprocess_exec(std::move(program), Arguments(), options);
}
/// Its arguments one by one, its streams this program's.
template <class... S>
requires(sizeof...(S) > 1 && (std::convertible_to<const S&, std::string_view> && ...))
    [[nodiscard]] Coro<Process> create_subprocess_exec(std::string program, const S&... arguments) {
    return create_subprocess_exec(std::move(program), Arguments(arguments...));
}

/// The same for a command line of the shell, /bin/sh. asyncio: create_subprocess_shell.
[[nodiscard]] GYRE_API Coro<Process> create_subprocess_shell(std::string command,
                                                             SubprocessOptions options = {});

}  // namespace gyre
