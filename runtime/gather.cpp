#include <gyre/detail/gather_base.hpp>
#include <gyre/errors.hpp>

namespace gyre::detail {

GatherBase::GatherBase(EventLoop& loop, std::vector<FutureRef> children, bool return_exceptions)
    : FutureBase(loop), SeveralFutures(std::move(children)), return_exceptions_(return_exceptions) {
    for (const FutureRef& each : futures()) {
        if (&each->loop() != &loop) {
            throw ValueError("the futures given to gather() belong to different loops");
        }
    }
}

void GatherBase::begin() {
    std::vector<FutureBase*> over;
    for (const FutureRef& each : futures()) {
        if (each->done()) {
            over.push_back(each.get());
        } else {
            listen_to(*each);
        }
    }
    if (futures().empty()) {
        collect();
    }
    for (FutureBase* child : over) {
        heard(*child, 0);
    }
}

bool GatherBase::cancel(std::string_view message) {
    if (done() || visiting_) {
        return false;
    }
    visiting_ = true;
    bool any = false;
    for (const FutureRef& each : futures()) {
        any = each->cancel(message) || any;
    }
    visiting_ = false;
    cancel_requested_ = cancel_requested_ || any;
    return any;
}

bool GatherBase::wants_to_hear(const FutureBase& child) noexcept {
    return is_to_be_heard(!return_exceptions_ && child.state() != State::finished);
}

void GatherBase::heard(FutureBase& child, std::size_t /*index*/) {
    const bool is_last = count_down();
    if (done()) {
        child.mark_retrieved();
        return;
    }
    if (!return_exceptions_ && child.state() != State::finished) {
        fail_like(child);
        return;
    }
    if (!is_last) {
        return;
    }
    if (cancel_requested_) {
        for (const FutureRef& each : futures()) {
            each->mark_retrieved();
        }
        fail_by_cancel(cancelled_error_of_last());
        return;
    }
    try {
        collect();
    } catch (...) {
        fail(std::current_exception());
    }
}

// asyncio takes the message of the last argument, whoever ended last, and though it may have
// ended otherwise.
std::exception_ptr GatherBase::cancelled_error_of_last() const {
    FutureBase& last = *futures().back();
    if (last.cancelled()) {
        return last.cancelled_error();
    }
    const TaskBase* const task = last.as_task();
    return task == nullptr ? nullptr : task->latest_request();
}

// The others run on, and nobody will ask them for their errors.
void GatherBase::fail_like(FutureBase& child) {
    for (const FutureRef& each : futures()) {
        each->never_report();
    }
    if (child.cancelled()) {
        fail_by_cancel(child.cancelled_error());
        return;
    }
    const std::exception_ptr error = child.exception();
    if (child.failed_by_cancel()) {
        fail_by_cancel(error);
    } else {
        fail(error);
    }
}

}  // namespace gyre::detail
