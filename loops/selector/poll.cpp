#include "selector.hpp"

#include <poll.h>

#include <cerrno>
#include <system_error>

namespace gyre {

namespace {

short mask_of(Readiness readiness) noexcept {
    return static_cast<short>((readiness.readable ? POLLIN : 0) |
                              (readiness.writable ? POLLOUT : 0));
}

class PollSelector final : public Selector {
public:
    void watch(int fd, std::uint32_t generation, Readiness before, Readiness now) override {
        const auto index = static_cast<std::size_t>(fd);
        if (!now.any()) {
            if (before.any()) {
                remove(index);
            }
            return;
        }
        if (before.any()) {
            polled_[places_[index].index].events = mask_of(now);
            return;
        }
        check_descriptor(fd);
        if (places_.size() <= index) {
            places_.resize(index + 1);
        }
        polled_.push_back({fd, mask_of(now), 0});
        places_[index] = {polled_.size() - 1, generation};
    }

    void wait(std::chrono::nanoseconds timeout, std::vector<Event>& events) override {
        const bool for_ever = timeout == std::chrono::nanoseconds::max();
        const std::timespec limit = timespec_of(timeout);
        int count = ::ppoll(polled_.data(), polled_.size(), for_ever ? nullptr : &limit, nullptr);
        if (count < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        for (std::size_t index = 0; count > 0 && index < polled_.size(); ++index) {
            const ::pollfd& polled = polled_[index];
            if (polled.revents == 0) {
                continue;
            }
            --count;
            // POLLNVAL too wakes both: whoever closed a watched descriptor gets EBADF from its next
            // call.
            const bool broken = (polled.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
            Readiness readiness;
            readiness.readable = (polled.revents & POLLIN) != 0 || broken;
            readiness.writable = (polled.revents & POLLOUT) != 0 || broken;
            const Place& place = places_[static_cast<std::size_t>(polled.fd)];
            events.push_back({polled.fd, place.generation, readiness});
        }
    }

private:
    struct Place {
        std::size_t index = 0;  // in polled_
        std::uint32_t generation = 0;
    };

    void remove(std::size_t fd) noexcept {
        const std::size_t index = places_[fd].index;
        polled_[index] = polled_.back();
        places_[static_cast<std::size_t>(polled_[index].fd)].index = index;
        polled_.pop_back();
    }

    std::vector<::pollfd> polled_;
    std::vector<Place> places_;  // by descriptor
};

}  // namespace

std::unique_ptr<Selector> make_poll_selector() { return std::make_unique<PollSelector>(); }

}  // namespace gyre
