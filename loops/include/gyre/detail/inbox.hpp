// Inbox: what other threads hand to a loop.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/ready_queue.hpp>

#include <atomic>
#include <memory>

namespace gyre {
class EventLoop;
}

namespace gyre::detail {

/// A lock-free stack that any thread pushes to and the loop takes whole. It outlives the loop for
/// whoever still holds it: a worker that ends after the loop was closed is told so.
class GYRE_API Inbox {
public:
    explicit Inbox(EventLoop& loop) noexcept : loop_(&loop) {}
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    /// Any thread. Takes the node over and wakes the loop; false if the loop is closed, and the
    /// node is the caller's again.
    [[nodiscard]] bool post(Ready& node) noexcept;

    /// Any thread, also from a signal handler: wakes the loop if it sleeps.
    void wake() noexcept;

    // The rest is for the loop's own thread.

    [[nodiscard]] bool empty() const noexcept {
        return head_.load(std::memory_order_acquire) == nullptr;
    }

    /// Moves everything posted so far to the queue, in the order of posting.
    void take(ReadyQueue& ready) noexcept;

    /// Announces that the loop is about to wait. False if it must not: something was posted.
    [[nodiscard]] bool begin_sleep() noexcept;
    void end_sleep() noexcept;

    /// Refuses posts from now on, drops what is there, and returns when no thread is waking the
    /// loop.
    void close() noexcept;

private:
    // awake: the loop runs, it will look at the inbox by itself.
    // asleep: the loop waits or is about to; the first poster makes it `waking` and wakes it.
    // waking: a poster is inside EventLoop::wake(); the loop must not be closed meanwhile.
    enum State : int { awake, asleep, waking };

    std::atomic<Ready*> head_{nullptr};
    std::atomic<int> state_{awake};
    EventLoop* loop_;
};

}  // namespace gyre::detail
