// Waiting for futures to be done without taking part in what becomes of them.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/detail/task_base.hpp>

#include <coroutine>
#include <cstddef>

namespace gyre::detail {

/// Wakes its task once the future is done, two iterations after. Cancelling the waiting task does
/// not touch the future.
class [[nodiscard]] GYRE_API DoneWaiter final : private Listener::Owner, private WaitNode {
public:
    explicit DoneWaiter(FutureBase& future) : listener_(future, *this) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        TaskBase::require_current().suspend_on(*this, handle);
    }
    void await_resume() { step.task->check_cancelled(*this); }

private:
    void heard(FutureBase& /*source*/, std::size_t /*index*/) override { wake(); }

    Listener listener_;
};

/// Suspends the task until wake() of the node; the node is the owner's.
class [[nodiscard]] NodeAwaiter {
public:
    explicit NodeAwaiter(WaitNode& node) noexcept : node_(node) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        TaskBase::require_current().suspend_on(node_, handle);
    }
    void await_resume() { step.task->check_cancelled(node_); }

private:
    WaitNode& node_;
};

}  // namespace gyre::detail
