#include <gyre/detail/done_waiter.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/detail/pool.hpp>
#include <gyre/task_group.hpp>

#include <utility>

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

// A task of the group, in one of its rings: that of the tasks not done, then, if it has failed,
// that of the errors. So a task's end needs no memory.
class TaskGroup::Child final : public detail::Listener::Owner,
                               public detail::ListLink,
                               public detail::Pooled {
public:
    explicit Child(TaskGroup& group) noexcept : ListLink(NotYet()), group_(group) {
        group.children_.link_before(*this);
    }
    ~Child() { unlink(); }

    void listen_to(detail::TaskBase& task) {
        task_ = detail::TaskRef::share(&task);
        if (!task.listen(*this)) {
            listener_ = detail::Listener(task, *this);
        } else if (!task.done()) {
            ++group_.unfinished_;
        }
    }
    void stop_listening() noexcept {
        if (task_) {
            task_->stop_listening(*this);
        }
    }
    /// Null while the task is being made, and when it has failed.
    [[nodiscard]] const detail::TaskRef& task() const noexcept { return task_; }

    void fail(std::exception_ptr error) noexcept {
        unlink();
        group_.failed_.link_before(*this);
        task_ = {};
        error_ = std::move(error);
    }
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

private:
    void heard(detail::FutureBase& /*source*/, std::size_t /*index*/) override {
        group_.child_done(*this);
    }
    // Nothing can come of it: the block waits for another, which is heard later, in any case.
    bool wants_to_hear(const detail::FutureBase& source) noexcept override {
        if (--group_.unfinished_ == 0 || source.state() == detail::FutureBase::State::failed) {
            return true;
        }
        delete this;
        return false;
    }

    TaskGroup& group_;
    detail::TaskRef task_;
    detail::Listener listener_;
    std::exception_ptr error_;
};

TaskGroup::~TaskGroup() {
    for (detail::ListLink* ring : {&children_, &failed_}) {
        while (ring->next != ring) {
            auto* const child = static_cast<Child*>(ring->next);
            child->stop_listening();
            delete child;
        }
    }
}

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
    open_ = true;
    if (cancel_on_enter_) {
        cancel();
    }
}

void TaskGroup::cancel() {
    if (parent_ == nullptr) {
        cancel_on_enter_ = true;
        return;
    }
    if (exiting_ && empty()) {
        return;
    }
    if (!aborting_) {
        abort();
        cancel_parent();
    }
}

void TaskGroup::cancel_parent() {
    if (!parent_cancel_requested_) {
        parent_cancel_requested_ = true;
        parent_->cancel({});
    }
}

TaskGroup::Child& TaskGroup::add_child() {
    if (!open_) [[unlikely]] {
        check_open();
    }
    return *new Child(*this);
}

void TaskGroup::listen_to(detail::TaskBase& task, Child& child) {
    child.listen_to(task);
    if (aborting_ && !task.done()) [[unlikely]] {  // by itself, in an eager first step
        task.cancel({});
    }
}

void TaskGroup::forget(Child& child) noexcept { delete &child; }

void TaskGroup::check_open() const {
    if (parent_ == nullptr) {
        throw RuntimeError("TaskGroup has not been entered");
    }
    if (exiting_ && empty()) {
        throw RuntimeError("TaskGroup is finished");
    }
    if (aborting_) {
        throw RuntimeError("TaskGroup is shutting down");
    }
}

void TaskGroup::abort() {
    aborting_ = true;
    open_ = false;
    for (const detail::ListLink* link = children_.next; link != &children_; link = link->next) {
        const detail::TaskRef& task = static_cast<const Child*>(link)->task();
        if (task && !task->done()) {
            task->cancel({});
        }
    }
}

void TaskGroup::child_done(Child& child) {
    const detail::TaskRef task = child.task();
    std::exception_ptr error;
    if (task->state() == detail::FutureBase::State::failed) {
        error = task->exception();
        child.fail(error);
    } else {
        delete &child;
    }
    if (waiting_ != nullptr && empty()) {
        waiting_->wake();
    }
    if (error == nullptr) {
        return;
    }
    if (exit_error_ == nullptr && kind_of(error) == Kind::exit) {
        exit_error_ = error;
    }
    if (parent_->done()) {
        ExceptionContext context(
            "a task of a TaskGroup has failed but its parent task is already completed", error);
        context.details["task"] = task->describe();
        task->report(context);
        return;
    }
    if (!aborting_ && !parent_cancel_requested_) {
        abort();
        cancel_parent();
    }
}

std::vector<std::exception_ptr> TaskGroup::errors_of_children() const {
    std::vector<std::exception_ptr> errors;
    for (const detail::ListLink* link = failed_.next; link != &failed_; link = link->next) {
        errors.push_back(static_cast<const Child*>(link)->error());
    }
    return errors;
}

void TaskGroup::report_errors_of_children() const {
    for (const std::exception_ptr& error : errors_of_children()) {
        ExceptionContext context(
            "TaskGroup task exception was not propagated because the TaskGroup body is being "
            "closed with an ExitError",
            error);
        parent_->report(context);
    }
}

Coro<> TaskGroup::exit(std::exception_ptr error) { co_await finish(error); }

Coro<> TaskGroup::finish(const std::exception_ptr& error_of_body) {
    if (parent_ == nullptr) {
        throw RuntimeError("TaskGroup has not been entered");
    }
    exiting_ = true;
    open_ = false;
    std::exception_ptr error = error_of_body;
    std::exception_ptr cancellation;
    std::exception_ptr interruption;  // the latest
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
    while (!empty()) {
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
        report_errors_of_children();
        std::rethrow_exception(exit_error_);
    }
    if (parent_cancel_requested_) {
        if (parent_->uncancel() == 0) {
            cancellation = nullptr;
        } else if (cancellation == nullptr) {  // what is left is a request from outside
            cancellation = interruption;
        }
    }
    std::vector<std::exception_ptr> errors = errors_of_children();
    if (cancellation != nullptr && errors.empty()) {
        std::rethrow_exception(cancellation);
    }
    if (error != nullptr) {
        errors.push_back(error);
    }
    if (!errors.empty()) {
        if (parent_->cancelling() > 0) {
            // A cancel from outside stays pending beneath the errors, its count as it was.
            parent_->uncancel();
            parent_->cancel({});
        }
        throw ExceptionGroup("unhandled errors in a TaskGroup", std::move(errors));
    }
}

}  // namespace gyre
