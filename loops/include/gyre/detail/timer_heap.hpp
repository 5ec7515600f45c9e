// TimerHeap: deadlines in order; first come, first due among equals.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/ready_queue.hpp>

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
    friend class TimerHeap;
    static constexpr std::uint32_t kIdle = UINT32_MAX;
    std::uint32_t slot_ = kIdle;  // where the heap keeps our address while we are armed

public:
    [[nodiscard]] bool armed() const noexcept { return slot_ != kIdle; }
};

/// A 4-ary heap of deadlines: O(log n) to add and to expire, O(1) to cancel, also when already due.
///
/// The heap's entries never touch the timers themselves, which lie scattered in coroutine frames:
/// an entry names a slot and the slot holds the timer's address. A cancel empties the slot and
/// leaves the entry behind; such entries go when they reach the top, or all at once when they are
/// the majority.
class GYRE_API TimerHeap {
public:
    using Time = std::chrono::nanoseconds;

    [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return live_; }
    /// Entries held for cancelled timers.
    [[nodiscard]] std::size_t cancelled() const noexcept { return cancelled_; }

    void add(Timer& timer, Time when);
    void cancel(Timer& timer) noexcept;

    /// The earliest deadline; Time::max() without one.
    [[nodiscard]] Time next() noexcept {
        drop_cancelled_top();
        return has_entries() ? entries_[kRoot].when : Time::max();
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
    struct Entry {
        Time when;
        std::uint32_t sequence;  // makes equal deadlines first in, first out; wraps around
        std::uint32_t slot;

        [[nodiscard]] bool before(const Entry& other) const noexcept {
            return when != other.when ? when < other.when
                                      : static_cast<std::int32_t>(sequence - other.sequence) < 0;
        }
    };

    // Four children share a line of the cache where the entries are many: glibc's large blocks
    // begin 16 bytes, an entry, behind a page. The places before the root's are not used.
    static constexpr std::size_t kArity = 4;
    static constexpr std::size_t kRoot = 2;
    static constexpr std::size_t kShift = kRoot * (kArity - 1) - 1;
    [[nodiscard]] static std::size_t first_child_of(std::size_t index) noexcept {
        return index * kArity - kShift;
    }
    [[nodiscard]] static std::size_t parent_of(std::size_t index) noexcept {
        return (index + kShift) / kArity;
    }
    [[nodiscard]] bool has_entries() const noexcept { return entries_.size() > kRoot; }

    // A slot: the timer's address, in the low bit whether it is due: out of the heap, not run yet.
    using Slot = std::uintptr_t;
    static constexpr Slot kEmpty = 0;
    static constexpr Slot kDue = 1;
    [[nodiscard]] static Timer* timer_of(Slot slot) noexcept {
        return reinterpret_cast<Timer*>(slot & ~kDue);
    }

    void drop_cancelled_top() noexcept {
        while (has_entries() && slots_[entries_[kRoot].slot] == kEmpty) {
            --cancelled_;
            release_slot(entries_[kRoot].slot);
            pop_top();
        }
    }
    void expire_entries(Time now) noexcept;
    void pop_top() noexcept;
    void note_earliest() noexcept {
        earliest_ = has_entries() ? entries_[kRoot].when : Time::max();
    }
    void sift_up(std::size_t index, Entry entry) noexcept;
    void sift_down(std::size_t index, Entry entry) noexcept;
    [[nodiscard]] std::size_t least_child(std::size_t index) const noexcept;
    void purge() noexcept;
    void release_slot(std::uint32_t slot) noexcept { free_slots_.push_back(slot); }

    std::vector<Entry> entries_;
    std::vector<Slot> slots_;
    // Their capacities follow that of slots_, so that only add() can throw.
    std::vector<std::uint32_t> free_slots_;
    std::vector<std::uint32_t> due_;
    std::size_t due_left_ = 0;     // the last so many of due_
    Time earliest_ = Time::max();  // of the entries
    std::size_t live_ = 0;         // armed: in the heap or due
    std::size_t cancelled_ = 0;    // entries of the heap whose slot is empty
    std::uint32_t sequence_ = 0;
};

}  // namespace gyre::detail
