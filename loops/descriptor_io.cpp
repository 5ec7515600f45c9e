#include "transfer.hpp"

#include <gyre/detail/descriptor_io.hpp>

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace gyre::detail {

namespace {

// Keeps SIGPIPE from this thread while it lives: a pipe has no MSG_NOSIGNAL.
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

}  // namespace

std::optional<std::size_t> read_descriptor(int fd, std::span<char> buffer,
                                           std::error_code& error) noexcept {
    return transfer(error, [&] { return ::read(fd, buffer.data(), buffer.size()); });
}

std::optional<std::size_t> write_descriptor(int fd, std::span<const std::string_view> parts,
                                            std::error_code& error) noexcept {
    IoVectors vectors(parts);
    const NoPipeSignal no_signal;
    const auto written = transfer(
        error, [&] { return ::writev(fd, vectors.data(), static_cast<int>(vectors.size())); });
    if (error == std::errc::broken_pipe) {
        no_signal.take();
    }
    return written;
}

}  // namespace gyre::detail
