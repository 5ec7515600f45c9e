#include <gyre/future.hpp>

#include <string>

namespace gyre::detail {

void throw_await_fault(AwaitFault fault, const FutureBase& future) {
    if (fault == AwaitFault::itself) {
        throw RuntimeError("Task cannot await on itself: " + future.describe());
    }
    throw RuntimeError(future.describe() + " is attached to a different loop");
}

void throw_no_future() { throw RuntimeError("this handle refers to no future"); }

void throw_task_outcome() {
    throw RuntimeError("a task sets its own outcome: set_result and set_exception are for futures");
}

// --- done-callbacks -----------------------------------------------------------------------------

FutureCallback::FutureCallback(FutureBase& future) noexcept
    : future_(future), context_{copy_current_context()} {
    GYRE_THREAD_LOCAL static std::uint64_t last = 0;
    id_ = ++last;
    hook_.set_keeping_target(*this);
}

FutureCallback::~FutureCallback() = default;

void FutureCallback::run() {
    const FutureRef future(&future_);  // completion left us one reference
    ContextScope scope(context_);
    struct Free {
        FutureCallback* callback;
        ~Free() { delete callback; }
    } free{this};
    try {
        call(future);
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        ExceptionContext report("Exception in callback of " + future->describe(),
                                std::current_exception());
        report.details["future"] = future->describe();
        future->loop().call_exception_handler(report);
    }
}

void FutureCallback::drop() noexcept {
    // Either the loop was closed with us in its queue, and the reference is ours, or a pending
    // future died.
    FutureBase* const future = future_.done() ? &future_ : nullptr;
    delete this;
    if (future != nullptr) {
        future->release();
    }
}

std::uint64_t attach_callback(FutureBase& future, FutureCallback& callback) {
    const std::uint64_t id = callback.id();
    future.add_hook(callback.hook_);
    return id;
}

std::size_t remove_done_callback(FutureBase& future, std::uint64_t id) {
    FutureCallback* found = nullptr;
    future.find_hook([&](DoneHook& hook) {
        auto* callback = dynamic_cast<FutureCallback*>(&hook.target());
        if (callback != nullptr && callback->id() == id) {
            found = callback;
            hook.unlink();
        }
        return found != nullptr;
    });
    if (found == nullptr) {
        return 0;
    }
    found->drop();
    return 1;
}

}  // namespace gyre::detail
