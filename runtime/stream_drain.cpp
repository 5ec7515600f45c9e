#include <gyre/detail/stream_drain.hpp>

#include <system_error>
#include <utility>

namespace gyre::detail {

void StreamDrain::Awaiter::await_suspend(std::coroutine_handle<> handle) {
    state().drainers().wait(*this, handle);
    if (state().transport()->is_closing()) {
        // connection_lost() may be on its way: without this, a loop of write() and drain() would
        // never let it come.
        yielding_ = true;
        RetryWaitList::remove(*this);
        wake();
    }
}

void StreamDrain::Awaiter::run() {
    if (must_resume() || !yielding_ || state().is_lost() || !state().is_writing_paused()) {
        resume_task();
    } else {
        yielding_ = false;
        wait_again();
        state().drainers().append(*this);
    }
}

void StreamDrain::Awaiter::resume_after_wait() {
    leave();
    step.task->check_cancelled(*this);
    if (!yielding_) {
        state().check_lost();
    } else if (state().is_lost()) {
        throw std::system_error(std::make_error_code(std::errc::connection_reset),
                                "drain: the connection is lost");
    }
}

}  // namespace gyre::detail
