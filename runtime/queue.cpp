#include <gyre/errors.hpp>
#include <gyre/queue.hpp>

namespace gyre::detail {

void QueueBase::task_done() {
    if (unfinished_ == 0) {
        throw ValueError("task_done() called more often than items were put");
    }
    if (--unfinished_ == 0) {
        finished_.set();
    }
}

void QueueBase::throw_gone() {
    throw RuntimeError("the queue was destroyed while a task waited for it");
}

void QueueBase::throw_no_room() const {
    if (shutdown_) {
        throw QueueShutDown();
    }
    throw QueueFull();
}

void QueueBase::throw_no_item() const {
    if (shutdown_) {
        throw QueueShutDown();
    }
    throw QueueEmpty();
}

void QueueBase::items_were_dropped(std::size_t count) {
    unfinished_ -= std::min(unfinished_, count);
    if (unfinished_ == 0) {
        finished_.set();
    }
}

void QueueBase::set_shutdown() noexcept {
    getters_.wake_all();
    putters_.wake_all();
}

}  // namespace gyre::detail
