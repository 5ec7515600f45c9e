#include "watched_file.hpp"

#include <sys/stat.h>

#include <utility>

namespace gyre::detail {

bool WatchedFile::changed() {
    const Clock::time_point now = Clock::now();
    if (looked_ && now - *looked_ < std::chrono::seconds(1)) {
        return false;
    }
    const bool first = !looked_;
    looked_ = now;
    Stamp stamp = look();
    const bool other = stamp != stamp_;
    stamp_ = std::move(stamp);
    return first || other;
}

WatchedFile::Stamp WatchedFile::look() const {
    struct ::stat found {};
    if (::stat(path_.c_str(), &found) != 0) {
        return std::nullopt;
    }
    constexpr std::int64_t second = 1'000'000'000;
    return std::tuple(found.st_mtim.tv_sec * second + found.st_mtim.tv_nsec,
                      std::int64_t{found.st_size}, std::uint64_t{found.st_ino});
}

}  // namespace gyre::detail
