// Coro: a coroutine that runs when it is awaited.
#pragma once

#include <gyre/detail/awaitable.hpp>
#include <gyre/detail/step.hpp>
#include <gyre/errors.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

namespace gyre {

template <class T = void>
class Coro;

namespace detail {

template <class C>
inline constexpr bool is_coro = false;
template <class T>
inline constexpr bool is_coro<Coro<T>> = true;
template <class C>
concept AnyCoro = is_coro<std::remove_cvref_t<C>>;

/// What can be awaited and is neither a coroutine nor a future: a sleep, a queue's get.
template <class A>
concept BareAwaitable =
    !AnyCoro<A> && Awaitable<std::decay_t<A>> && !requires(const std::remove_reference_t<A>& a) {
    a.state();
};

/// It stands where a Coro<T> is expected.
template <class A, class T>
concept BareAwaitableOf = BareAwaitable<A> &&
    (std::is_void_v<T> || std::is_convertible_v<AwaitResult<std::decay_t<A>>, T>);

/// "coroutine 'fetch' was never awaited (made at demo.cpp:12)", to the running loop's handler or to
/// stderr.
GYRE_API void report_never_awaited(const std::source_location& made) noexcept;
[[noreturn]] GYRE_API void throw_already_awaited();

/// What promises have in common, whatever the result.
class CoroPromiseBase : public PooledFrame {
public:
    explicit CoroPromiseBase(std::source_location made) noexcept : made_(made) {}
    CoroPromiseBase(const CoroPromiseBase&) = delete;
    CoroPromiseBase& operator=(const CoroPromiseBase&) = delete;

    struct FinalAwaiter {
        FinalAwaiter() = default;
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
            CoroPromiseBase& promise = handle.promise();
            promise.arrived = true;
            if (promise.resume_continuation) {
                step.next = promise.continuation_;
            }
        }
        void await_resume() const noexcept {}
    };

    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept {
        failed_ = true;
        Step::throw_in_awaiting();
    }

    template <class A>
    decltype(auto) await_transform(
        A&& awaitable, std::source_location where = std::source_location::current()) noexcept {
        step.where = where;
        return pass_awaitable(std::forward<A>(awaitable));
    }

    /// Read before the first resume only.
    [[nodiscard]] const std::source_location& made() const noexcept { return made_; }
    [[nodiscard]] bool started() const noexcept { return started_; }
    void start_for(std::coroutine_handle<> continuation) noexcept {
        started_ = true;
        continuation_ = continuation;
    }
    /// It ended by an exception, which step.take_error() gives, once.
    [[nodiscard]] bool failed() const noexcept { return failed_; }

    bool arrived = false;              // it is done
    bool resume_continuation = false;  // the awaiting one is not below on the stack

private:
    bool started_ = false;
    bool failed_ = false;
    union {
        std::source_location made_;             // until started
        std::coroutine_handle<> continuation_;  // from then on
    };
};

template <class T>
class CoroPromise final : public CoroPromiseBase {
public:
    explicit CoroPromise(std::source_location made = std::source_location::current()) noexcept
        : CoroPromiseBase(made) {}
    ~CoroPromise() {
        if (has_value_) {
            value_.~T();
        }
    }

    [[nodiscard]] Coro<T> get_return_object() noexcept;

    template <class U = T>
    requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
        ::new (static_cast<void*>(std::addressof(value_))) T(std::forward<U>(value));
        has_value_ = true;
    }
    [[nodiscard, gnu::always_inline]] T take() {
        if (failed()) [[unlikely]] {
            std::rethrow_exception(step.take_error());
        }
        return std::move(value_);
    }
    [[nodiscard]] T& value() noexcept { return value_; }

private:
    union {
        T value_;
    };
    bool has_value_ = false;
};

template <>
class CoroPromise<void> final : public CoroPromiseBase {
public:
    explicit CoroPromise(std::source_location made = std::source_location::current()) noexcept
        : CoroPromiseBase(made) {}

    [[nodiscard]] Coro<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    [[gnu::always_inline]] void take() const {
        if (failed()) [[unlikely]] {
            std::rethrow_exception(step.take_error());
        }
    }
};

/// Owns a coroutine's frame.
template <class T>
class CoroOwner {
public:
    using Promise = CoroPromise<T>;
    using CoroHandle = std::coroutine_handle<Promise>;

    CoroOwner() = default;
    explicit CoroOwner(CoroHandle handle) noexcept : handle_(handle) {}
    CoroOwner(CoroOwner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    CoroOwner& operator=(CoroOwner other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~CoroOwner() {
        if (handle_) {
            handle_.destroy();
        }
    }
    [[nodiscard]] CoroHandle get() const noexcept { return handle_; }
    [[nodiscard]] CoroHandle release() noexcept { return std::exchange(handle_, nullptr); }

private:
    CoroHandle handle_;
};

template <class T>
class [[nodiscard]] CoroAwaiter {
public:
    explicit CoroAwaiter(CoroOwner<T>&& owner) noexcept : owner_(std::move(owner)) {}

    [[nodiscard]] bool await_ready() const {
        if (!owner_.get()) [[unlikely]] {
            throw_already_awaited();
        }
        return false;
    }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> continuation) {
        CoroPromise<T>& promise = owner_.get().promise();
        promise.start_for(continuation);
        return !resume_nested(promise, owner_.get());
    }
    [[gnu::always_inline]] T await_resume() { return owner_.get().promise().take(); }

private:
    CoroOwner<T> owner_;
};

}  // namespace detail

/// A lazy coroutine: what an `async def` function returns.
///
/// ```
/// Coro<int> answer() {
///     co_await sleep(1s);
///     co_return 42;
/// }
/// int value = co_await answer();            // runs it here, in the calling task
/// Task<int> task = create_task(answer());   // runs it beside the caller
/// ```
///
/// Nothing of the body runs before it is awaited or made a task, which happens once: awaiting
/// consumes it. A Coro that is destroyed unused says "coroutine '…' was never awaited" through the
/// exception handler. Parameters live in the coroutine: take by value what must outlive the
/// caller's statement.
///
/// Completes when the body returns or throws; no iteration of the loop passes for the await itself.
/// Cancel safety: the caller's CancelledError is thrown where the body waits.
/// Thread rule: awaited on the thread of the loop whose task awaits it.
/// Throws RuntimeError when awaited a second time.
/// asyncio: a coroutine object.
template <class T>
class [[nodiscard]] Coro {
public:
    using value_type = T;
    using promise_type = detail::CoroPromise<T>;

    Coro(Coro&& other) noexcept = default;
    /// Of anything else that can be awaited (a sleep, a queue's get): a coroutine that awaits it.
    template <class A>
    requires(detail::BareAwaitableOf<A, T>) Coro(A&& awaitable);
    Coro& operator=(Coro&& other) noexcept {
        detail::CoroOwner<T> old = std::move(owner_);
        owner_ = std::move(other.owner_);
        warn(old);
        return *this;
    }
    ~Coro() { warn(owner_); }

    [[nodiscard]] detail::CoroAwaiter<T> operator co_await() && noexcept {
        return detail::CoroAwaiter<T>(std::move(owner_));
    }
    /// A named coroutine is awaited as in Python: it is consumed too.
    [[nodiscard]] detail::CoroAwaiter<T> operator co_await() & noexcept {
        return detail::CoroAwaiter<T>(std::move(owner_));
    }

    /// False once it was awaited, made a task, closed or moved from.
    [[nodiscard]] explicit operator bool() const noexcept {
        return static_cast<bool>(owner_.get());
    }

    /// Disposes of it without a warning. asyncio: coroutine.close().
    void close() noexcept { owner_ = {}; }

    /// For create_task(): the frame, not started.
    [[nodiscard]] detail::CoroOwner<T> take() noexcept { return std::move(owner_); }

private:
    friend promise_type;
    explicit Coro(detail::CoroOwner<T> owner) noexcept : owner_(std::move(owner)) {}

    static void warn(const detail::CoroOwner<T>& owner) noexcept {
        if (owner.get()) [[unlikely]] {
            detail::report_never_awaited(owner.get().promise().made());
        }
    }

    detail::CoroOwner<T> owner_;
};

template <class T>
Coro<T> detail::CoroPromise<T>::get_return_object() noexcept {
    return Coro<T>(CoroOwner<T>(std::coroutine_handle<CoroPromise>::from_promise(*this)));
}

inline Coro<void> detail::CoroPromise<void>::get_return_object() noexcept {
    return Coro<void>(CoroOwner<void>(std::coroutine_handle<CoroPromise>::from_promise(*this)));
}

namespace detail {

/// Awaits what it holds: makes a coroutine of any awaitable.
template <class A, class T = AwaitResult<A>>
Coro<T> await_held(A awaitable) {
    if constexpr (std::is_void_v<T>) {
        static_cast<void>(co_await std::move(awaitable));
    } else {
        co_return co_await std::move(awaitable);
    }
}

}  // namespace detail

template <class T>
template <class A>
requires(detail::BareAwaitableOf<A, T>) Coro<T>::Coro(A&& awaitable)
    : Coro(detail::await_held<std::decay_t<A>, T>(std::forward<A>(awaitable))) {}

}  // namespace gyre
