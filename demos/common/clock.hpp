// Python's module `time`, for a program that may run on a virtual loop.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace demo {

using Nanoseconds = std::chrono::nanoseconds;
using Seconds = std::chrono::duration<double>;

/// "13:42:07": what the clock on the wall shows. On a virtual loop its own clock counts, which
/// starts at midnight. Called in a running loop. Python: time.strftime('%X').
[[nodiscard]] std::string time_of_day();

/// A time limit as somebody typed it, rounded up; at most a year.
[[nodiscard]] inline std::chrono::milliseconds time_limit(Seconds limit) {
    const Seconds year = std::chrono::hours(24 * 365);
    return std::chrono::ceil<std::chrono::milliseconds>(limit < year ? limit : year);
}

/// The clock of a program that runs no loop and sleeps in its thread.
class BlockingClock {
public:
    /// For a virtual loop's spec sleep() only moves the clock.
    explicit BlockingClock(std::string_view loop);

    /// Python: time.perf_counter().
    [[nodiscard]] Nanoseconds now() const;
    /// Python: time.sleep().
    void sleep(Nanoseconds duration);
    /// As time_of_day(); for a virtual loop's spec this clock counts, from midnight. Any thread.
    [[nodiscard]] std::string time_of_day() const;

private:
    std::optional<Nanoseconds> virtual_now_;
};

}  // namespace demo
