// WatchedFile: tells that a file of the system's settings is another than before.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace gyre::detail {

/// Looks at the file at most once a second: a stat() for each of thousands of questions is too
/// many.
class WatchedFile {
public:
    explicit WatchedFile(std::string path) : path_(std::move(path)) {}

    /// True the first time, and once after each change; that the file comes or goes is one.
    [[nodiscard]] bool changed();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    using Clock = std::chrono::steady_clock;
    // Time of the last change in nanoseconds, size, number on its device; none: no file.
    using Stamp = std::optional<std::tuple<std::int64_t, std::int64_t, std::uint64_t>>;

    [[nodiscard]] Stamp look() const;

    std::string path_;
    std::optional<Clock::time_point> looked_;
    Stamp stamp_;
};

}  // namespace gyre::detail
