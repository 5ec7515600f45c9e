// TaskGroup: tasks that end before the block that made them does.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/done_waiter.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/errors.hpp>
#include <gyre/task.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

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
        try {
            check_open();
        } catch (...) {
            coro.close();
            throw;
        }
        Task<T> task = gyre::create_task(parent_->loop(), std::move(coro), options);
        add(*task.state());
        return task;
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
    /// The same for a sleep, an event's wait, a queue's get …
    template <class A>
    requires(detail::Operation<A>) auto create_task(A&& operation, TaskOptions options = {}) {
        return create_task(detail::await_held<std::decay_t<A>>(std::forward<A>(operation)),
                           options);
    }

    /// `async with` by hand: enter(), then exit() with what left the block. with_task_group() does
    /// it.
    void enter();
    [[nodiscard]] Coro<> exit(std::exception_ptr error);

private:
    class Child;

    void check_open() const;
    void add(detail::FutureBase& task);
    void child_done(Child& child);
    void abort();

    detail::TaskBase* parent_ = nullptr;
    detail::TaskRef parent_owner_;
    std::list<Child> children_;  // in order of creation
    std::vector<std::exception_ptr> errors_;
    std::exception_ptr exit_error_;        // a child's or the body's ExitError
    detail::WaitNode* waiting_ = nullptr;  // the parent's, at the end of the block
    bool exiting_ = false;
    bool aborting_ = false;
    bool parent_cancel_requested_ = false;
};

class TaskGroup::Child final : public detail::Listener::Owner {
public:
    Child(TaskGroup& group, detail::FutureBase& task)
        : group_(group), task_(detail::FutureRef::share(&task)), listener_(task, *this) {}

    std::list<Child>::iterator place;
    [[nodiscard]] detail::FutureBase& task() const noexcept { return *task_; }

private:
    void heard(detail::FutureBase& /*source*/, std::size_t /*index*/) override {
        group_.child_done(*this);
    }

    TaskGroup& group_;
    detail::FutureRef task_;
    detail::Listener listener_;
};

namespace detail {

template <class F>
concept GroupBody = requires(F& body, TaskGroup& group) {
    requires AnyCoro<std::invoke_result_t<F&, TaskGroup&>>;
};

template <class F>
std::invoke_result_t<F&, TaskGroup&> run_task_group(F body) {
    using T = typename std::invoke_result_t<F&, TaskGroup&>::value_type;
    TaskGroup group;
    group.enter();
    Storage<T> result;
    std::exception_ptr error;
    try {
        auto coro = std::invoke(body, group);
        if constexpr (std::is_void_v<T>) {
            co_await std::move(coro);
        } else {
            T value = co_await std::move(coro);
            result.set(std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await group.exit(error);
    if constexpr (!std::is_void_v<T>) {
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
/// Throws ExceptionGroup; CancelledError; RuntimeError outside of a task. asyncio: `async with
/// TaskGroup() as group:`.
template <class F>
requires detail::GroupBody<std::decay_t<F>>
[[nodiscard]] auto with_task_group(F&& body) {
    return detail::run_task_group<std::decay_t<F>>(std::forward<F>(body));
}

}  // namespace gyre
