#include <gyre/detail/timer_heap.hpp>

#include <algorithm>
#include <utility>

namespace gyre::detail {

namespace {
constexpr std::size_t kPurgeAbove = 100;
constexpr std::size_t kPrefetched = 8;  // timers due that are brought in ahead of their turn
}  // namespace

void TimerHeap::add(Timer& timer, Time when) {
    if (cancelled() > kPurgeAbove && cancelled() > live_) {
        purge();
    }
    // Everything that can throw comes first: a failed add leaves no trace.
    if (free_slots_.empty() && slots_.size() == slots_.capacity()) {
        const std::size_t more = std::max<std::size_t>(16, slots_.size() * 2);
        free_slots_.reserve(more);
        due_.reserve(more);
        slots_.reserve(more);
        entries_.reserve(kRoot + more);  // last: glibc keeps blocks of the size of one it got back
    }
    entries_.resize(std::max(entries_.size(), kRoot) + 1);
    if (free_slots_.empty()) {
        slots_.push_back(kEmpty);
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = reinterpret_cast<Slot>(&timer);
    timer.slot_ = slot;
    ++live_;
    sift_up(entries_.size() - 1, {when, sequence_++, slot});
    note_earliest();
}

void TimerHeap::cancel(Timer& timer) noexcept {
    if (!timer.armed()) {
        return;
    }
    const Slot was = std::exchange(slots_[timer.slot_], kEmpty);
    if ((was & kDue) == 0) {
        ++cancelled_;  // else take_due() passes over it
    }
    timer.slot_ = Timer::kIdle;
    --live_;
}

void TimerHeap::expire_entries(Time now) noexcept {
    const std::size_t noted = due_.size();
    while (has_entries() && entries_[kRoot].when <= now) {
        const std::uint32_t slot = entries_[kRoot].slot;
        __builtin_prefetch(&slots_[slot]);
        due_.push_back(slot);
        pop_top();
    }
    due_left_ += due_.size() - noted;
    for (std::size_t index = noted; index != due_.size(); ++index) {
        Slot& slot = slots_[due_[index]];
        if (slot != kEmpty) {
            slot |= kDue;
        } else {
            --cancelled_;
        }
    }
}

Timer* TimerHeap::take_due() noexcept {
    while (has_due()) {
        const std::size_t index = due_.size() - due_left_;
        const std::uint32_t slot = due_[index];
        if (due_left_ > kPrefetched) {
            __builtin_prefetch(timer_of(slots_[due_[index + kPrefetched]]));
        }
        if (--due_left_ == 0) {
            due_.clear();
        }
        Timer* const timer = timer_of(std::exchange(slots_[slot], kEmpty));
        release_slot(slot);
        if (timer != nullptr) {
            timer->slot_ = Timer::kIdle;
            --live_;
            return timer;
        }
    }
    return nullptr;
}

void TimerHeap::clear() noexcept {
    for (Slot& slot : slots_) {
        if (Timer* timer = timer_of(std::exchange(slot, kEmpty))) {
            timer->slot_ = Timer::kIdle;
            timer->drop();
        }
    }
    entries_.clear();
    slots_.clear();
    free_slots_.clear();
    due_.clear();
    due_left_ = live_ = cancelled_ = 0;
    note_earliest();
}

// The last entry takes the root's place and would sink to the bottom again, most often: the gap
// does, which takes fewer comparisons, and the entry rises from there.
void TimerHeap::pop_top() noexcept {
    const Entry last = entries_.back();
    entries_.pop_back();
    std::size_t gap = kRoot;
    while (const std::size_t least = least_child(gap)) {
        entries_[gap] = entries_[least];
        gap = least;
    }
    if (has_entries()) {
        sift_up(gap, last);
    }
    note_earliest();
}

// 0 for an entry without children.
inline std::size_t TimerHeap::least_child(std::size_t index) const noexcept {
    const std::size_t first = first_child_of(index);
    if (first >= entries_.size()) {
        return 0;
    }
    // Whichever it is, its children are needed next.
    const std::size_t next = first_child_of(first);
    if (next + kArity * kArity <= entries_.size()) {
        for (std::size_t child = 0; child < kArity; ++child) {
            __builtin_prefetch(&entries_[next + child * kArity]);
        }
    }
    std::size_t least = first;
    const std::size_t last = std::min(first + kArity, entries_.size());
    for (std::size_t child = first + 1; child < last; ++child) {
        if (entries_[child].before(entries_[least])) {
            least = child;
        }
    }
    return least;
}

void TimerHeap::sift_up(std::size_t index, Entry entry) noexcept {
    while (index != kRoot && entry.before(entries_[parent_of(index)])) {
        entries_[index] = entries_[parent_of(index)];
        index = parent_of(index);
    }
    entries_[index] = entry;
}

void TimerHeap::sift_down(std::size_t index, Entry entry) noexcept {
    while (const std::size_t least = least_child(index)) {
        if (!entries_[least].before(entry)) {
            break;
        }
        entries_[index] = entries_[least];
        index = least;
    }
    entries_[index] = entry;
}

void TimerHeap::purge() noexcept {
    std::size_t kept = kRoot;
    for (std::size_t index = kRoot; index < entries_.size(); ++index) {
        const Entry entry = entries_[index];
        if (slots_[entry.slot] != kEmpty) {
            entries_[kept++] = entry;
        } else {
            release_slot(entry.slot);
        }
    }
    entries_.resize(kept);
    cancelled_ = 0;
    for (std::size_t index = kept; index-- > kRoot;) {
        sift_down(index, entries_[index]);
    }
    note_earliest();
}

}  // namespace gyre::detail
