// create_task(): runs a coroutine beside its creator. The handles are in task_handle.hpp.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/make_task.hpp>
#include <gyre/task_factory.hpp>
#include <gyre/task_handle.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace gyre {

/// Makes a task of the coroutine, on the running loop. Throws RuntimeError outside of one; the
/// coroutine is disposed of then. asyncio: create_task.
template <class T>
[[gnu::always_inline]] inline Task<T> create_task(Coro<T> coro) {
    return detail::make_task(detail::loop_for(coro), std::move(coro));
}
template <class T>
Task<T> create_task(Coro<T> coro, TaskOptions options) {
    return detail::make_task(detail::loop_for(coro), std::move(coro), options);
}
/// The same on a given loop, which need not run yet. asyncio: loop.create_task.
template <class T>
Task<T> create_task(EventLoop& loop, Coro<T> coro) {
    return detail::make_task(loop, std::move(coro));
}
template <class T>
Task<T> create_task(EventLoop& loop, Coro<T> coro, TaskOptions options) {
    return detail::make_task(loop, std::move(coro), options);
}

namespace detail {

template <class F, class... A>
using CalledCoro = Coro<AwaitResult<std::invoke_result_t<F&, A&&...>>>;

// Keeps a callable and its arguments where the coroutine it returns can refer to them.
template <class F, class... A>
CalledCoro<F, A...> call_owned(F function, A... arguments) {
    auto coro = std::invoke(function, std::move(arguments)...);
    co_return co_await std::move(coro);
}

template <class C>
concept CoroLike = AnyCoro<C> || BareAwaitable<C>;

template <class F, class... A>
concept CoroFunction =
    !AnyCoro<F> && std::invocable<F&, A&&...> && CoroLike<std::invoke_result_t<F&, A&&...>>;

}  // namespace detail

/// The same for anything else that can be awaited: create_task(queue.get()).
template <class A>
requires detail::BareAwaitable<A>
auto create_task(A&& awaitable, TaskOptions options = {}) {
    return create_task(detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)), options);
}
template <class A>
requires detail::BareAwaitable<A>
auto create_task(EventLoop& loop, A&& awaitable, TaskOptions options = {}) {
    return create_task(loop, detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)),
                       options);
}

/// Makes a task of function(arguments…), a coroutine. The task owns the callable and the arguments,
/// so a lambda may capture.
template <class F, class... A>
requires detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>
auto create_task(F&& function, A&&... arguments) {
    auto coro = detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(function), std::forward<A>(arguments)...);
    return create_task(std::move(coro));
}
template <class F>
requires detail::CoroFunction<std::decay_t<F>>
auto create_task(F&& function, TaskOptions options) {
    auto coro = detail::call_owned<std::decay_t<F>>(std::forward<F>(function));
    return create_task(std::move(coro), options);
}
template <class F, class... A>
requires(detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>) auto create_task(
    EventLoop& loop, F&& function, A&&... arguments) {
    auto coro = detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(function), std::forward<A>(arguments)...);
    return create_task(loop, std::move(coro));
}
template <class F>
requires(detail::CoroFunction<std::decay_t<F>>) auto create_task(EventLoop& loop, F&& function,
                                                                 TaskOptions options) {
    auto coro = detail::call_owned<std::decay_t<F>>(std::forward<F>(function));
    return create_task(loop, std::move(coro), options);
}

/// A task or future as it is; a coroutine as a new task. Throws RuntimeError for a handle that
/// refers to none. asyncio: ensure_future.
template <class T>
[[nodiscard]] Task<T> ensure_future(Coro<T> coro) {
    return create_task(std::move(coro));
}
template <class T>
[[nodiscard]] Task<T> ensure_future(Task<T> task) {
    detail::check_handle(task);
    return task;
}
template <class T>
[[nodiscard]] Future<T> ensure_future(Future<T> future) {
    detail::check_handle(future);
    return future;
}

[[nodiscard]] inline Future<> ensure_future(const AnyTask& task) {
    detail::check_handle(task);
    return Future<>(detail::FutureRef(task.state()));
}
/// Anything else that can be awaited (a sleep, a queue's get): as a new task that awaits it.
template <class A>
requires(detail::BareAwaitable<A>) [[nodiscard]] auto ensure_future(A&& operation) {
    return create_task(std::forward<A>(operation));
}

}  // namespace gyre
