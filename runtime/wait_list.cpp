#include <gyre/detail/wait_list.hpp>
#include <gyre/errors.hpp>

namespace gyre::detail {

WaitList::~WaitList() {
    for (ListLink* ring : {&ring_, &woken_}) {
        while (ring->next != ring) {
            static_cast<Waiter*>(ring->next)->unlink();
        }
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
    } else {
        throw RuntimeError("this object is bound to a different event loop");
    }
}

void WaitList::wake_and_remove_all() noexcept {
    while (wake_and_remove_first()) {
    }
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
