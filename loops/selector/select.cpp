#include "selector.hpp"

#include <gyre/errors.hpp>

#include <sys/select.h>

#include <cerrno>
#include <map>
#include <system_error>

namespace gyre {

namespace {

class SelectSelector final : public Selector {
public:
    SelectSelector() {
        FD_ZERO(&readers_);
        FD_ZERO(&writers_);
    }

    void watch(int fd, std::uint32_t generation, Readiness before, Readiness now) override {
        if (fd >= FD_SETSIZE) {
            if (!now.any()) {
                return;
            }
            throw ValueError("select takes file descriptors below " + std::to_string(FD_SETSIZE) +
                             ", not " + std::to_string(fd) +
                             "; take selector:epoll or selector:poll");
        }
        if (!before.any() && now.any()) {
            check_descriptor(fd);
            generations_[fd] = generation;
        } else if (!now.any()) {
            generations_.erase(fd);
        }
        set(readers_, fd, now.readable);
        set(writers_, fd, now.writable);
    }

    void wait(std::chrono::nanoseconds timeout, std::vector<Event>& events) override {
        const bool for_ever = timeout == std::chrono::nanoseconds::max();
        std::timespec limit = timespec_of(timeout);
        ::fd_set readable = readers_;
        ::fd_set writable = writers_;
        int count =
            ::pselect(end(), &readable, &writable, nullptr, for_ever ? nullptr : &limit, nullptr);
        if (count < 0 && errno == EBADF) {
            readable = readers_;
            writable = writers_;
            report_closed(events, readable, writable);
            limit = {};
            count = ::pselect(end(), &readable, &writable, nullptr, &limit, nullptr);
        }
        if (count < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "select");
        }
        if (count <= 0) {
            return;
        }
        for (const auto& [fd, generation] : generations_) {
            Readiness readiness;
            readiness.readable = FD_ISSET(fd, &readable);
            readiness.writable = FD_ISSET(fd, &writable);
            if (readiness.any()) {
                events.push_back({fd, generation, readiness});
            }
        }
    }

private:
    static void set(::fd_set& all, int fd, bool on) noexcept {
        if (on) {
            FD_SET(fd, &all);
        } else {
            FD_CLR(fd, &all);
        }
    }

    [[nodiscard]] int end() const noexcept {
        return generations_.empty() ? 0 : generations_.rbegin()->first + 1;
    }

    // Somebody closed a watched descriptor: its owner is told, and the others go on without it.
    void report_closed(std::vector<Event>& events, ::fd_set& readable, ::fd_set& writable) {
        for (const auto& [fd, generation] : generations_) {
            try {
                check_descriptor(fd);
            } catch (const ValueError&) {
                Readiness both;
                both.readable = both.writable = true;
                events.push_back({fd, generation, both});
                set(readable, fd, false);
                set(writable, fd, false);
            }
        }
    }

    ::fd_set readers_;
    ::fd_set writers_;
    std::map<int, std::uint32_t> generations_;  // of the watched descriptors, in order
};

}  // namespace

std::unique_ptr<Selector> make_select_selector() { return std::make_unique<SelectSelector>(); }

}  // namespace gyre
