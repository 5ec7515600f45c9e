#include <gyre/detail/child.hpp>
#include <gyre/event_loop.hpp>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

constexpr int kReapedElsewhere = 255;

// glibc has names for these since 2.36 only.
int open_pidfd(int pid) noexcept {
#ifdef SYS_pidfd_open
    return has_pidfd ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
#else
    static_cast<void>(pid);
    return -1;
#endif
}

// By a pidfd nobody else is hit, even if the process is gone and its number is another's.
int signal_process(int pid, int pidfd, int signal) noexcept {
#ifdef SYS_pidfd_send_signal
    if (pidfd >= 0) {
        return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
    }
#endif
    static_cast<void>(pidfd);
    return ::kill(pid, signal);
}

}  // namespace

bool has_pidfd = true;

std::shared_ptr<Child> Child::watch(EventLoop& loop, int pid, std::function<void()> on_exit) {
    auto child = std::make_shared<Child>(loop, pid);
    child->start(child, std::move(on_exit));
    return child;
}

Child::Child(EventLoop& loop, int pid) : Resource(loop), pid_(pid) {}

Child::~Child() = default;

void Child::start(std::shared_ptr<Child> self, std::function<void()> on_exit) {
    on_exit_ = std::move(on_exit);
    pidfd_ = open_pidfd(pid_);
    begin_use(pidfd_);
    self_ = std::move(self);
    loop().expect_post();
    try {
        if (pidfd_ >= 0) {
            Resource::watch(pidfd_, false, [this] { on_exit_seen(); });
            return;
        }
        waiter_ = std::thread([this] {
            // Reaping is for the loop's thread, so that the number stays the child's until then.
            ::siginfo_t info;
            while (::waitid(P_PID, static_cast<::id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
                   errno == EINTR) {
            }
            try {
                loop().call_soon_threadsafe([this] { on_exit_seen(); });
            } catch (...) {  // the loop closes, and waits for this thread
            }
        });
    } catch (...) {
        kill_and_reap();
        let_go();
        throw;
    }
}

void Child::send_signal(int signal) {
    if (returncode_) {
        throw std::system_error(ESRCH, std::generic_category(), "signal " + std::to_string(pid_));
    }
    // It may have ended without the loop knowing yet: that is no error.
    if (signal_process(pid_, pidfd_, signal) != 0 && errno != ESRCH) {
        throw std::system_error(errno, std::generic_category(), "signal " + std::to_string(pid_));
    }
}

bool Child::reap(bool wait) noexcept {
    int status = 0;
    ::pid_t reaped = 0;
    do {
        reaped = ::waitpid(pid_, &status, wait ? 0 : WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) {
        return false;
    }
    if (reaped < 0) {
        reaped_elsewhere_ = true;
        returncode_ = kReapedElsewhere;
    } else {
        returncode_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }
    return true;
}

void Child::kill_and_reap() noexcept {
    signal_process(pid_, pidfd_, SIGKILL);
    reap(true);
}

void Child::let_go() noexcept {
    if (waiter_.joinable()) {
        waiter_.join();
    }
    if (pidfd_ >= 0) {
        unwatch(pidfd_, false);
    }
    end_use(pidfd_);
    if (pidfd_ >= 0) {
        ::close(std::exchange(pidfd_, -1));
    }
    loop().forget_post();
    const std::shared_ptr<Child> keep = std::move(self_);
    on_exit_ = nullptr;
}

void Child::on_exit_seen() {
    if (self_ == nullptr || !reap(false)) {
        return;
    }
    const std::shared_ptr<Child> keep = self_;
    const std::function<void()> on_exit = std::move(on_exit_);
    let_go();
    if (reaped_elsewhere_) {
        loop().call_exception_handler(ExceptionContext(
            "Unknown child process pid " + std::to_string(pid_) + ", will report returncode 255"));
    }
    if (on_exit) {
        on_exit();
    }
}

void Child::on_loop_close() noexcept {
    const std::shared_ptr<Child> keep = self_;
    kill_and_reap();
    let_go();
}

}  // namespace gyre::detail
