// Selector: waits for descriptors to become ready. epoll, poll and select behind one interface.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace gyre {

/// What a descriptor is watched for, or ready for.
struct Readiness {
    bool readable = false;
    bool writable = false;

    [[nodiscard]] bool any() const noexcept { return readable || writable; }
    bool operator==(const Readiness&) const = default;
};

class Selector {
public:
    struct Event {
        int fd;
        std::uint32_t
            generation;  // as given to watch(): tells a reused number from its predecessor
        Readiness ready;
    };

    Selector() = default;
    Selector(const Selector&) = delete;
    Selector& operator=(const Selector&) = delete;
    virtual ~Selector() = default;

    /// Changes what is watched for; `before` is what was asked last time, both empty where nothing
    /// is. Throws ValueError for a bad descriptor, std::system_error for one that cannot be
    /// watched. To watch for less never throws, whatever became of the descriptor.
    virtual void watch(int fd, std::uint32_t generation, Readiness before, Readiness now) = 0;

    /// Appends what is ready, after waiting at most `timeout` (0: not at all; nanoseconds::max():
    /// for ever).
    virtual void wait(std::chrono::nanoseconds timeout, std::vector<Event>& events) = 0;
};

[[nodiscard]] std::unique_ptr<Selector> make_epoll_selector();
[[nodiscard]] std::unique_ptr<Selector> make_poll_selector();
[[nodiscard]] std::unique_ptr<Selector> make_select_selector();

/// "add_reader 7: Bad file descriptor" as the exception that the failure deserves.
[[noreturn]] void throw_watch_error(int fd, int error);
/// Throws ValueError unless `fd` is open.
void check_descriptor(int fd);
[[nodiscard]] inline std::timespec timespec_of(std::chrono::nanoseconds duration) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {seconds.count(), (duration - seconds).count()};
}

}  // namespace gyre
