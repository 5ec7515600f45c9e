// Child: a program that was started, until its end.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/resource.hpp>
#include <gyre/socket.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gyre::detail {

/// What a child's descriptor 0, 1 or 2 is, where it is not the number of an open one.
enum StandardStream : int {
    kPipe = -1,
    kSameAsOutput = -2,
    kNullDevice = -3,
    kInherited = -4,
};

/// What to start, and how.
struct SpawnRequest {
    SpawnRequest() = default;

    std::string program;                 // looked for in PATH where it has no slash
    std::vector<std::string> arguments;  // the program's name first
    std::optional<std::vector<std::string>> environment;  // NAME=value; unset: the caller's
    std::string directory;                                // empty: the caller's
    std::array<int, 3> standard{kInherited, kInherited, kInherited};
    std::vector<int> passed;  // descriptors that the child has, too
    bool new_session = false;
    bool close_others = false;
};

/// What came of it.
struct Spawned {
    Spawned() = default;

    int pid = -1;
    std::array<Socket, 3> ends;  // this side of the pipes
};

/// Throws std::system_error that names the program, or the directory; ValueError.
[[nodiscard]] GYRE_API Spawned spawn(const SpawnRequest& request);

/// Where false, a thread waits for each child, as on a system without pidfd_open().
GYRE_API extern bool has_pidfd;

/// The loop keeps it until the process has ended and was reaped; a loop that closes kills it first.
/// No SIGCHLD: the end is seen by a pidfd, or by a thread where there is none.
class GYRE_API Child final : private Resource {
public:
    /// Watches a process that spawn() gave; calls on_exit() after its end. Kills it if it throws.
    [[nodiscard]] static std::shared_ptr<Child> watch(EventLoop& loop, int pid,
                                                      std::function<void()> on_exit);
    Child(EventLoop& loop, int pid);
    ~Child();

    [[nodiscard]] int pid() const noexcept { return pid_; }
    /// Unset while it runs; the exit status, minus the signal that ended it, or 255 where somebody
    /// else has reaped it.
    [[nodiscard]] const std::optional<int>& returncode() const noexcept { return returncode_; }
    /// Throws std::system_error: "no such process" after the end, and for a signal there is not.
    void send_signal(int signal);

private:
    void start(std::shared_ptr<Child> self, std::function<void()> on_exit);
    void on_loop_close() noexcept override;
    void on_exit_seen();
    /// False while the process runs. Waits for its end if asked to.
    bool reap(bool wait) noexcept;
    void kill_and_reap() noexcept;
    void let_go() noexcept;

    int pid_;
    int pidfd_ = -1;
    std::thread waiter_;  // where there is no pidfd
    std::optional<int> returncode_;
    bool reaped_elsewhere_ = false;
    std::function<void()> on_exit_;
    std::shared_ptr<Child> self_;  // while the loop keeps it
};

}  // namespace gyre::detail
