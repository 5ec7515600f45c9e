#include <gyre/detail/future_base.hpp>
#include <gyre/errors.hpp>

#include <cassert>
#include <optional>

namespace gyre::detail {

// --- hooks --------------------------------------------------------------------------------------

void FutureBase::add_hook(DoneHook& hook) noexcept {
    assert(!hook.linked());
    if (done()) {
        queue_target(hook);
        return;
    }
    hook.future_ = this;
    if (hooks_ == nullptr) {
        hook.next_ = hook.previous_ = &hook;
        hooks_ = &hook;
        return;
    }
    DoneHook* last = hooks_->previous_;
    hook.previous_ = last;
    hook.next_ = hooks_;
    last->next_ = &hook;
    hooks_->previous_ = &hook;
}

void DoneHook::unlink() noexcept {
    if (future_ == nullptr) {
        return;
    }
    if (next_ == this) {
        future_->hooks_ = nullptr;
    } else {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        if (future_->hooks_ == this) {
            future_->hooks_ = next_;
        }
    }
    future_ = nullptr;
}

void FutureBase::queue_hooks() noexcept {
    while (DoneHook* hook = hooks_) {
        hook->unlink();
        queue_target(*hook);
    }
}

// --- outcome ------------------------------------------------------------------------------------

void FutureBase::fail(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    report_ = !quiet_;
    complete(State::failed);
}

void FutureBase::fail_by_cancel(std::exception_ptr error) noexcept {
    failed_by_cancel_ = true;
    error_ = error != nullptr ? std::move(error) : std::make_exception_ptr(CancelledError());
    complete(State::failed);
}

void FutureBase::become_cancelled(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    complete(State::cancelled);
}

bool FutureBase::cancel_plain(std::string_view message) {
    mark_retrieved();
    if (done()) {
        return false;
    }
    become_cancelled(
        message.empty() ? nullptr : std::make_exception_ptr(CancelledError(std::string(message))));
    return true;
}

std::exception_ptr FutureBase::cancelled_error() const {
    return error_ != nullptr ? error_ : std::make_exception_ptr(CancelledError());
}

std::exception_ptr FutureBase::exception() {
    if (state_ == State::finished) {
        return nullptr;
    }
    std::exception_ptr error = retrieve_error();
    if (state_ == State::cancelled) {
        std::rethrow_exception(std::move(error));
    }
    return error;
}

std::exception_ptr FutureBase::retrieve_error() {
    if (!done()) {
        throw InvalidStateError("the " + std::string(kind()) + "'s outcome is not ready yet");
    }
    report_ = false;
    return cancelled() ? cancelled_error() : error_;
}

void FutureBase::throw_not_pending() const {
    throw InvalidStateError("the future has an outcome already: " + describe());
}

// --- life ---------------------------------------------------------------------------------------

void FutureBase::drop_hooks() noexcept {
    while (DoneHook* hook = hooks_) {
        hook->unlink();
        hook->target().drop();
    }
}

void FutureBase::report_last() noexcept {
    references_ = 1;  // the report may look at us
    report_unretrieved();
}

void FutureBase::report_unretrieved() noexcept {
    try {
        ExceptionContext context(std::string(kind()) + " exception was never retrieved", error_);
        context.details["future"] = describe();
        std::optional<ContextScope> scope;
        if (ContextBox* box = report_context()) {
            scope.emplace(*box);
        }
        if (loop_->is_closed()) {
            loop_->default_exception_handler(context);
        } else {
            loop_->call_exception_handler(context);
        }
    } catch (...) {
        // A destructor has nobody to tell.
    }
}

std::string FutureBase::state_text() const {
    switch (state_) {
        case State::pending:
            return "pending";
        case State::finished:
            return "finished";
        case State::cancelled:
            return "cancelled";
        default:
            return "finished exception=" + gyre::describe(error_);
    }
}

std::string FutureBase::describe() const { return "<Future " + state_text() + ">"; }

}  // namespace gyre::detail
