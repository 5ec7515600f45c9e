// timeout, timeout_at, wait_for: an end to waiting.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/awaitable.hpp>
#include <gyre/detail/done_waiter.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/errors.hpp>
#include <gyre/task.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace gyre {

namespace detail {
class TimeoutScope;
}

/// A deadline that a body of code has to meet: what the body of timeout() is given.
///
/// Thread rule: the task that runs the body. asyncio: Timeout.
class GYRE_API Timeout {
public:
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;

    /// The deadline on the loop's clock, if there is one.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> when() const noexcept { return when_; }

    /// Moves the deadline; nullopt takes it away. Throws RuntimeError once it has expired or the
    /// body is over.
    void reschedule(detail::AnyLimit when);

    /// True once the deadline has passed and the body was cancelled for it.
    [[nodiscard]] bool expired() const noexcept {
        return state_ == State::expiring || state_ == State::expired;
    }

private:
    friend class detail::TimeoutScope;
    // created -> active -> finished, or active -> expiring -> expired.
    enum class State : std::uint8_t { created, active, expiring, expired, finished };

    explicit Timeout(std::optional<std::chrono::nanoseconds> when) noexcept : when_(when) {}
    void arm();
    void expire();

    std::optional<std::chrono::nanoseconds> when_;
    State state_ = State::created;
    std::uint32_t cancelling_ = 0;  // requests the task had when it entered
    detail::TaskBase* task_ = nullptr;
    Handle timer_;
};

namespace detail {

using Deadline = std::optional<Nanoseconds>;

/// `async with timeout`: enter, and leave with what is leaving the body.
class GYRE_API TimeoutScope {
public:
    explicit TimeoutScope(Deadline when) noexcept : timeout(when) {}
    TimeoutScope(const TimeoutScope&) = delete;
    TimeoutScope& operator=(const TimeoutScope&) = delete;
    ~TimeoutScope() { timeout.timer_.cancel(); }

    /// Throws RuntimeError outside of a task.
    void enter();
    /// Throws TimeoutError in place of the CancelledError that the deadline caused.
    void leave(const std::exception_ptr& error);

    Timeout timeout;
};

[[nodiscard]] GYRE_API Nanoseconds deadline_from_now(Nanoseconds delay);

template <class F>
decltype(auto) call_body(F& body, Timeout& timeout) {
    if constexpr (std::invocable<F&, Timeout&>) {
        return std::invoke(body, timeout);
    } else {
        return std::invoke(body);
    }
}
template <class F>
using BodyAwaitable = decltype(call_body(std::declval<F&>(), std::declval<Timeout&>()));
template <class F>
concept TimeoutBody = requires {
    requires Awaitable<BodyAwaitable<F>>;
};

// When a limit is over: at a time, after a delay from when the coroutine is awaited, or never.
struct Limit {
    enum Kind : std::uint8_t { at, after };
    Limit(Kind of, Deadline time) noexcept : kind(of), value(time) {}

    [[nodiscard]] Deadline deadline() const {
        return kind == after && value ? deadline_from_now(*value) : value;
    }

    Kind kind;
    Deadline value;
};

// body() gives what to await: a coroutine, or for wait_for() whatever it was given.
template <class F>
Coro<AwaitResult<BodyAwaitable<F>>> run_with_timeout(Limit limit, F body) {
    using T = AwaitResult<BodyAwaitable<F>>;
    TimeoutScope scope(limit.deadline());
    scope.enter();
    Storage<T> result;
    std::exception_ptr error;
    try {
        auto&& awaitable = call_body(body, scope.timeout);
        if constexpr (std::is_void_v<T>) {
            co_await std::forward<BodyAwaitable<F>>(awaitable);
        } else {
            T value = co_await std::forward<BodyAwaitable<F>>(awaitable);
            result.set(std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    scope.leave(error);
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
    if constexpr (!std::is_void_v<T>) {
        co_return std::move(result.get());
    }
}

}  // namespace detail

/// Runs body(timeout), or body(), and cancels it if it takes longer than `duration`; nullopt is no
/// limit, until timeout.reschedule() sets one.
///
/// ```
/// try {
///     co_await timeout(2s, [&](Timeout& limit) -> Coro<> {
///         co_await connect();
///         limit.reschedule(get_running_loop().time() + 5s);
///         co_await transfer();
///     });
/// } catch (const TimeoutError&) { … }
/// ```
///
/// The body runs in the calling task; its result is the result. Past the deadline the task is
/// cancelled once, the body runs to its end, cleanup included, and its CancelledError becomes
/// TimeoutError; a body that ends otherwise ends as it likes. A zero duration lets a body through
/// that never suspends. Cancel safety: a cancel from outside stays CancelledError, also at the same
/// moment. Throws TimeoutError; ValueError for NaN; RuntimeError outside of a task. asyncio: `async
/// with timeout(d) as t:`.
template <class F>
requires(detail::TimeoutBody<std::decay_t<F>>)
    [[nodiscard]] auto timeout(detail::AnyLimit duration, F&& body) {
    return detail::run_with_timeout<std::decay_t<F>>(detail::Limit(detail::Limit::after, duration),
                                                     std::forward<F>(body));
}
/// The same with a deadline on the loop's clock. asyncio: timeout_at.
template <class F>
requires(detail::TimeoutBody<std::decay_t<F>>)
    [[nodiscard]] auto timeout_at(detail::AnyLimit when, F&& body) {
    return detail::run_with_timeout<std::decay_t<F>>(detail::Limit(detail::Limit::at, when),
                                                     std::forward<F>(body));
}

namespace detail {

// A limit that is over already: what is not done is cancelled before it begins, or where it stands.
template <class A>
Coro<AwaitResult<A>> wait_for_nothing(A awaitable) {
    auto future = ensure_future(std::move(awaitable));
    if (!future.done()) {
        DoneWaiter end(*future.state());
        future.cancel();
        co_await end;
        if (future.cancelled() || future.state()->failed_by_cancel()) {
            throw TimeoutError();
        }
    }
    co_return co_await std::move(future);
}

template <class A>
class Held {
public:
    explicit Held(A&& awaitable) : awaitable_(std::move(awaitable)) {}
    A&& operator()() noexcept { return std::move(awaitable_); }

private:
    A awaitable_;
};

}  // namespace detail

/// Awaits a coroutine, future or task, at most for `duration`; nullopt makes it a plain await.
///
/// ```
/// std::string line = co_await wait_for(reader.readline(), 5s);
/// ```
///
/// A coroutine runs in the calling task. When the time is over what is awaited is cancelled and
/// awaited to its end, cleanup included, before TimeoutError is thrown; if it ends with a value or
/// another exception in spite of that, so does wait_for. With a duration of zero or less a
/// coroutine is never entered, and only a future that is done already gives its outcome. Cancel
/// safety: the awaited thing is cancelled too, and awaited; see shield(). Throws TimeoutError;
/// ValueError for NaN; RuntimeError outside of a task. asyncio: wait_for.
template <class A>
requires(detail::Awaitable<A&&>)
    [[nodiscard]] Coro<detail::AwaitResult<std::decay_t<A>>> wait_for(A&& awaitable,
                                                                      detail::AnyLimit duration) {
    using Held = detail::Held<std::decay_t<A>>;
    std::decay_t<A> owned = std::forward<A>(awaitable);
    if (!duration) {
        return detail::await_held(std::move(owned));
    }
    if (*duration <= detail::Nanoseconds::zero()) {
        return detail::wait_for_nothing(std::move(owned));
    }
    return detail::run_with_timeout(detail::Limit(detail::Limit::after, duration),
                                    Held(std::move(owned)));
}

}  // namespace gyre
