// TimerPile: the deadlines that are far off, in no more order than is needed yet.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/timer_entry.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyre::detail {

/// Ranges of time, the farthest first, each unsorted: a quicksort that goes no further than to what
/// is needed next. An entry is moved O(log n) times until it is taken, always together with its
/// neighbours in memory, where a heap of as many would miss the cache at each of its levels.
class GYRE_API TimerPile {
public:
    using Time = std::chrono::nanoseconds;

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    /// No entry is before this time. Time::max() without one.
    [[nodiscard]] Time begin() const noexcept { return begin_; }

    /// Makes room for so many entries: the rest does not throw.
    void reserve(std::size_t entries) {
        ranges_.reserve(kMostRanges);
        entries_.reserve(entries);
    }
    /// One that is not before begin(), and newer than all.
    void add(const TimerEntry& entry) noexcept;
    /// Some that are less than all that are here, the first of them the least.
    void add_nearest(std::span<const TimerEntry> entries) noexcept;
    /// f(entry) for the nearest ones, which go: at most so many, at least one, in no order.
    template <class F>
    void take_nearest(std::size_t most, F f) noexcept {
        const std::size_t first = cut_nearest(most);
        for (std::size_t index = first; index != entries_.size(); ++index) {
            f(entries_[index]);
        }
        entries_.resize(first);
        note_begin();
    }
    /// Those for which f(entry) go.
    template <class F>
    void remove_if(F f) noexcept {
        std::size_t kept = 0;
        for (std::size_t index = 0; index != ranges_.size(); ++index) {
            const std::size_t begin = kept;
            for (std::size_t entry = ranges_[index].begin; entry != end_of(index); ++entry) {
                if (!f(entries_[entry])) {
                    entries_[kept++] = entries_[entry];
                }
            }
            ranges_[index].begin = begin;
        }
        entries_.resize(kept);
        note_begin();
    }
    /// Numbers all of them anew, from so many on, in their order.
    void renumber(std::uint32_t sequence) noexcept;
    void clear() noexcept;

private:
    static constexpr std::size_t kMostRanges = 16;
    struct Range {
        Time from;          // none of its entries is before this
        std::size_t begin;  // it ends where the next one begins
    };

    [[nodiscard]] std::size_t end_of(std::size_t range) const noexcept {
        return range + 1 == ranges_.size() ? entries_.size() : ranges_[range + 1].begin;
    }
    void add_range(const Range& range) noexcept;
    [[nodiscard]] std::size_t cut_nearest(std::size_t most) noexcept;
    [[nodiscard]] TimerEntry choose_pivot(std::size_t from) const noexcept;
    [[nodiscard]] std::size_t partition(std::size_t from, const TimerEntry& pivot) noexcept;
    void note_begin() noexcept;

    std::vector<TimerEntry> entries_;
    std::vector<Range> ranges_;
    Time begin_ = Time::max();
};

}  // namespace gyre::detail
