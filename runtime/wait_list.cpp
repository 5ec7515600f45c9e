#include <gyre/detail/wait_list.hpp>
#include <gyre/errors.hpp>

namespace gyre::detail {

WaitListBase::~WaitListBase() {
    while (ring_.next != &ring_) {
        ring_.next->unlink();
    }
    if (loop_ != nullptr) {
        loop_->release();
    }
}

std::size_t WaitListBase::size_from(const ListLink* first) const noexcept {
    std::size_t count = 0;
    for (const ListLink* link = first; link != &ring_; link = link->next) {
        ++count;
    }
    return count;
}

void WaitListBase::bind(TaskBase& task) {
    if (loop_ == nullptr) {
        // Kept: a later loop must not be taken for it because it lies at the same address.
        loop_ = &task.loop();
        loop_->retain();
    } else {
        throw RuntimeError("this object is bound to a different event loop");
    }
}

}  // namespace gyre::detail
