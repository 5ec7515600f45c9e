#include <gyre/detail/poll_pace.hpp>

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace gyre::detail {

namespace {

// A clock for "have 100 µs passed?" that costs a few cycles. Its unit is a cycle of at least 1 GHz,
// so the bound is met or undercut.
constexpr std::uint64_t kPollInterval = 100'000;

std::uint64_t cycles() noexcept {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

}  // namespace

bool PollPace::may_skip_poll() noexcept {
    unpolled_ += between_readings_ - until_reading_ + 1;
    const std::uint64_t now = cycles();
    quick_ = now - read_at_ < kPollInterval / 4 ? std::min(2 * quick_, kMostUnpolled / 2) : 1;
    read_at_ = now;
    const bool first = unpolled_ == 1;
    if (!(held_ && first) && (unpolled_ >= kMostUnpolled || now - polled_at_ >= kPollInterval)) {
        return false;
    }
    until_reading_ = between_readings_ = std::min(quick_, kMostUnpolled - unpolled_);
    return true;
}

void PollPace::polled(bool waited) noexcept {
    unpolled_ = 0;
    held_ = false;
    quick_ = waited ? 1 : quick_;
    until_reading_ = between_readings_ = quick_;
    polled_at_ = read_at_ = cycles();
}

}  // namespace gyre::detail
