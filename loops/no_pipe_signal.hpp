// NoPipeSignal: a write to what nobody reads any more is an error, and no signal.
#pragma once

#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace gyre::detail {

/// Keeps SIGPIPE from this thread while it lives: for writes that cannot say MSG_NOSIGNAL.
class NoPipeSignal {
public:
    NoPipeSignal() noexcept {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;
    ~NoPipeSignal() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    /// Takes back the signal that a write has just raised.
    void take() const noexcept {
        const int saved = errno;
        if (::sigismember(&before_, SIGPIPE) == 0) {
            const std::timespec at_once{};
            while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        errno = saved;
    }

private:
    ::sigset_t pipe_{};
    ::sigset_t before_{};
};

}  // namespace gyre::detail
