// TimerEntry: a deadline among others.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace gyre::detail {

/// In the order of the deadlines, equal ones in the order of their making.
struct TimerEntry {
    std::chrono::nanoseconds when;
    std::uint32_t sequence;
    std::uint32_t slot;  // knows whose it is

    auto operator<=>(const TimerEntry&) const = default;
};

}  // namespace gyre::detail
