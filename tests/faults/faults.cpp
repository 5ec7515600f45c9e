#include "faults.hpp"

#include "imports.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace faults {

namespace {

// All atomic: calls come from threads and from signal handlers, too.
std::atomic<std::uint64_t> seed{0};
std::atomic<double> rate{0};
std::atomic<double> short_rate{0};
std::atomic<std::uint64_t> drawn{0};
std::array<std::atomic<std::size_t>, 3> counts{};

Rates current() noexcept { return {seed, rate, short_rate}; }

// splitmix64 of the seed and the number of the draw.
std::uint64_t draw() noexcept {
    std::uint64_t z = seed * 0x2545F4914F6CDD1DU + ++drawn * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

bool happens(double chance) noexcept {
    return chance > 0 && static_cast<double>(draw() >> 11) * 0x1p-53 < chance;
}

int fail(Kind kind, int error) noexcept {
    ++counts[static_cast<std::size_t>(kind)];
    errno = error;
    return -1;
}

// --- what the system may do ---------------------------------------------------------------------

enum class Direction { in, out };

/// What a descriptor is, and so what may happen to a call that moves bytes through it.
class Subject {
public:
    Subject(int fd, Direction direction, std::size_t size) noexcept {
        const int saved = errno;
        struct ::stat status {};
        if (::fstat(fd, &status) == 0) {
            look(fd, status.st_mode, direction, size);
        }
        errno = saved;
    }

    /// Non-blocking, and readiness is what a refused caller waits for: not so an eventfd, whose
    /// count a refused wake-up would not reach.
    [[nodiscard]] bool may_refuse() const noexcept { return may_refuse_; }
    /// Its bytes have no bounds: not a datagram, not an eventfd's eight.
    [[nodiscard]] bool may_cut() const noexcept { return may_cut_; }

private:
    void look(int fd, ::mode_t mode, Direction direction, std::size_t size) noexcept {
        // A pipe takes so much whole or, full, not at all; libuv's signals count on that.
        const bool atomic =
            S_ISFIFO(mode) && direction == Direction::out && size <= std::size_t{PIPE_BUF};
        const bool waits = S_ISSOCK(mode) || S_ISFIFO(mode);
        may_refuse_ = waits && !atomic && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
        int kind = 0;
        ::socklen_t length = sizeof kind;
        const bool stream = S_ISSOCK(mode) &&
                            ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &length) == 0 &&
                            kind == SOCK_STREAM;
        may_cut_ = (stream || S_ISFIFO(mode)) && !atomic;
    }

    bool may_refuse_ = false;
    bool may_cut_ = false;
};

// Sets errno where the call is to fail.
bool refused(bool may_refuse) noexcept {
    if (!happens(rate)) {
        return false;
    }
    if (may_refuse && happens(0.5)) {
        fail(Kind::again, EAGAIN);
    } else {
        fail(Kind::interrupted, EINTR);
    }
    return true;
}

// One byte half of the time.
std::size_t cut(const Subject& subject, std::size_t size) noexcept {
    if (size <= 1 || !subject.may_cut() || !happens(short_rate)) {
        return size;
    }
    ++counts[static_cast<std::size_t>(Kind::cut)];
    return happens(0.5) ? 1 : 1 + draw() % (size - 1);
}

bool quiet() noexcept { return rate == 0 && short_rate == 0; }

template <class F>
::ssize_t move_bytes(int fd, Direction direction, std::size_t size, F call) noexcept {
    if (quiet()) {
        return call(size);
    }
    const Subject subject(fd, direction, size);
    return refused(subject.may_refuse()) ? -1 : call(cut(subject, size));
}

/// The first bytes of some vectors.
class Head {
public:
    Head(const ::iovec* vectors, int count) noexcept
        : count_(std::min(static_cast<std::size_t>(count), vectors_.size())) {
        std::copy_n(vectors, count_, vectors_.begin());
        for (std::size_t index = 0; index < count_; ++index) {
            size_ += vectors_[index].iov_len;
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void cut_to(std::size_t size) noexcept {
        std::size_t index = 0;
        for (; index < count_ && size > 0; ++index) {
            vectors_[index].iov_len = std::min(vectors_[index].iov_len, size);
            size -= vectors_[index].iov_len;
        }
        count_ = std::max(index, std::min(count_, std::size_t{1}));
    }
    [[nodiscard]] ::iovec* data() noexcept { return vectors_.data(); }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    std::array<::iovec, IOV_MAX> vectors_;
    std::size_t count_;
    std::size_t size_ = 0;
};

template <class F>
::ssize_t move_vectors(int fd, Direction direction, const ::iovec* vectors, int count,
                       F call) noexcept {
    Head head(vectors, count);
    return move_bytes(fd, direction, head.size(), [&](std::size_t size) {
        head.cut_to(size);
        return call(head);
    });
}

template <class F>
::ssize_t move_message(int fd, Direction direction, const ::msghdr& message, F call) noexcept {
    if (message.msg_controllen != 0) {  // the descriptors in it belong to all of its bytes
        return refused(false) ? -1 : call(message);
    }
    return move_vectors(fd, direction, message.msg_iov, static_cast<int>(message.msg_iovlen),
                        [&](Head& head) {
                            ::msghdr part = message;
                            part.msg_iov = head.data();
                            part.msg_iovlen = head.count();
                            return call(part);
                        });
}

// A wait that finds something says so, interrupted or not.
template <class F, class G>
int wait_for_events(F look, G wait) noexcept {
    if (!happens(rate)) {
        return wait();
    }
    const int found = look();
    return found != 0 ? found : fail(Kind::interrupted, EINTR);
}

// --- the calls ----------------------------------------------------------------------------------

namespace calls {

::ssize_t read(int fd, void* buffer, std::size_t size) {
    return move_bytes(fd, Direction::in, size,
                      [=](std::size_t count) { return ::read(fd, buffer, count); });
}
::ssize_t write(int fd, const void* data, std::size_t size) {
    return move_bytes(fd, Direction::out, size,
                      [=](std::size_t count) { return ::write(fd, data, count); });
}
::ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
    return move_bytes(fd, Direction::in, size,
                      [=](std::size_t count) { return ::recv(fd, buffer, count, flags); });
}
::ssize_t send(int fd, const void* data, std::size_t size, int flags) {
    return move_bytes(fd, Direction::out, size,
                      [=](std::size_t count) { return ::send(fd, data, count, flags); });
}
::ssize_t recvfrom(int fd, void* buffer, std::size_t size, int flags, ::sockaddr* from,
                   ::socklen_t* length) {
    return move_bytes(fd, Direction::in, size, [=](std::size_t count) {
        return ::recvfrom(fd, buffer, count, flags, from, length);
    });
}
::ssize_t sendto(int fd, const void* data, std::size_t size, int flags, const ::sockaddr* to,
                 ::socklen_t length) {
    return move_bytes(fd, Direction::out, size, [=](std::size_t count) {
        return ::sendto(fd, data, count, flags, to, length);
    });
}
::ssize_t readv(int fd, const ::iovec* vectors, int count) {
    return move_vectors(fd, Direction::in, vectors, count, [fd](Head& head) {
        return ::readv(fd, head.data(), static_cast<int>(head.count()));
    });
}
::ssize_t writev(int fd, const ::iovec* vectors, int count) {
    return move_vectors(fd, Direction::out, vectors, count, [fd](Head& head) {
        return ::writev(fd, head.data(), static_cast<int>(head.count()));
    });
}
::ssize_t recvmsg(int fd, ::msghdr* message, int flags) {
    return move_message(fd, Direction::in, *message, [=](const ::msghdr& part) {
        ::msghdr own = part;
        const ::ssize_t count = ::recvmsg(fd, &own, flags);
        message->msg_namelen = own.msg_namelen;
        message->msg_controllen = own.msg_controllen;
        message->msg_flags = own.msg_flags;
        return count;
    });
}
::ssize_t sendmsg(int fd, const ::msghdr* message, int flags) {
    return move_message(fd, Direction::out, *message,
                        [=](const ::msghdr& part) { return ::sendmsg(fd, &part, flags); });
}
int accept4(int fd, ::sockaddr* from, ::socklen_t* length, int flags) {
    return refused(Subject(fd, Direction::in, 0).may_refuse()) ? -1
                                                               : ::accept4(fd, from, length, flags);
}
int accept(int fd, ::sockaddr* from, ::socklen_t* length) {
    return refused(Subject(fd, Direction::in, 0).may_refuse()) ? -1 : ::accept(fd, from, length);
}
// Interrupted, it goes on all the same; a local one does not begin, and never where it must not
// wait.
int connect(int fd, const ::sockaddr* to, ::socklen_t length) {
    const int done = ::connect(fd, to, length);
    const bool begun = done == 0 || errno == EINPROGRESS;
    return begun && to->sa_family != AF_UNIX && happens(rate) ? fail(Kind::interrupted, EINTR)
                                                              : done;
}
int epoll_wait(int fd, ::epoll_event* events, int most, int timeout) {
    return wait_for_events([=] { return ::epoll_wait(fd, events, most, 0); },
                           [=] { return ::epoll_wait(fd, events, most, timeout); });
}
int epoll_pwait(int fd, ::epoll_event* events, int most, int timeout, const ::sigset_t* mask) {
    return wait_for_events([=] { return ::epoll_pwait(fd, events, most, 0, mask); },
                           [=] { return ::epoll_pwait(fd, events, most, timeout, mask); });
}
int epoll_pwait2(int fd, ::epoll_event* events, int most, const ::timespec* timeout,
                 const ::sigset_t* mask) {
    return wait_for_events([=] { return ::epoll_pwait(fd, events, most, 0, mask); },
                           [=] { return ::epoll_pwait2(fd, events, most, timeout, mask); });
}
int poll(::pollfd* polled, ::nfds_t count, int timeout) {
    return wait_for_events([=] { return ::poll(polled, count, 0); },
                           [=] { return ::poll(polled, count, timeout); });
}
int ppoll(::pollfd* polled, ::nfds_t count, const ::timespec* timeout, const ::sigset_t* mask) {
    return wait_for_events([=] { return ::poll(polled, count, 0); },
                           [=] { return ::ppoll(polled, count, timeout, mask); });
}
// The sets are as they were where it is interrupted.
int pselect(int end, ::fd_set* readers, ::fd_set* writers, ::fd_set* others,
            const ::timespec* timeout, const ::sigset_t* mask) {
    return wait_for_events(
        [=] {
            const ::timespec at_once{};
            std::array<::fd_set, 3> found{};
            const std::array<::fd_set*, 3> wanted{readers, writers, others};
            std::array<::fd_set*, 3> asked{};
            for (std::size_t index = 0; index < wanted.size(); ++index) {
                if (wanted[index] != nullptr) {
                    found[index] = *wanted[index];
                    asked[index] = &found[index];
                }
            }
            const int count = ::pselect(end, asked[0], asked[1], asked[2], &at_once, mask);
            for (std::size_t index = 0; count > 0 && index < wanted.size(); ++index) {
                if (wanted[index] != nullptr) {
                    *wanted[index] = found[index];
                }
            }
            return count;
        },
        [=] { return ::pselect(end, readers, writers, others, timeout, mask); });
}
// A call that does not wait is never interrupted.
::pid_t waitpid(::pid_t pid, int* status, int options) {
    return (options & WNOHANG) == 0 && happens(rate) ? fail(Kind::interrupted, EINTR)
                                                     : ::waitpid(pid, status, options);
}
int waitid(::idtype_t type, ::id_t id, ::siginfo_t* info, int options) {
    return (options & WNOHANG) == 0 && happens(rate) ? fail(Kind::interrupted, EINTR)
                                                     : ::waitid(type, id, info, options);
}

}  // namespace calls

void put_in_place() noexcept {
    redirect("accept", &::accept, &calls::accept);
    redirect("accept4", &::accept4, &calls::accept4);
    redirect("connect", &::connect, &calls::connect);
    redirect("epoll_pwait", &::epoll_pwait, &calls::epoll_pwait);
    redirect("epoll_pwait2", &::epoll_pwait2, &calls::epoll_pwait2);
    redirect("epoll_wait", &::epoll_wait, &calls::epoll_wait);
    redirect("poll", &::poll, &calls::poll);
    redirect("ppoll", &::ppoll, &calls::ppoll);
    redirect("pselect", &::pselect, &calls::pselect);
    redirect("read", &::read, &calls::read);
    redirect("readv", &::readv, &calls::readv);
    redirect("recv", &::recv, &calls::recv);
    redirect("recvfrom", &::recvfrom, &calls::recvfrom);
    redirect("recvmsg", &::recvmsg, &calls::recvmsg);
    redirect("send", &::send, &calls::send);
    redirect("sendmsg", &::sendmsg, &calls::sendmsg);
    redirect("sendto", &::sendto, &calls::sendto);
    redirect("waitid", &::waitid, &calls::waitid);
    redirect("waitpid", &::waitpid, &calls::waitpid);
    redirect("write", &::write, &calls::write);
    redirect("writev", &::writev, &calls::writev);
}

void set(const Rates& rates) noexcept {
    seed = rates.seed;
    rate = rates.rate;
    short_rate = rates.short_;
    if (!quiet()) {
        static std::once_flag once;
        std::call_once(once, put_in_place);
    }
}

bool set_from_environment() noexcept {
    const char* const text = std::getenv("GYRE_TEST_FAULTS");
    if (text == nullptr) {
        return false;
    }
    unsigned long long number = 0;
    Rates rates;
    if (std::sscanf(text, "seed=%llu,rate=%lf,short=%lf", &number, &rates.rate, &rates.short_) !=
        3) {
        std::fprintf(stderr, "GYRE_TEST_FAULTS=%s: seed=1,rate=0.1,short=0.3 is expected\n", text);
        std::abort();
    }
    rates.seed = number;
    set(rates);
    return true;
}

const bool from_environment = set_from_environment();

}  // namespace

std::size_t count(Kind kind) noexcept { return counts[static_cast<std::size_t>(kind)]; }

Faults::Faults(const Rates& rates) noexcept : before_(current()) { set(rates); }

Faults::~Faults() { set(before_); }

NoCuts::NoCuts() noexcept : whole_({seed, rate, 0}) {}

}  // namespace faults
