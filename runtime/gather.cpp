#include <gyre/detail/gather_base.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>

namespace gyre::detail {

GatherBase::GatherBase(EventLoop& loop, std::vector<FutureRef> children, bool return_exceptions)
    : FutureBase(loop), children_(std::move(children)), return_exceptions_(return_exceptions) {
    for (const FutureRef& each : children_) {
        if (&each->loop() != &loop) {
            throw ValueError("the futures given to gather() belong to different loops");
        }
    }
}

GatherBase::~GatherBase() {
    if (finished_ == children_.size()) {
        return;
    }
    for (const FutureRef& each : children_) {
        if (TaskBase* task = each->as_task()) {
            task->stop_listening(*this);
        }
    }
}

void GatherBase::begin() {
    std::vector<FutureBase*> over;
    for (const FutureRef& each : children_) {
        TaskBase* const task = each->as_task();
        if (each->done()) {
            over.push_back(each.get());
        } else if (task != nullptr && task->listen(*this)) {
            ++unfinished_;
        } else {
            listeners_.push_back(Listener(*each, *this));
        }
    }
    if (children_.empty()) {
        collect();
    }
    for (FutureBase* child : over) {
        heard(*child, 0);
    }
}

bool GatherBase::cancel(std::string_view message) {
    mark_retrieved();
    if (done() || visiting_) {
        return false;
    }
    visiting_ = true;
    bool any = false;
    for (const FutureRef& each : children_) {
        any = each->cancel(message) || any;
    }
    visiting_ = false;
    cancel_requested_ = cancel_requested_ || any;
    return any;
}

// Nothing can come of it: the outcome waits for another, which is heard later, in any case.
bool GatherBase::wants_to_hear(const FutureBase& child) noexcept {
    if (--unfinished_ == 0 || (!return_exceptions_ && child.state() != State::finished)) {
        return true;
    }
    ++finished_;
    return false;
}

void GatherBase::heard(FutureBase& child, std::size_t /*index*/) {
    ++finished_;
    if (done()) {
        child.mark_retrieved();
        return;
    }
    if (!return_exceptions_ && child.state() != State::finished) {
        fail_like(child);
        return;
    }
    if (finished_ < children_.size()) {
        return;
    }
    if (cancel_requested_) {
        for (const FutureRef& each : children_) {
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
    FutureBase& last = *children_.back();
    if (last.cancelled()) {
        return last.cancelled_error();
    }
    const TaskBase* const task = last.as_task();
    return task == nullptr ? nullptr : task->latest_request();
}

// The others run on, and nobody will ask them for their errors.
void GatherBase::fail_like(FutureBase& child) {
    for (const FutureRef& each : children_) {
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
