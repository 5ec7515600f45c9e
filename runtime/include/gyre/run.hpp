// run, Runner: from main() into the first coroutine, and out again with nothing left behind.
#pragma once

#include <gyre/context.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/future.hpp>
#include <gyre/loops.hpp>
#include <gyre/resolver_options.hpp>
#include <gyre/task.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gyre {

/// How to run.
struct RunOptions {
    std::string_view loop = {};      ///< a loop spec; empty: install(), GYRE_LOOP, "uv"
    std::optional<bool> debug = {};  ///< debug mode; unset: GYRE_DEBUG
    std::string_view resolver = {};  ///< `cares` or `system`; empty: see make_resolver()
    ResolverOptions resolver_options = {};
};
static_assert(std::is_trivially_destructible_v<RunOptions>);

namespace detail {
/// Runs the loop until the future is done. Throws RuntimeError if the loop is stopped before.
GYRE_API void run_until_done(EventLoop& loop, FutureBase& future, bool own_task);
GYRE_API void check_can_run(const EventLoop& loop);
GYRE_API void check_not_running(const char* what);
/// Cancels the tasks that are left, waits for their ends, and for the threads of the loop's pool.
void end_tasks(EventLoop& loop);
}  // namespace detail

/// Runs the loop until the future or coroutine is done; gives its result or throws its exception.
///
/// Throws RuntimeError if the loop is stopped first (the future stays pending and may be run
/// again), runs already, or is closed; ValueError for a future of another loop. asyncio:
/// loop.run_until_complete.
template <class T>
T run_until_complete(EventLoop& loop, const Future<T>& future) {
    detail::check_can_run(loop);
    if (&future.get_loop() != &loop) {
        throw ValueError("the future belongs to a different loop than the one specified");
    }
    detail::run_until_done(loop, *future.state(), false);
    if constexpr (std::is_void_v<T> || detail::IsCopyable<T>::value) {
        return future.result();
    } else {
        future.state()->check_result();
        return std::move(future.state()->template storage<detail::Storage<T>>().get());
    }
}
template <class T>
T run_until_complete(EventLoop& loop, Coro<T> coro) {
    try {
        detail::check_can_run(loop);
    } catch (...) {
        coro.close();
        throw;
    }
    Task<T> task = create_task(loop, std::move(coro));
    detail::run_until_done(loop, *task.state(), true);
    task.state()->check_result();
    if constexpr (!std::is_void_v<T>) {
        return std::move(task.state()->template storage<detail::Storage<T>>().get());
    }
}
template <class A>
requires(detail::BareAwaitable<A>) auto run_until_complete(EventLoop& loop, A&& operation) {
    return run_until_complete(loop,
                              detail::await_held<std::decay_t<A>>(std::forward<A>(operation)));
}
template <class F, class... A>
requires(detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>) auto run_until_complete(
    EventLoop& loop, F&& function, A&&... arguments) {
    return run_until_complete(loop, detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
                                        std::forward<F>(function), std::forward<A>(arguments)...));
}

/// A loop for several run() calls, which share one context.
///
/// ```
/// Runner runner({.loop = "selector"});
/// int fd = runner.run(connect());
/// runner.run(serve(fd));
/// ```
///
/// The loop is made on first use. close(), or the destructor, cancels the tasks that are left,
/// waits for their ends, reports the errors among those, and closes the loop.
///
/// Ctrl-C, while run() runs in the main thread and SIGINT has its default action: the first cancels
/// the main task, and run() throws KeyboardInterrupt once that has ended so; the second throws it
/// at once, between two callbacks. Thread rule: one thread. asyncio: Runner.
class GYRE_API Runner {
public:
    explicit Runner(RunOptions options = {});
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner();

    /// Runs the coroutine in a task; gives its result or throws its exception. Without a context in
    /// the runner's own, which keeps what is set in it. Throws RuntimeError inside a running loop
    /// and after close().
    template <class T>
    T run(Coro<T> main, ContextRef context = {}) {
        try {
            begin();
        } catch (...) {
            main.close();
            throw;
        }
        const Context* const chosen = context.get();
        Task<T> task = create_task(*loop_, std::move(main),
                                   TaskOptions{{}, chosen != nullptr ? chosen : &*context_, false});
        run_task(*task.state()->as_task());
        task.state()->check_result();
        if constexpr (!std::is_void_v<T>) {
            return std::move(task.state()->template storage<detail::Storage<T>>().get());
        }
    }
    /// The same for anything else that can be awaited.
    template <class A>
    requires detail::BareAwaitable<A>
    auto run(A&& awaitable) {
        return run(detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)));
    }
    /// Runs function(arguments…), a coroutine, and owns the callable meanwhile.
    template <class F, class... A>
    requires detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>
    auto run(F&& function, A&&... arguments) {
        return run(detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
            std::forward<F>(function), std::forward<A>(arguments)...));
    }
    [[nodiscard]] EventLoop& get_loop();

    /// Does nothing the second time. Throws what leaves the loop while the last tasks end:
    /// DeadlockError, an ExitError. The loop is closed all the same. Throws RuntimeError, and does
    /// nothing, while the loop runs.
    void close();

private:
    void begin();
    void run_task(detail::TaskBase& task);

    std::string spec_;
    std::optional<bool> debug_;
    std::string resolver_;
    detail::ResolverSettings resolver_settings_;
    std::unique_ptr<EventLoop> loop_;
    std::optional<Context> context_;
    bool closed_ = false;
};

/// Runs a coroutine on a fresh loop and closes that, whatever happens: the program's way in.
///
/// ```
/// int main() { return gyre::run(app(), {.loop = "uv"}); }
/// ```
///
/// Gives the result or throws the exception. Tasks that are left are cancelled and awaited first.
/// Throws RuntimeError inside a running loop; what new_event_loop() throws. Ctrl-C: see Runner.
/// asyncio: run.
template <class T>
T run(Coro<T> main, RunOptions options = {}) {
    try {
        detail::check_not_running("run()");
    } catch (...) {
        main.close();
        throw;
    }
    Runner runner(options);
    if constexpr (std::is_void_v<T>) {
        runner.run(std::move(main));
        runner.close();
    } else {
        T result = runner.run(std::move(main));
        runner.close();
        return result;
    }
}
/// The same for anything else that can be awaited.
template <class A>
requires detail::BareAwaitable<A>
auto run(A&& awaitable, RunOptions options = {}) {
    return run(detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)), options);
}
/// The same for function(arguments…), a coroutine; owns the callable, so a lambda may capture.
template <class F, class... A>
requires detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>
auto run(F&& function, A&&... arguments) {
    return run(detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(function), std::forward<A>(arguments)...));
}
template <class F>
requires detail::CoroFunction<std::decay_t<F>>
auto run(F&& function, RunOptions options) {
    return run(detail::call_owned<std::decay_t<F>>(std::forward<F>(function)), options);
}

}  // namespace gyre
