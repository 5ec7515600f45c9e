#include <gyre/detail/timer_pile.hpp>

#include <algorithm>
#include <array>

namespace gyre::detail {

// Each range nearer than the entry's moves on by one place: its first entry becomes its last.
void TimerPile::add(const TimerEntry& entry) noexcept {
    if (ranges_.empty()) {
        ranges_.push_back({entry.when, 0});
    }
    std::size_t place = entries_.size();
    entries_.resize(place + 1);
    for (std::size_t index = ranges_.size();
         --index != 0 && entry.when >= ranges_[index - 1].from;) {
        Range& nearer = ranges_[index];
        entries_[place] = entries_[nearer.begin];
        place = nearer.begin++;
    }
    entries_[place] = entry;
    note_begin();
}

void TimerPile::add_nearest(std::span<const TimerEntry> entries) noexcept {
    add_range({entries.front().when, entries_.size()});
    entries_.insert(entries_.end(), entries.begin(), entries.end());
    note_begin();
}

// The nearest one. Of too many the two farthest become one.
void TimerPile::add_range(const Range& range) noexcept {
    if (ranges_.size() == kMostRanges) {
        ranges_[0].from = ranges_[1].from;
        ranges_.erase(ranges_.begin() + 1);
    }
    ranges_.push_back(range);
}

// Cuts the nearest range until it has so few entries, and says where they begin.
std::size_t TimerPile::cut_nearest(std::size_t most) noexcept {
    for (;;) {
        const Range nearest = ranges_.back();
        if (entries_.size() - nearest.begin <= most) {
            return nearest.begin;
        }
        const TimerEntry pivot = choose_pivot(nearest.begin);
        ranges_.back().from = pivot.when;
        add_range({nearest.from, partition(nearest.begin, pivot)});
    }
}

// The middle one of a few: some at least are less.
TimerEntry TimerPile::choose_pivot(std::size_t from) const noexcept {
    std::array<TimerEntry, 33> sample;
    const std::size_t step = (entries_.size() - from) / sample.size();
    for (std::size_t index = 0; index != sample.size(); ++index) {
        sample[index] = entries_[from + index * step];
    }
    const auto middle = sample.begin() + sample.size() / 2;
    std::nth_element(sample.begin(), middle, sample.end());
    return *middle;
}

// What is less than the pivot goes behind the rest. Without a branch, which nobody could predict.
std::size_t TimerPile::partition(std::size_t from, const TimerEntry& pivot) noexcept {
    std::size_t later = from;
    for (std::size_t index = from; index != entries_.size(); ++index) {
        const TimerEntry entry = entries_[index];
        entries_[index] = entries_[later];
        entries_[later] = entry;
        later += static_cast<std::size_t>(entry >= pivot);
    }
    return later;
}

void TimerPile::note_begin() noexcept {
    while (!ranges_.empty() && ranges_.back().begin == entries_.size()) {
        ranges_.pop_back();
    }
    begin_ = ranges_.empty() ? Time::max() : ranges_.back().from;
}

void TimerPile::renumber(std::uint32_t sequence) noexcept {
    for (std::size_t index = ranges_.size(); index-- > 0;) {
        const std::span<TimerEntry> range(&entries_[ranges_[index].begin],
                                          &entries_[end_of(index)]);
        std::sort(range.begin(), range.end());
        for (TimerEntry& entry : range) {
            entry.sequence = sequence++;
        }
    }
}

void TimerPile::clear() noexcept {
    entries_.clear();
    ranges_.clear();
    note_begin();
}

}  // namespace gyre::detail
