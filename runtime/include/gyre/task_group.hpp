// TaskGroup: tasks that end before the block that made them does.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/list_link.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>
#include <gyre/task.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

class TaskGroup;

namespace detail {
template <class F>
Coro<AwaitResult<std::invoke_result_t<F&, TaskGroup&>>> run_task_group(F body, TaskGroup* given);
}

/// The tasks of a with_task_group() block.
///
/// Thread rule: the loop's thread. asyncio: TaskGroup.
class GYRE_API TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    /// Makes a task that the block waits for. Throws RuntimeError before the block, after it, and
    /// while the group shuts down because of a failure; the coroutine is disposed of then.
    template <class T>
    Task<T> create_task(Coro<T> coro, TaskOptions options = {}) {
        Child* child = nullptr;
        try {
            child = &add_child();
            Task<T> task = detail::make_task(parent_->loop(), std::move(coro), options);
            listen_to(static_cast<detail::TaskBase&>(*task.state()), *child);
            return task;
        } catch (...) {
            if (child != nullptr) {
                forget(*child);
            }
            coro.close();
            throw;
        }
    }
    /// The same for anything else that can be awaited.
    template <class A>
    requires detail::BareAwaitable<A>
    auto create_task(A&& awaitable, TaskOptions options = {}) {
        return create_task(detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)),
                           options);
    }
    /// The same for function(arguments…), a coroutine; the task owns the callable.
    template <class F, class... A>
    requires detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>
    auto create_task(F&& function, A&&... arguments) {
        return create_task(detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
            std::forward<F>(function), std::forward<A>(arguments)...));
    }
    template <class F>
    requires detail::CoroFunction<std::decay_t<F>>
    auto create_task(F&& function, TaskOptions options) {
        return create_task(detail::call_owned<std::decay_t<F>>(std::forward<F>(function)), options);
    }
    /// Ends the group early: cancels its tasks and the body, and the block ends without an error
    /// when they have ended. Before enter() it takes effect there. Does nothing the second time.
    void cancel();

    /// `async with` by hand: enter(), then exit() with what left the block. with_task_group() does
    /// it.
    void enter();
    [[nodiscard]] Coro<> exit(std::exception_ptr error);

private:
    template <class F>
    friend Coro<detail::AwaitResult<std::invoke_result_t<F&, TaskGroup&>>> detail::run_task_group(
        F body, TaskGroup* given);
    class Child;

    // A place among the children for a task that is to be made: what can fail comes before it
    // runs.
    Child& add_child();
    void listen_to(detail::TaskBase& task, Child& child);
    void forget(Child& child) noexcept;
    void check_open() const;
    [[nodiscard]] bool empty() const noexcept { return children_.next == &children_; }
    void child_done(Child& child);
    [[nodiscard]] std::vector<std::exception_ptr> errors_of_children() const;
    void report_errors_of_children() const;
    void abort();
    void cancel_parent();
    Coro<> finish(const std::exception_ptr& error_of_body);

    detail::TaskBase* parent_ = nullptr;
    detail::TaskRef parent_owner_;
    detail::ListLink children_;      // in order of creation
    detail::ListLink failed_;        // in order of occurrence
    std::size_t unfinished_ = 0;     // of the children, those that need no node to be listened to
    std::exception_ptr exit_error_;  // a child's or the body's ExitError
    detail::WaitNode* waiting_ = nullptr;  // the parent's, at the end of the block
    bool open_ = false;                    // entered, neither exiting nor aborting
    bool exiting_ = false;
    bool aborting_ = false;
    bool parent_cancel_requested_ = false;
    bool cancel_on_enter_ = false;
};

namespace detail {

template <class F>
concept GroupBody = requires(F& body, TaskGroup& group) {
    requires Awaitable<std::invoke_result_t<F&, TaskGroup&>>;
};

/// Closes a coroutine that was not awaited, without a warning: the frame that was to do so is gone.
class ClosesUnused {
public:
    explicit ClosesUnused(Coro<>& coro) noexcept : coro_(coro) {}
    ClosesUnused(const ClosesUnused&) = delete;
    ClosesUnused& operator=(const ClosesUnused&) = delete;
    ~ClosesUnused() { coro_.close(); }

private:
    Coro<>& coro_;
};

/// In the group that is given, or in one of its own.
template <class F>
Coro<AwaitResult<std::invoke_result_t<F&, TaskGroup&>>> run_task_group(F body, TaskGroup* given) {
    using T = AwaitResult<std::invoke_result_t<F&, TaskGroup&>>;
    std::optional<TaskGroup> own;
    TaskGroup& group = given != nullptr ? *given : own.emplace();
    Storage<T> result;
    std::exception_ptr error;
    Coro<> end = group.finish(error);  // made first: once there are tasks it must not fail
    const ClosesUnused closes_end(end);
    group.enter();
    try {
        auto awaitable = std::invoke(body, group);
        if constexpr (std::is_void_v<T>) {
            co_await std::move(awaitable);
        } else {
            T value = co_await std::move(awaitable);
            result.set(std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await std::move(end);
    if constexpr (!std::is_void_v<T>) {
        if (!result.has_value()) {
            throw CancelledError();
        }
        co_return std::move(result.get());
    }
}

}  // namespace detail

/// Runs body(group), a coroutine that makes tasks by group.create_task(…), and waits for all of
/// them.
///
/// ```
/// co_await with_task_group([&](TaskGroup& group) -> Coro<> {
///     for (auto& url : urls) group.create_task(fetch(url));
///     co_return;
/// });                                     // every fetch has ended here
/// ```
///
/// When a task fails, or the body does, the others are cancelled, and so is the body; when all have
/// ended their errors are thrown as one ExceptionGroup, in order of occurrence. A cancelled task is
/// no error. Cancel safety: cancelling the caller cancels the tasks and waits for their ends.
/// After group.cancel() a body that was to give a value and did not is a CancelledError.
/// Throws ExceptionGroup; CancelledError; RuntimeError outside of a task. asyncio: `async with
/// TaskGroup() as group:`.
template <class F>
requires detail::GroupBody<std::decay_t<F>>
[[nodiscard]] auto with_task_group(F&& body) {
    return detail::run_task_group<std::decay_t<F>>(std::forward<F>(body), nullptr);
}

/// The same, said as with() of another resource: with(TaskGroup(), body), or with(group, body),
/// where the group is to be seen from outside.
template <class F>
requires detail::GroupBody<std::decay_t<F>>
[[nodiscard]] auto with(TaskGroup&& /*group*/, F&& body) {
    return detail::run_task_group<std::decay_t<F>>(std::forward<F>(body), nullptr);
}
template <class F>
requires detail::GroupBody<std::decay_t<F>>
[[nodiscard]] auto with(TaskGroup& group, F&& body) {
    return detail::run_task_group<std::decay_t<F>>(std::forward<F>(body), &group);
}

}  // namespace gyre
