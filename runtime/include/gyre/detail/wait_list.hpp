// WaitList: the tasks that wait for a lock, a queue, an event; and Waiter, one of them.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/task_base.hpp>

#include <coroutine>
#include <cstddef>

namespace gyre::detail {

/// One task's wait. Lies in the waiting frame; a done one (woken or cancelled) may stay in the list
/// until its task runs, as asyncio's waiters do: who comes next depends on it.
class GYRE_API Waiter : public RetryNode, private ListLink {
public:
    Waiter() noexcept : ListLink(NotYet()) {}
    ~Waiter() {
        if (waited()) {
            unlink();
        }
    }

    /// Once it waited: false if the list that it waited in is gone.
    [[nodiscard]] bool linked() const noexcept { return next != this; }
    /// It was given to a list: the awaiting coroutine was suspended.
    [[nodiscard]] bool waited() const noexcept { return task() != nullptr; }
    /// After a wait, leaves the list and waits no more. False if the list was gone already.
    bool leave() noexcept {
        const bool list_lived = linked();
        previous->next = next;
        next->previous = previous;
        forget_task();
        return list_lived;
    }
    [[nodiscard]] bool retry() override { return true; }

private:
    friend class WaitList;
};

/// First come, first woken. Never allocates. Bound to the loop of its first waiter.
class GYRE_API WaitList {
public:
    WaitList() = default;
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;
    /// Tasks that still wait are let go: a cancelled one may come to run after its queue or lock is
    /// gone.
    ~WaitList();

    [[nodiscard]] bool empty() const noexcept { return ring_.next == &ring_; }
    /// How many wait, the woken that have not run yet included.
    [[nodiscard]] std::size_t size() const noexcept;
    /// True if one waits that is not done.
    [[nodiscard]] bool has_pending() const noexcept;

    [[nodiscard]] Waiter* front() const noexcept {
        return empty() ? nullptr : &static_cast<Waiter&>(*ring_.next);
    }
    /// The next one behind `waiter`, or null.
    [[nodiscard]] Waiter* after(const Waiter& waiter) const noexcept {
        const ListLink& link = waiter;
        return link.next == &ring_ ? nullptr : &static_cast<Waiter&>(*link.next);
    }

    /// Suspends the task until the waiter is woken. Throws RuntimeError for a task of another loop
    /// than the first waiter's.
    void wait(Waiter& waiter, std::coroutine_handle<> handle) {
        begin_wait(waiter).suspend_on(static_cast<WaitNode&>(waiter), handle);
    }
    /// The same, and the waiter's retry() is asked at each wake.
    void wait_retrying(Waiter& waiter, std::coroutine_handle<> handle) {
        begin_wait(waiter).suspend_on(static_cast<RetryNode&>(waiter), handle);
    }
    /// Waits again, last in line.
    void append(Waiter& waiter) noexcept { move_to(ring_, waiter); }
    /// For one that waits on, without a list.
    static void remove(Waiter& waiter) noexcept { waiter.unlink(); }

    /// Wakes the first that is not done yet. False if there is none.
    bool wake_first_pending() noexcept;
    /// The same, and takes it and the done ones before it off the list. It stays linked until its
    /// task runs or the list is gone.
    bool wake_and_remove_first() noexcept {
        while (!empty()) {
            auto& waiter = static_cast<Waiter&>(*ring_.next);
            const bool was_done = waiter.done();
            move_to(woken_, *ring_.next);
            if (!was_done) {
                waiter.wake();
                return true;
            }
        }
        return false;
    }
    void wake_and_remove_all() noexcept;
    void wake_all() noexcept;

private:
    [[nodiscard]] TaskBase& begin_wait(Waiter& waiter) {
        TaskBase& task = TaskBase::require_current();
        if (loop_ != &task.loop()) [[unlikely]] {
            bind(task);
        }
        ring_.link_before(waiter);
        return task;
    }
    void bind(TaskBase& task);
    static void move_to(ListLink& ring, ListLink& waiter) noexcept {
        waiter.previous->next = waiter.next;
        waiter.next->previous = waiter.previous;
        ring.link_before(waiter);
    }

    ListLink ring_;
    ListLink woken_;  // off the list, and not resumed yet
    EventLoop* loop_ = nullptr;
};

}  // namespace gyre::detail
