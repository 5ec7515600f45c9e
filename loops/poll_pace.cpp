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
    const bool first = unpolled_ == 1;
    if (!(held_ && first) &&
        (unpolled_ >= kMostUnpolled || cycles() - polled_at_ >= kPollInterval)) {
        return false;
    }
    until_reading_ = between_readings_ = std::min(unpolled_, kMostUnpolled - unpolled_);
    return true;
}

void PollPace::polled() noexcept {
    unpolled_ = 0;
    held_ = false;
    until_reading_ = between_readings_ = 1;
    polled_at_ = cycles();
}

}  // namespace gyre::detail
