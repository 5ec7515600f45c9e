// Wheel: timers, hashed by the millisecond in which they are due.
#pragma once

#include "steps.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <vector>

namespace bench::floor {

struct Timer : Step {
    std::uint64_t due = 0;     // in ms of the wheel's clock
    std::size_t position = 0;  // in its slot
};

/// A timer is added, cancelled and taken out without looking at any other.
class Wheel {
public:
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::uint64_t now() const { return now_; }

    void add(Timer& timer) {
        std::vector<Entry>& slot = slot_of(timer.due);
        timer.position = slot.size();
        slot.push_back({timer.due, &timer});
        ++count_;
    }

    /// Leaves an entry without a timer behind, so that no other has to move.
    void cancel(Timer& timer) {
        slot_of(timer.due)[timer.position].timer = nullptr;
        --count_;
    }

    /// Moves what is due now to `ready`.
    void turn(Steps& ready) {
        const std::uint64_t end = clock();
        for (; now_ <= end; ++now_) {
            turn_slot(slot_of(now_), ready);
        }
    }

private:
    // The deadline stands in the slot as well: one that stays is not touched in its frame.
    struct Entry {
        std::uint64_t due;
        Timer* timer;
    };
    static constexpr std::size_t kSlots = 4096;
    // So far ahead is a frame asked for, for each is a miss of every cache.
    static constexpr std::size_t kAhead = 8;

    void turn_slot(std::vector<Entry>& slot, Steps& ready) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < slot.size(); ++i) {
            if (i + kAhead < slot.size()) {
                __builtin_prefetch(slot[i + kAhead].timer);
            }
            const Entry entry = slot[i];
            if (entry.timer == nullptr) {
                continue;
            }
            if (entry.due <= now_) {
                ready.push(*entry.timer);
                --count_;
            } else {
                entry.timer->position = kept;
                slot[kept++] = entry;
            }
        }
        slot.resize(kept);
    }

    std::vector<Entry>& slot_of(std::uint64_t due) { return slots_[due % kSlots]; }

    static std::uint64_t clock() {
        std::timespec time{};
        ::clock_gettime(CLOCK_MONOTONIC, &time);
        return static_cast<std::uint64_t>(time.tv_sec) * 1000 +
               static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
    }

    std::array<std::vector<Entry>, kSlots> slots_;
    std::size_t count_ = 0;
    std::uint64_t now_ = clock();
};

}  // namespace bench::floor
