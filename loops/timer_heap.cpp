#include <gyre/detail/timer_heap.hpp>

#include <algorithm>
#include <utility>

namespace gyre::detail {

namespace {
constexpr std::size_t kArity = 4;
constexpr std::size_t kPurgeAbove = 100;
}  // namespace

void TimerHeap::add(Timer& timer, Time when) {
    if (cancelled() > kPurgeAbove && cancelled() > live_) {
        purge();
    }
    if (free_slots_.empty()) {
        // Everything that can throw comes first: a failed add leaves no trace.
        if (slots_.size() == slots_.capacity()) {
            const std::size_t more = std::max<std::size_t>(16, slots_.size() * 2);
            free_slots_.reserve(more);
            due_.reserve(more);
            slots_.reserve(more);
        }
        entries_.emplace_back();
        slots_.push_back(kEmpty);
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    } else {
        entries_.emplace_back();
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = reinterpret_cast<Slot>(&timer);
    timer.slot_ = slot;
    ++live_;
    const Entry entry{when, sequence_++, slot};
    std::size_t index = entries_.size() - 1;
    while (index > 0) {
        const std::size_t parent = (index - 1) / kArity;
        if (!entry.before(entries_[parent])) {
            break;
        }
        entries_[index] = entries_[parent];
        index = parent;
    }
    entries_[index] = entry;
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
    while (next() <= now && !entries_.empty()) {
        const std::uint32_t slot = entries_.front().slot;
        __builtin_prefetch(timer_of(slots_[slot]));
        slots_[slot] |= kDue;
        due_.push_back(slot);
        ++due_left_;
        pop_top();
    }
}

Timer* TimerHeap::take_due() noexcept {
    while (has_due()) {
        const std::uint32_t slot = due_[due_.size() - due_left_];
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

void TimerHeap::pop_top() noexcept {
    const Entry last = entries_.back();
    entries_.pop_back();
    if (!entries_.empty()) {
        sift_down(0, last);
    }
    note_earliest();
}

void TimerHeap::sift_down(std::size_t index, Entry entry) noexcept {
    const std::size_t count = entries_.size();
    for (;;) {
        const std::size_t first = index * kArity + 1;
        if (first >= count) {
            break;
        }
        std::size_t least = first;
        const std::size_t last = std::min(first + kArity, count);
        for (std::size_t child = first + 1; child < last; ++child) {
            if (entries_[child].before(entries_[least])) {
                least = child;
            }
        }
        if (!entries_[least].before(entry)) {
            break;
        }
        entries_[index] = entries_[least];
        index = least;
    }
    entries_[index] = entry;
}

void TimerHeap::purge() noexcept {
    std::size_t kept = 0;
    for (const Entry& entry : entries_) {
        if (slots_[entry.slot] != kEmpty) {
            entries_[kept++] = entry;
        } else {
            release_slot(entry.slot);
        }
    }
    entries_.resize(kept);
    cancelled_ = 0;
    for (std::size_t index = kept / kArity + 1; index-- > 0;) {
        if (index < kept) {
            sift_down(index, entries_[index]);
        }
    }
    note_earliest();
}

}  // namespace gyre::detail
