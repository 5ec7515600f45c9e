// Task: a coroutine that runs beside its creator, and AnyTask, one of any result type.
#pragma once

#include <gyre/context.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/future.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyre {

/// A task of any result type, or none: what current_task() and all_tasks() give.
///
/// ```
/// std::vector<AnyTask> tasks = all_tasks();
/// std::erase(tasks, current_task());
/// for (const AnyTask& task : tasks) task.cancel();
/// co_await gather(return_exceptions, tasks);
/// ```
///
/// Awaiting it is awaiting the task, without its result. asyncio: Task, where its result does not
/// matter.
class GYRE_API AnyTask {
public:
    AnyTask() = default;
    explicit AnyTask(detail::TaskRef state) noexcept : state_(std::move(state)) {}
    /// Of a future that is a task.
    explicit AnyTask(const detail::FutureRef& state) noexcept
        : state_(detail::TaskRef::share(state->as_task())) {}

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(state_); }
    bool operator==(const AnyTask&) const = default;
    auto operator<=>(const AnyTask&) const = default;
    bool operator==(std::nullptr_t) const noexcept { return !state_; }

    [[nodiscard]] bool done() const { return task().done(); }
    [[nodiscard]] bool cancelled() const { return task().cancelled(); }
    bool cancel(std::string_view message = {}) const {
        task().loop().check_thread();
        return task().cancel(message);
    }
    std::uint32_t uncancel() const { return task().uncancel(); }
    [[nodiscard]] std::uint32_t cancelling() const { return task().cancelling(); }
    [[nodiscard]] std::exception_ptr exception() const { return task().exception(); }
    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    [[nodiscard]] std::string get_coro() const { return task().where(); }
    [[nodiscard]] Context get_context() const { return Context(task().shared_context()); }
    [[nodiscard]] EventLoop& get_loop() const { return task().loop(); }

    /// As a future's.
    template <class F>
    DoneToken add_done_callback(F&& f) const {
        return DoneToken(detail::add_done_callback<AnyTask>(task(), std::forward<F>(f)));
    }
    std::size_t remove_done_callback(DoneToken token) const {
        return detail::remove_done_callback(task(), token.id());
    }

    [[nodiscard]] detail::FutureAwaiter<void, void> operator co_await() const {
        return detail::FutureAwaiter<void, void>(detail::FutureRef::share(&task()));
    }

    [[nodiscard]] const detail::TaskRef& state() const noexcept { return state_; }

private:
    [[nodiscard]] detail::TaskBase& task() const {
        detail::check_handle(state_);
        return *state_;
    }

    detail::TaskRef state_;
};

/// A coroutine that the loop runs on its own: a handle to it, and the future of its result.
///
/// ```
/// Task<Page> page = create_task(fetch(url), {.name = "page"});
/// co_await draw_frame();
/// show(co_await page);
/// ```
///
/// The first step runs in the next iteration. The task lives until its body ends, handles or not;
/// the loop owns it. An exception that nobody asks for is reported when the last handle goes.
///
/// Cancellation: cancel() has CancelledError thrown where the body waits, in the next iteration;
/// what the body waits for is cancelled first. A body that has not begun is never entered. A body
/// may catch the error and go on; cancelling() counts the requests, uncancel() takes one back.
/// Thread rule: the loop's thread. asyncio: Task.
template <class T = void>
class Task : public Future<T> {
public:
    Task() = default;
    explicit Task(detail::FutureRef state) noexcept : Future<T>(std::move(state)) {}

    /// Asks the task to stop: true unless it is done. cancelled() only turns true when the body has
    /// ended so.
    bool cancel(std::string_view message = {}) const {
        task().loop().check_thread();
        return task().cancel(message);
    }
    /// Takes one request back; returns how many are left. At 0 an error not yet thrown is not
    /// thrown.
    std::uint32_t uncancel() const { return task().uncancel(); }
    /// How many cancel() requests were not taken back.
    [[nodiscard]] std::uint32_t cancelling() const { return task().cancelling(); }

    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    /// The coroutine that runs, with the file and line where it waits.
    [[nodiscard]] std::string get_coro() const { return task().where(); }
    /// The context that it runs in, not a copy.
    [[nodiscard]] Context get_context() const { return Context(task().shared_context()); }

    template <class F>
    DoneToken add_done_callback(F&& f) const {
        return DoneToken(detail::add_done_callback<Task>(this->base(), std::forward<F>(f)));
    }

    operator AnyTask() const { return AnyTask(detail::TaskRef::share(&task())); }

private:
    [[nodiscard]] detail::TaskBase& task() const { return *this->base().as_task(); }
};

/// The task that runs now; an empty handle in a plain callback. Throws RuntimeError without a
/// running loop. asyncio: current_task.
[[nodiscard]] GYRE_API AnyTask current_task();
/// The same for one loop, which need not run on this thread.
[[nodiscard]] GYRE_API AnyTask current_task(const EventLoop& loop);

/// The tasks that are not done, oldest first. asyncio: all_tasks.
[[nodiscard]] GYRE_API std::vector<AnyTask> all_tasks();
[[nodiscard]] GYRE_API std::vector<AnyTask> all_tasks(EventLoop& loop);

}  // namespace gyre

template <class T>
struct std::hash<gyre::Task<T>> : std::hash<gyre::Future<T>> {};
template <>
struct std::hash<gyre::AnyTask> {
    std::size_t operator()(const gyre::AnyTask& task) const noexcept {
        return std::hash<const void*>()(task.state().get());
    }
};
