#include <gyre/detail/fd_ready.hpp>

#include <utility>

namespace gyre::detail {

void FdReady::await_suspend(std::coroutine_handle<> handle) {
    TaskBase& task = TaskBase::require_current();
    EventLoop& loop = task.loop();
    const auto on_ready = [this] { wake(); };
    watch_ = writable_ ? loop.add_writer(fd_, on_ready) : loop.add_reader(fd_, on_ready);
    loop_ = &loop;
    task.suspend_on(static_cast<WaitNode&>(*this), handle);
}

void FdReady::await_resume() {
    forget();
    step.task->check_cancelled(*this);
}

void FdReady::forget() noexcept {
    EventLoop* const loop = std::exchange(loop_, nullptr);
    if (loop == nullptr || watch_.cancelled()) {
        return;  // somebody else's callback has taken the place
    }
    if (writable_) {
        loop->remove_writer(fd_);
    } else {
        loop->remove_reader(fd_);
    }
}

}  // namespace gyre::detail
