// PollPace: how long a busy loop may go on without a poll.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstdint>

namespace gyre::detail {

/// A poll costs as much as ten or more callbacks: while some are ready, up to 64 iterations or
/// 100 µs pass without one. To read the clock costs as much as a callback, too. Where each
/// iteration is a single one, it is read after 1, 2, 4, 8 … of them, for as long as they are quick:
/// what is slow after a wait is seen at once, and a change at the latest when as many have run as
/// took a quarter of the time before.
class GYRE_API PollPace {
public:
    /// An iteration of a single callback begins. If this is false, ask may_skip_poll().
    [[nodiscard]] bool may_skip_reading() noexcept {
        if (until_reading_ == 1) {
            return false;
        }
        --until_reading_;
        return true;
    }
    /// An iteration begins, with something ready.
    [[nodiscard]] bool may_skip_poll() noexcept;
    /// `waited`: what comes now need not be as quick as what was before.
    void polled(bool waited) noexcept;
    /// The next iteration looks after everything.
    void interrupt() noexcept { until_reading_ = 1; }
    /// What the last poll found leaves something to the next iteration, which another poll would
    /// only find again: that iteration does without one.
    void hold() noexcept {
        held_ = true;
        interrupt();
    }
    [[nodiscard]] bool is_held() const noexcept { return held_; }
    /// The next iteration polls.
    void expect_poll() noexcept {
        unpolled_ = kMostUnpolled;
        interrupt();
    }

private:
    static constexpr std::uint32_t kMostUnpolled = 64;

    std::uint64_t polled_at_ = 0;      // in cycles
    std::uint64_t read_at_ = 0;        // the same
    std::uint32_t unpolled_ = 0;       // iterations since the last poll, at the last reading
    std::uint32_t until_reading_ = 1;  // iterations, the next one included
    std::uint32_t between_readings_ = 1;
    std::uint32_t quick_ = 1;  // so many take less than a quarter of the time
    bool held_ = false;        // until the next poll
};

}  // namespace gyre::detail
