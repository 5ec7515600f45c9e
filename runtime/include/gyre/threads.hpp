// to_thread, run_in_executor, run_coroutine_threadsafe: between threads and the loop.
#pragma once

#include <gyre/context.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/detail/executor.hpp>
#include <gyre/future.hpp>
#include <gyre/gather.hpp>
#include <gyre/task.hpp>
#include <gyre/thread_pool.hpp>

#include <concepts>
#include <functional>
#include <future>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace gyre {

namespace detail {

template <class F>
[[nodiscard]] auto submit_function(EventLoop& loop, ThreadPool* pool, F&& function) {
    using State = FunctionExecutorFuture<std::decay_t<F>>;
    loop.check_open();
    auto* state = new State(loop, std::forward<F>(function), pool);
    return Future<typename State::Value>(FutureRef(state));
}

}  // namespace detail

namespace detail {

// The function and its arguments are the job's own: a cancelled caller may be gone before it ends.
template <class F, class... A>
class BoundCall {
public:
    BoundCall(F&& function, std::tuple<A...>&& arguments)
        : function_(std::move(function)), arguments_(std::move(arguments)) {}

    std::invoke_result_t<F&, A&&...> operator()() {
        return std::apply(function_, std::move(arguments_));
    }

private:
    F function_;
    std::tuple<A...> arguments_;
};

template <class F, class... A>
[[nodiscard]] auto submit_call(ThreadPool* pool, F&& function, A&&... arguments) {
    EventLoop& loop = get_running_loop();
    if constexpr (sizeof...(A) == 0) {
        return submit_function(loop, pool, std::forward<F>(function));
    } else {
        return submit_function(loop, pool,
                               BoundCall<std::decay_t<F>, std::decay_t<A>...>(
                                   std::decay_t<F>(std::forward<F>(function)),
                                   std::tuple<std::decay_t<A>...>(std::forward<A>(arguments)...)));
    }
}

}  // namespace detail

/// Runs f(arguments…) in a thread of the pool, from now on; gives the future of its result.
///
/// ```
/// auto sum = co_await run_in_executor(pool, [&] { return checksum(file); });
/// ```
///
/// Completes in an iteration of the loop after f has ended. f does not see the caller's context.
/// Cancel safety: a function that has not begun never does; one that runs goes on, and its outcome
/// is dropped. Throws RuntimeError outside a running loop or if the pool was shut down. asyncio:
/// loop.run_in_executor.
template <class F, class... A>
requires(std::invocable<std::decay_t<F>&, std::decay_t<A>&&...>)
    [[nodiscard]] auto run_in_executor(ThreadPool& pool, F&& f, A&&... arguments) {
    return detail::submit_call(&pool, std::forward<F>(f), std::forward<A>(arguments)...);
}
/// The same; null stands for the loop's own pool, which is made on first use.
template <class F, class... A>
requires(std::invocable<std::decay_t<F>&, std::decay_t<A>&&...>)
    [[nodiscard]] auto run_in_executor(ThreadPool* pool, F&& f, A&&... arguments) {
    return detail::submit_call(pool, std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class F, class... A>
requires(std::invocable<std::decay_t<F>&, std::decay_t<A>&&...>)
    [[nodiscard]] auto run_in_executor(const std::shared_ptr<ThreadPool>& pool, F&& f,
                                       A&&... arguments) {
    return detail::submit_call(pool.get(), std::forward<F>(f), std::forward<A>(arguments)...);
}

namespace detail {

template <class F, class... A>
class ThreadCall {
public:
    ThreadCall(F&& function, std::tuple<A...>&& arguments, Context context)
        : call_(std::move(function), std::move(arguments)), context_(std::move(context)) {}

    std::invoke_result_t<F&, A&&...> operator()() {
        return context_.run([this]() -> std::invoke_result_t<F&, A&&...> { return call_(); });
    }

private:
    BoundCall<F, A...> call_;
    Context context_;
};

template <class F, class... A>
Coro<std::remove_cvref_t<std::invoke_result_t<F&, A&&...>>> call_in_thread(
    F function, std::tuple<A...> arguments) {
    ThreadCall<F, A...> call(std::move(function), std::move(arguments), copy_context());
    auto result = run_in_executor(nullptr, std::move(call));
    co_return co_await std::move(result);
}

}  // namespace detail

/// Calls f(arguments…) in a thread of the loop's pool, once awaited, with a copy of the caller's
/// context.
///
/// ```
/// std::string text = co_await to_thread(read_file, path);
/// ```
///
/// Cancel safety: the await ends at once; a function that runs goes on, and its outcome is dropped.
/// Throws what f throws; RuntimeError outside a running loop. asyncio: to_thread.
template <class F, class... A>
requires(std::invocable<std::decay_t<F>&, std::decay_t<A>&&...>)
    [[nodiscard]] auto to_thread(F&& f, A&&... arguments) {
    return detail::call_in_thread<std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(f), std::tuple<std::decay_t<A>...>(std::forward<A>(arguments)...));
}

namespace detail {

// A coroutine on its way to a loop, and the promise of its result; kept if the loop closes before
// it arrives.
template <class T>
class ThreadsafeCall {
public:
    explicit ThreadsafeCall(Coro<T> coro) : coro_(std::move(coro)) {}
    ThreadsafeCall(ThreadsafeCall&&) noexcept = default;
    ThreadsafeCall& operator=(ThreadsafeCall&&) = delete;
    ~ThreadsafeCall() { coro_.close(); }

    [[nodiscard]] std::future<T> get_future() { return answer_->promise.get_future(); }

    void operator()(EventLoop& loop) {
        try {
            Task<T> task = create_task(loop, std::move(coro_));
            task.add_done_callback([answer = answer_](const Task<T>& done) {
                answer->given = true;
                try {
                    if constexpr (std::is_void_v<T>) {
                        done.result();
                        answer->promise.set_value();
                    } else {
                        done.state()->check_result();
                        answer->promise.set_value(detail::take_result<T>(*done.state()));
                    }
                } catch (...) {
                    answer->promise.set_exception(std::current_exception());
                }
            });
        } catch (...) {
            answer_->given = true;
            answer_->promise.set_exception(std::current_exception());
            throw;  // to the loop's exception handler, too
        }
    }

private:
    // Nobody who could give it is left: the loop was closed.
    struct Answer {
        Answer() = default;
        Answer(const Answer&) = delete;
        Answer& operator=(const Answer&) = delete;
        ~Answer() {
            if (!given) {
                promise.set_exception(
                    std::make_exception_ptr(RuntimeError("the event loop is closed")));
            }
        }
        std::promise<T> promise;
        bool given = false;
    };

    Coro<T> coro_;
    std::shared_ptr<Answer> answer_ = std::make_shared<Answer>();
};

}  // namespace detail

/// Runs the coroutine as a task of `loop`, from another thread; gives the std::future of its
/// result.
///
/// ```
/// std::future<int> answer = run_coroutine_threadsafe(ask(), loop);
/// int value = answer.get();                  // blocks this thread, not the loop
/// ```
///
/// A cancelled task gives CancelledError. If the loop is closed before the task ends: RuntimeError.
/// Thread rule: any thread; get() not in the loop's own. Throws RuntimeError for a closed loop.
/// asyncio: run_coroutine_threadsafe.
template <class T>
[[nodiscard]] std::future<T> run_coroutine_threadsafe(Coro<T> coro, EventLoop& loop) {
    detail::ThreadsafeCall<T> call(std::move(coro));
    std::future<T> result = call.get_future();
    loop.call_soon_threadsafe([&loop, call = std::move(call)]() mutable { call(loop); });
    return result;
}
/// The same for a sleep, an event's wait, a queue's get …
template <class A>
requires(detail::BareAwaitable<A>)
    [[nodiscard]] auto run_coroutine_threadsafe(A&& operation, EventLoop& loop) {
    return run_coroutine_threadsafe(detail::await_held<std::decay_t<A>>(std::forward<A>(operation)),
                                    loop);
}
/// The same for function(), a coroutine; owns the callable, so a lambda may capture.
template <class F>
requires(detail::CoroFunction<std::decay_t<F>>)
    [[nodiscard]] auto run_coroutine_threadsafe(F&& function, EventLoop& loop) {
    return run_coroutine_threadsafe(detail::call_owned<std::decay_t<F>>(std::forward<F>(function)),
                                    loop);
}

/// Makes `pool` the loop's own. Throws RuntimeError once it has one. asyncio:
/// loop.set_default_executor.
GYRE_API void set_default_executor(EventLoop& loop, std::shared_ptr<ThreadPool> pool);

/// Waits, without blocking the loop, until the functions in the loop's own pool have ended; it
/// takes no more. After `limit` it gives up, reports that, and leaves them running. Runner does it.
/// asyncio: loop.shutdown_default_executor.
[[nodiscard]] GYRE_API Coro<> shutdown_default_executor(detail::AnyLimit limit = {});

}  // namespace gyre
