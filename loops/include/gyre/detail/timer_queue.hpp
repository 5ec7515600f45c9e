// TimerQueue: deadlines in order; first come, first due among equals.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/ready_queue.hpp>
#include <gyre/detail/timer_entry.hpp>
#include <gyre/detail/timer_pile.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gyre::detail {

/// Something that becomes ready at a deadline. Lives in the frame that waits for it.
class GYRE_API Timer : public Ready {
protected:
    Timer() = default;
    ~Timer() = default;

private:
    friend class TimerQueue;
    static constexpr std::uint32_t kIdle = UINT32_MAX;
    std::uint32_t slot_ = kIdle;  // where the queue keeps our address while we are armed

public:
    [[nodiscard]] bool armed() const noexcept { return slot_ != kIdle; }
};

/// O(log n) to add and to expire, O(1) to cancel, also when already due. The nearest deadlines lie
/// in a heap that a cache holds, the others in a pile from which it is filled again.
///
/// The entries of both never touch the timers themselves, which lie scattered in coroutine frames:
/// an entry names a slot and the slot holds the timer's address. A cancel empties the slot and
/// leaves the entry behind; such entries go when their turn comes, or all at once when they are the
/// majority.
class GYRE_API TimerQueue {
public:
    using Time = std::chrono::nanoseconds;

    /// Entries are numbered from `sequence` on: for tests, to which four thousand million are many.
    explicit TimerQueue(std::uint32_t sequence = 0) noexcept : sequence_(sequence) {}

    [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return live_; }
    /// Entries held for cancelled timers.
    [[nodiscard]] std::size_t cancelled() const noexcept { return cancelled_; }

    void add(Timer& timer, Time when);
    void cancel(Timer& timer) noexcept;

    /// The earliest deadline; Time::max() without one.
    [[nodiscard]] Time next() noexcept {
        while (!heap_.empty() && drop_if_cancelled(heap_.front())) {
            pop();
        }
        return earliest_;
    }

    [[nodiscard]] bool expires(Time now) const noexcept { return earliest_ <= now; }
    /// Notes every timer whose deadline is not after `now` as due, in order.
    void expire(Time now) noexcept {
        if (expires(now)) {
            expire_entries(now);
        }
    }
    /// The next of the due ones, disarmed, for the caller to run; null when they are through.
    [[nodiscard]] Timer* take_due() noexcept;
    [[nodiscard]] bool has_due() const noexcept { return due_left_ != 0; }

    /// Disarms all of them, telling each that it is dropped.
    void clear() noexcept;

private:
    // A slot: the timer's address, in the low bit whether it is due: without an entry, not run yet.
    using Slot = std::uintptr_t;
    static constexpr Slot kEmpty = 0;
    static constexpr Slot kDue = 1;
    [[nodiscard]] static Timer* timer_of(Slot slot) noexcept {
        return reinterpret_cast<Timer*>(slot & ~kDue);
    }

    void reserve_slot();
    /// True if the entry is a cancelled timer's, and has to go: its slot is free now.
    bool drop_if_cancelled(const TimerEntry& entry) noexcept {
        if (slots_[entry.slot] != kEmpty) {
            return false;
        }
        --cancelled_;
        free_slots_.push_back(entry.slot);
        return true;
    }
    void expire_entries(Time now) noexcept;
    void push(const TimerEntry& entry) noexcept;
    void pop() noexcept;
    void move_to_pile() noexcept;
    void refill() noexcept;
    void note_earliest() noexcept;
    void renumber() noexcept;
    void purge() noexcept;

    // Empty only if the pile is: then all its entries are before the pile's.
    std::vector<TimerEntry> heap_;
    TimerPile pile_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<std::uint32_t> due_;
    std::size_t due_left_ = 0;     // the last so many of due_
    Time earliest_ = Time::max();  // of the entries
    std::size_t live_ = 0;         // armed: with an entry, or due
    std::size_t cancelled_ = 0;    // entries whose slot is empty
    std::uint32_t sequence_;       // of the next entry
};

}  // namespace gyre::detail
