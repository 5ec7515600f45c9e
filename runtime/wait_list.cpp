#include <gyre/detail/wait_list.hpp>
#include <gyre/errors.hpp>

namespace gyre::detail {

WaitList::~WaitList() {
    while (pop_front() != nullptr) {
    }
    if (loop_ != nullptr) {
        loop_->release();
    }
}

std::size_t WaitList::size() const noexcept {
    std::size_t count = 0;
    for (const ListLink* link = ring_.next; link != &ring_; link = link->next) {
        ++count;
    }
    return count;
}

bool WaitList::has_pending() const noexcept {
    for (Waiter* waiter = front(); waiter != nullptr; waiter = after(*waiter)) {
        if (!waiter->done()) {
            return true;
        }
    }
    return false;
}

void WaitList::bind(TaskBase& task) {
    if (loop_ == nullptr) {
        // Kept: a later loop must not be taken for it because it lies at the same address.
        loop_ = &task.loop();
        loop_->retain();
    } else if (loop_ != &task.loop()) {
        throw RuntimeError("this object is bound to a different event loop");
    }
}

void WaitList::wait(Waiter& waiter, std::coroutine_handle<> handle) {
    TaskBase& task = TaskBase::require_current();
    bind(task);
    append(waiter);
    task.suspend_on(static_cast<WaitNode&>(waiter), handle);
}

void WaitList::wait_retrying(Waiter& waiter, std::coroutine_handle<> handle) {
    TaskBase& task = TaskBase::require_current();
    bind(task);
    append(waiter);
    task.suspend_on(static_cast<RetryNode&>(waiter), handle);
}

void WaitList::append(Waiter& waiter) noexcept {
    waiter.previous = ring_.previous;
    waiter.next = &ring_;
    ring_.previous->next = &waiter;
    ring_.previous = &waiter;
}

bool WaitList::wake_and_remove_first() noexcept {
    while (Waiter* waiter = pop_front()) {
        if (!waiter->done()) {
            waiter->wake();
            return true;
        }
    }
    return false;
}

void WaitList::wake_and_remove_all() noexcept {
    while (wake_and_remove_first()) {
    }
}

Waiter* WaitList::pop_front() noexcept {
    Waiter* waiter = front();
    if (waiter != nullptr) {
        waiter->unlink();
    }
    return waiter;
}

bool WaitList::wake_first_pending() noexcept {
    for (Waiter* waiter = front(); waiter != nullptr; waiter = after(*waiter)) {
        if (!waiter->done()) {
            waiter->wake();
            return true;
        }
    }
    return false;
}

void WaitList::wake_all() noexcept {
    for (Waiter* waiter = front(); waiter != nullptr; waiter = after(*waiter)) {
        waiter->wake();
    }
}

}  // namespace gyre::detail
