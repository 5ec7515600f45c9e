// FlowControl: when a protocol is told to stop writing, and to go on.
#pragma once

#include <gyre/transport.hpp>

#include <cstddef>
#include <string>

namespace gyre::detail {

/// The marks, and whether the protocol is paused. asyncio: _FlowControlMixin.
class FlowControl {
public:
    /// Throws ValueError where the low mark is above the high one.
    void set(WriteLimits limits);
    [[nodiscard]] Transport::Limits limits() const noexcept { return {low_, high_}; }

    /// True once when `waiting` bytes are more than the high mark.
    [[nodiscard]] bool must_pause(std::size_t waiting) noexcept;
    /// True once when they are down to the low mark.
    [[nodiscard]] bool may_resume(std::size_t waiting) noexcept;

private:
    static constexpr std::size_t kDefaultHigh = std::size_t{64} << 10;

    std::size_t high_ = kDefaultHigh;
    std::size_t low_ = kDefaultHigh / 4;
    bool paused_ = false;
};

}  // namespace gyre::detail
