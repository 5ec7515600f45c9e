#include <gyre/task_group.hpp>

#include <iterator>

namespace gyre {

namespace {

enum class Kind { cancelled, exit, ordinary };

Kind kind_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        return Kind::cancelled;
    } catch (const ExitError&) {
        return Kind::exit;
    } catch (...) {
        return Kind::ordinary;
    }
}

// The parent's wait at the end of the block; known to the group meanwhile.
class EndOfChildren final : public detail::WaitNode {
public:
    explicit EndOfChildren(detail::WaitNode*& slot) noexcept : slot_(slot) { slot_ = this; }
    ~EndOfChildren() { slot_ = nullptr; }

private:
    detail::WaitNode*& slot_;
};

}  // namespace

TaskGroup::~TaskGroup() = default;

void TaskGroup::enter() {
    if (parent_ != nullptr) {
        throw RuntimeError("TaskGroup has already been entered");
    }
    if (detail::TaskBase::current() == nullptr) {
        throw RuntimeError(
            "TaskGroup cannot determine the parent task: it is expected to be used inside a task");
    }
    parent_ = detail::TaskBase::current();
    parent_owner_ = detail::TaskRef::share(parent_);
    if (cancel_on_enter_) {
        cancel();
    }
}

void TaskGroup::cancel() {
    if (parent_ == nullptr) {
        cancel_on_enter_ = true;
        return;
    }
    if (exiting_ && children_.empty()) {
        return;
    }
    if (!aborting_) {
        abort();
    }
    cancel_parent();
}

void TaskGroup::cancel_parent() {
    if (!parent_cancel_requested_) {
        parent_cancel_requested_ = true;
        parent_->cancel({});
    }
}

void TaskGroup::check_open() const {
    if (parent_ == nullptr) {
        throw RuntimeError("TaskGroup has not been entered");
    }
    if (exiting_ && children_.empty()) {
        throw RuntimeError("TaskGroup is finished");
    }
    if (aborting_) {
        throw RuntimeError("TaskGroup is shutting down");
    }
}

TaskGroup::Child::~Child() {
    if (task() != nullptr && task()->as_task() != nullptr) {
        task()->as_task()->stop_listening(*this);
    }
}

void TaskGroup::Child::listen_to(detail::FutureBase& task) {
    task_ = detail::FutureRef::share(&task);
    if (task.as_task() == nullptr || !task.as_task()->listen(*this)) {
        listener_ = detail::Listener(task, *this);
    }
}

TaskGroup::Seat::Seat(TaskGroup& group) : group_(group) {
    // Room for each child's error, the body's, and this one's.
    const std::size_t most = group.errors_.size() + group.children_.size() + 2;
    if (most > group.errors_.capacity()) {
        group.errors_.reserve(2 * most);
    }
    place_ = group.children_.emplace(group.children_.end(), group);
    place_->place = place_;
}

TaskGroup::Seat::~Seat() {
    if (!taken_) {
        group_.children_.erase(place_);
    }
}

void TaskGroup::Seat::take(detail::FutureBase& task) {
    place_->listen_to(task);
    taken_ = true;
}

void TaskGroup::abort() {
    aborting_ = true;
    for (const Child& child : children_) {
        if (child.task() != nullptr && !child.task()->done()) {
            child.task()->cancel({});
        }
    }
}

void TaskGroup::child_done(Child& child) {
    const detail::FutureRef task = detail::FutureRef::share(child.task());
    children_.erase(child.place);
    if (waiting_ != nullptr && children_.empty()) {
        waiting_->wake();
    }
    if (task->cancelled()) {
        return;
    }
    const std::exception_ptr error = task->exception();
    if (error == nullptr) {
        return;
    }
    errors_.push_back(error);
    if (exit_error_ == nullptr && kind_of(error) == Kind::exit) {
        exit_error_ = error;
    }
    if (parent_->done()) {
        ExceptionContext context(
            "a task of a TaskGroup has failed but its parent task is already completed", error);
        context.details["task"] = task->describe();
        task->as_task()->report(context);
        return;
    }
    if (!aborting_ && !parent_cancel_requested_) {
        abort();
        cancel_parent();
    }
}

Coro<> TaskGroup::exit(std::exception_ptr error) { co_await finish(error); }

Coro<> TaskGroup::finish(const std::exception_ptr& error_of_body) {
    exiting_ = true;
    std::exception_ptr error = error_of_body;
    std::exception_ptr cancellation;
    if (error != nullptr) {
        const Kind kind = kind_of(error);
        if (kind == Kind::exit && exit_error_ == nullptr) {
            exit_error_ = error;
        }
        if (kind == Kind::cancelled) {
            cancellation = error;
            error = nullptr;
        }
        if (!aborting_) {
            abort();
        }
    }
    // The wait may be cancelled any number of times: by the group itself, or from outside.
    while (!children_.empty()) {
        std::exception_ptr interruption;
        try {
            EndOfChildren end(waiting_);
            detail::NodeAwaiter until_ended(end);
            co_await until_ended;
        } catch (const CancelledError&) {
            interruption = std::current_exception();
        }
        if (interruption != nullptr && !aborting_) {
            cancellation = interruption;
            abort();
        }
    }
    if (exit_error_ != nullptr) {
        std::rethrow_exception(exit_error_);
    }
    if (parent_cancel_requested_ && parent_->uncancel() == 0) {
        cancellation = nullptr;
    }
    if (cancellation != nullptr && errors_.empty()) {
        std::rethrow_exception(cancellation);
    }
    if (error != nullptr) {
        errors_.push_back(error);
    }
    if (!errors_.empty()) {
        if (parent_->cancelling() > 0) {
            // A cancel from outside stays pending beneath the errors, its count as it was.
            parent_->uncancel();
            parent_->cancel({});
        }
        throw ExceptionGroup("unhandled errors in a TaskGroup", std::move(errors_));
    }
}

}  // namespace gyre
