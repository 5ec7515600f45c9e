// WaitList: the tasks that wait for a lock, a queue, an event; and Waiter, one of them.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/list_link.hpp>
#include <gyre/detail/task_base.hpp>

#include <coroutine>
#include <cstddef>

namespace gyre::detail {

/// One task's wait in a list. Lies in the waiting frame; a done one (woken or cancelled) may stay
/// in the list until its task runs, as asyncio's waiters do: who comes next depends on it.
template <class Node>
class ListedWait : public Node, private ListLink {
public:
    ListedWait() noexcept : ListLink(NotYet()) {}

    /// Once it waited: false if the list that it waited in is gone.
    [[nodiscard]] bool linked() const noexcept { return next != this; }
    /// It was given to a list: the awaiting coroutine was suspended.
    [[nodiscard]] bool waited() const noexcept { return this->task() != nullptr; }
    /// After a wait, leaves the list and waits no more. False if the list was gone already.
    bool leave() noexcept {
        const bool list_lived = linked();
        previous->next = next;
        next->previous = previous;
        this->forget_task();
        return list_lived;
    }

protected:
    ~ListedWait() = default;

private:
    friend class WaitListBase;
    friend class TurnList;
    template <class>
    friend class BasicWaitList;
};

/// … whose task is resumed when it is woken.
class Waiter final : public ListedWait<WaitNode> {
public:
    Waiter() = default;
    ~Waiter() {
        if (waited()) {
            leave();
        }
    }
};

/// … which looks when it is woken. Its heir sees to it that it leaves.
class RetryWaiter : public ListedWait<RetryNode> {
protected:
    RetryWaiter() = default;
    ~RetryWaiter() = default;
};

/// What lists of both have in common.
class GYRE_API WaitListBase {
public:
    WaitListBase(const WaitListBase&) = delete;
    WaitListBase& operator=(const WaitListBase&) = delete;

    [[nodiscard]] bool empty() const noexcept { return ring_.next == &ring_; }
    /// Somebody may be woken: in debug mode throws RuntimeError on another thread than the loop's.
    void check_thread() const {
        if (!empty()) {
            loop_->check_thread();
        }
    }

protected:
    WaitListBase() = default;
    /// Tasks that still wait are let go: a cancelled one may come to run after its queue or lock is
    /// gone.
    ~WaitListBase();

    [[nodiscard]] TaskBase& begin_wait(ListLink& waiter) {
        TaskBase& task = TaskBase::require_current();
        if (loop_ != &task.loop()) [[unlikely]] {
            bind(task);
        }
        ring_.link_before(waiter);
        return task;
    }
    [[nodiscard]] std::size_t size_from(const ListLink* first) const noexcept;
    void move_to_end(ListLink& waiter) noexcept {
        waiter.previous->next = waiter.next;
        waiter.next->previous = waiter.previous;
        ring_.link_before(waiter);
    }

    ListLink ring_;
    EventLoop* loop_ = nullptr;  // once one has waited

private:
    void bind(TaskBase& task);
};

/// First come, first woken. Never allocates. Bound to the loop of its first waiter.
template <class W>
class BasicWaitList : public WaitListBase {
public:
    /// How many wait, the woken that have not run yet included.
    [[nodiscard]] std::size_t size() const noexcept { return size_from(ring_.next); }
    [[nodiscard]] W* front() const noexcept { return empty() ? nullptr : &waiter_of(*ring_.next); }
    /// The next one behind `waiter`, or null.
    [[nodiscard]] W* after(const W& waiter) const noexcept {
        const ListLink& link = waiter;
        return link.next == &ring_ ? nullptr : &waiter_of(*link.next);
    }

    /// Suspends the task until the waiter is woken. Throws RuntimeError for a task of another loop
    /// than the first waiter's.
    void wait(W& waiter, std::coroutine_handle<> handle) {
        begin_wait(waiter).suspend_on(waiter, handle);
    }
    /// Waits again, last in line.
    void append(W& waiter) noexcept { move_to_end(waiter); }
    /// For one that waits on, without a list.
    static void remove(W& waiter) noexcept { waiter.unlink(); }

    /// Wakes the first, unless it is done or there is none.
    void wake_front() noexcept {
        if (!empty()) {
            waiter_of(*ring_.next).wake_on(*loop_);
        }
    }
    /// Wakes the first that is not done yet. False if there is none.
    bool wake_first_pending() noexcept {
        for (W* waiter = front(); waiter != nullptr; waiter = after(*waiter)) {
            if (!waiter->done()) {
                waiter->wake_on(*loop_);
                return true;
            }
        }
        return false;
    }
    void wake_all() noexcept {
        for (W* waiter = front(); waiter != nullptr; waiter = after(*waiter)) {
            waiter->wake_on(*loop_);
        }
    }

private:
    [[nodiscard]] static W& waiter_of(ListLink& link) noexcept { return static_cast<W&>(link); }
};

using WaitList = BasicWaitList<Waiter>;
using RetryWaitList = BasicWaitList<RetryWaiter>;

/// Those who wait for a turn: each is woken once, and counts no more from then on. It stays linked,
/// before those who are still to be woken, until its task runs or the list is gone.
class GYRE_API TurnList : public WaitListBase {
public:
    void wait(RetryWaiter& waiter, std::coroutine_handle<> handle) {
        TaskBase& task = begin_wait(waiter);
        note_last(waiter);
        task.suspend_on(waiter, handle);
    }
    /// One that was woken waits again, last in line.
    void append(RetryWaiter& waiter) noexcept {
        move_to_end(waiter);
        note_last(waiter);
    }
    /// One that was not woken is about to leave.
    void give_up_turn(RetryWaiter& waiter) noexcept {
        if (first_ == &link_of(waiter)) {
            first_ = first_->next;
        }
    }
    /// Wakes the first that is not done yet. False if there is none.
    bool wake_next() noexcept {
        while (first_ != &ring_) {
            auto& waiter = static_cast<RetryWaiter&>(*first_);
            first_ = first_->next;
            if (!waiter.done()) {
                waiter.wake_on(*loop_);
                return true;
            }
        }
        return false;
    }
    void wake_all() noexcept {
        while (wake_next()) {
        }
    }
    /// How many wait and have not been woken.
    [[nodiscard]] std::size_t size() const noexcept { return size_from(first_); }

private:
    [[nodiscard]] static ListLink& link_of(RetryWaiter& waiter) noexcept { return waiter; }
    void note_last(RetryWaiter& waiter) noexcept {
        if (first_ == &ring_) {
            first_ = &link_of(waiter);
        }
    }

    ListLink* first_ = &ring_;  // to be woken
};

}  // namespace gyre::detail
