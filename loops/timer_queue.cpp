#include <gyre/detail/timer_queue.hpp>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace gyre::detail {

namespace {
constexpr std::size_t kPurgeAbove = 100;
constexpr std::size_t kPrefetched = 8;  // timers due that are brought in ahead of their turn
constexpr std::size_t kMostInHeap = 1024;
}  // namespace

void TimerQueue::add(Timer& timer, Time when) {
    if (cancelled() > kPurgeAbove && cancelled() > live_) {
        purge();
    }
    if (sequence_ == std::numeric_limits<std::uint32_t>::max()) {
        renumber();
    }
    if (free_slots_.empty()) {
        reserve_slot();
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = reinterpret_cast<Slot>(&timer);
    timer.slot_ = slot;
    ++live_;
    const TimerEntry entry{when, sequence_++, slot};
    if (when < pile_.begin() && heap_.size() == kMostInHeap) {
        move_to_pile();
    }
    if (when < pile_.begin()) {
        push(entry);
    } else {
        pile_.add(entry);
    }
    note_earliest();
}

// Everything that can throw: a failed add leaves no trace.
void TimerQueue::reserve_slot() {
    if (slots_.size() == slots_.capacity()) {
        const std::size_t more = std::max<std::size_t>(16, slots_.size() * 2);
        heap_.reserve(std::min(more, kMostInHeap));
        free_slots_.reserve(more);
        due_.reserve(more);
        slots_.reserve(more);
        if (more > kMostInHeap) {
            pile_.reserve(more);  // last: glibc keeps blocks of the size of one it got back
        }
    }
    slots_.push_back(kEmpty);
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
}

void TimerQueue::cancel(Timer& timer) noexcept {
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

void TimerQueue::expire_entries(Time now) noexcept {
    const std::size_t noted = due_.size();
    while (!heap_.empty() && expires(now)) {
        const std::uint32_t slot = heap_.front().slot;
        __builtin_prefetch(&slots_[slot]);
        due_.push_back(slot);
        pop();
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

Timer* TimerQueue::take_due() noexcept {
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
        free_slots_.push_back(slot);
        if (timer != nullptr) {
            timer->slot_ = Timer::kIdle;
            --live_;
            return timer;
        }
    }
    return nullptr;
}

void TimerQueue::clear() noexcept {
    for (Slot& slot : slots_) {
        if (Timer* timer = timer_of(std::exchange(slot, kEmpty))) {
            timer->slot_ = Timer::kIdle;
            timer->drop();
        }
    }
    heap_.clear();
    pile_.clear();
    slots_.clear();
    free_slots_.clear();
    due_.clear();
    due_left_ = live_ = cancelled_ = 0;
    earliest_ = Time::max();
}

inline void TimerQueue::push(const TimerEntry& entry) noexcept {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), std::greater());
}

void TimerQueue::pop() noexcept {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater());
    heap_.pop_back();
    note_earliest();
}

void TimerQueue::note_earliest() noexcept {
    if (heap_.empty()) {
        refill();
    }
    earliest_ = heap_.empty() ? Time::max() : heap_.front().when;
}

void TimerQueue::refill() noexcept {
    while (heap_.empty() && !pile_.empty()) {
        pile_.take_nearest(kMostInHeap / 2, [this](const TimerEntry& entry) {
            if (!drop_if_cancelled(entry)) {
                push(entry);
            }
        });
    }
}

void TimerQueue::move_to_pile() noexcept {
    const auto middle = heap_.begin() + kMostInHeap / 2;
    std::nth_element(heap_.begin(), middle, heap_.end());
    pile_.add_nearest({middle, heap_.end()});
    heap_.erase(middle, heap_.end());
    std::make_heap(heap_.begin(), heap_.end(), std::greater());
}

void TimerQueue::renumber() noexcept {
    std::sort(heap_.begin(), heap_.end());
    sequence_ = 0;
    for (TimerEntry& entry : heap_) {
        entry.sequence = sequence_++;
    }
    pile_.renumber(sequence_);
    sequence_ += static_cast<std::uint32_t>(pile_.size());
}

void TimerQueue::purge() noexcept {
    const auto must_go = [this](const TimerEntry& entry) { return drop_if_cancelled(entry); };
    std::erase_if(heap_, must_go);
    std::make_heap(heap_.begin(), heap_.end(), std::greater());
    pile_.remove_if(must_go);
    note_earliest();
}

}  // namespace gyre::detail
