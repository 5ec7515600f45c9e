#include <gyre/detail/inbox.hpp>
#include <gyre/event_loop.hpp>

#include <thread>

namespace gyre::detail {

namespace {

// Marks a closed inbox; never run.
struct Closed final : Ready {
    void run() override {}
};

Ready* closed_mark() noexcept {
    static Closed mark;
    return &mark;
}

}  // namespace

bool Inbox::post(Ready& node) noexcept {
    Ready* head = head_.load(std::memory_order_relaxed);
    do {
        if (head == closed_mark()) {
            return false;
        }
        node.next_ = head;
    } while (!head_.compare_exchange_weak(head, &node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    if (head == nullptr) {
        wake();  // whoever found it empty wakes; the others know that somebody did
    }
    return true;
}

void Inbox::wake() noexcept {
    int expected = asleep;
    if (state_.load(std::memory_order_seq_cst) == asleep &&
        state_.compare_exchange_strong(expected, waking, std::memory_order_seq_cst)) {
        loop_->wake();
        state_.store(awake, std::memory_order_release);
    }
}

void Inbox::take(ReadyQueue& ready) noexcept {
    if (empty()) {
        return;
    }
    Ready* posted = head_.exchange(nullptr, std::memory_order_acquire);
    Ready& last = *posted;
    Ready* in_order = nullptr;
    while (posted != nullptr) {
        Ready* next = posted->next_;
        posted->next_ = in_order;
        in_order = posted;
        posted = next;
    }
    ready.append(*in_order, last);
}

bool Inbox::begin_sleep() noexcept {
    int expected = awake;
    if (!state_.compare_exchange_strong(expected, asleep, std::memory_order_seq_cst)) {
        return false;  // the last waker has not left yet
    }
    if (head_.load(std::memory_order_seq_cst) != nullptr) {
        end_sleep();
        return false;
    }
    return true;
}

void Inbox::end_sleep() noexcept {
    int expected = asleep;
    state_.compare_exchange_strong(expected, awake, std::memory_order_seq_cst);
}

void Inbox::close() noexcept {
    Ready* posted = head_.exchange(closed_mark(), std::memory_order_acquire);
    if (posted != closed_mark()) {
        while (posted != nullptr) {
            Ready* next = posted->next_;
            posted->drop();
            posted = next;
        }
    }
    while (state_.load(std::memory_order_acquire) == waking) {
        std::this_thread::yield();
    }
}

}  // namespace gyre::detail
