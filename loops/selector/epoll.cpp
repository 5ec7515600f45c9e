#include "selector.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace gyre {

namespace {

constexpr std::size_t kEventsAtOnce = 256;

std::uint32_t mask_of(Readiness readiness) noexcept {
    return (readiness.readable ? EPOLLIN | EPOLLRDHUP : 0U) | (readiness.writable ? EPOLLOUT : 0U);
}

class EpollSelector final : public Selector {
public:
    EpollSelector() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0) {
            throw std::system_error(errno, std::generic_category(), "epoll_create1");
        }
    }
    ~EpollSelector() override { ::close(epoll_); }

    void watch(int fd, std::uint32_t generation, Readiness before, Readiness now) override {
        ::epoll_event event{};
        event.events = mask_of(now);
        event.data.u64 =
            static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint32_t>(fd);
        if (!now.any()) {
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);
            return;
        }
        int failed = ::epoll_ctl(epoll_, before.any() ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
        if (failed != 0 && before.any() && errno == ENOENT) {
            // The number was closed and opened anew behind our back.
            failed = ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
        }
        const bool more = (now.readable && !before.readable) || (now.writable && !before.writable);
        if (failed != 0 && more) {
            throw_watch_error(fd, errno);
        }
    }

    void wait(std::chrono::nanoseconds timeout, std::vector<Event>& events) override {
        std::array<::epoll_event, kEventsAtOnce> ready;
        const int count = wait_for(timeout, ready.data());
        for (int index = 0; index < count; ++index) {
            const ::epoll_event& event = ready[static_cast<std::size_t>(index)];
            const std::uint32_t broken = event.events & (EPOLLERR | EPOLLHUP);
            Readiness readiness;
            readiness.readable = (event.events & (EPOLLIN | EPOLLRDHUP)) != 0 || broken != 0;
            readiness.writable = (event.events & EPOLLOUT) != 0 || broken != 0;
            events.push_back({static_cast<int>(event.data.u64 & UINT32_MAX),
                              static_cast<std::uint32_t>(event.data.u64 >> 32), readiness});
        }
    }

private:
    // In nanoseconds where the kernel can (5.11), else in milliseconds, rounded up.
    int wait_for(std::chrono::nanoseconds timeout, ::epoll_event* ready) {
        constexpr int capacity = static_cast<int>(kEventsAtOnce);
        if (timeout == std::chrono::nanoseconds::max()) {
            return checked(::epoll_wait(epoll_, ready, capacity, -1));
        }
        if (timeout == std::chrono::nanoseconds::zero()) {
            return checked(::epoll_wait(epoll_, ready, capacity, 0));
        }
        if (precise_) {
            const std::timespec limit = timespec_of(timeout);
            const int count = ::epoll_pwait2(epoll_, ready, capacity, &limit, nullptr);
            if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {  // EPERM: a sandbox's no
                return checked(count);
            }
            precise_ = false;
        }
        constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
        const auto milliseconds =
            std::min(std::chrono::ceil<std::chrono::milliseconds>(timeout), longest);
        return checked(
            ::epoll_wait(epoll_, ready, capacity, static_cast<int>(milliseconds.count())));
    }

    static int checked(int count) {
        if (count < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "epoll_wait");
        }
        return std::max(count, 0);
    }

    int epoll_;
    bool precise_ = true;
};

}  // namespace

std::unique_ptr<Selector> make_epoll_selector() { return std::make_unique<EpollSelector>(); }

}  // namespace gyre
