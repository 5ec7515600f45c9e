// Future: a result that somebody will set.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/future_callback.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>

#include <compare>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gyre {

template <class T = void>
class Future;

namespace detail {

/// The plain future: done when somebody says so.
template <class T>
class FutureState : public FutureBase {
public:
    explicit FutureState(EventLoop& loop) noexcept : FutureBase(loop) { set_storage(storage_); }

    bool cancel(std::string_view message) override { return cancel_plain(message); }

protected:
    ~FutureState() override = default;

    Storage<T> storage_;
};

/// Why an await cannot be served.
enum class AwaitFault : std::uint8_t { none, itself, other_loop };
[[noreturn]] GYRE_API void throw_await_fault(AwaitFault fault, const FutureBase& future);
[[noreturn]] GYRE_API void throw_no_future();
/// Throws RuntimeError for a handle that refers to no future.
template <class Handle>
void check_handle(const Handle& handle) {
    if (!handle) [[unlikely]] {
        throw_no_future();
    }
}
[[noreturn]] GYRE_API void throw_task_outcome();

/// co_await of a future. `R` is const T& where the future has a name and T where it has none.
template <class T, class R>
class [[nodiscard]] FutureAwaiter {
public:
    explicit FutureAwaiter(FutureRef future) noexcept : future_(std::move(future)) {}

    [[nodiscard]] bool await_ready() const noexcept { return future_->done(); }

    void await_suspend(std::coroutine_handle<> handle) {
        TaskBase& task = TaskBase::require_current();
        suspended_ = true;
        if (future_.get() == &task) {
            fault_ = AwaitFault::itself;
        } else if (&future_->loop() != &task.loop()) {
            fault_ = AwaitFault::other_loop;
        } else {
            task.suspend_on(*future_, hook_, handle);
            return;
        }
        task.suspend_yield(handle);
    }

    [[gnu::always_inline]] R await_resume() {
        if (suspended_) {
            step.task->check_cancelled();
            if (fault_ != AwaitFault::none) [[unlikely]] {
                throw_await_fault(fault_, *future_);
            }
        }
        future_->check_result();
        if constexpr (!std::is_void_v<T>) {
            T& value = future_->template storage<Storage<T>>().get();
            if constexpr (std::is_reference_v<R>) {
                return value;
            } else if constexpr (IsCopyable<T>::value) {
                if (future_->shared()) {
                    return value;
                }
                return std::move(value);
            } else {
                return std::move(value);
            }
        }
    }

private:
    FutureRef future_;
    DoneHook hook_;
    AwaitFault fault_ = AwaitFault::none;
    bool suspended_ = false;
};

}  // namespace detail

/// Names a done-callback, to remove it.
class DoneToken {
public:
    DoneToken() = default;
    explicit DoneToken(std::uint64_t id) noexcept : id_(id) {}
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

private:
    std::uint64_t id_ = 0;
};

/// A result that is not there yet: a shared handle to it, for who sets it and who awaits it. A
/// const handle is one that always refers to the same future.
///
/// ```
/// Future<int> answer = create_future<int>();
/// get_running_loop().call_later(1s, [answer] { answer.set_result(42); });
/// int value = co_await answer;
/// ```
///
/// Awaiting completes at once if the future is done, else one iteration after it is; it gives a
/// const reference where the future has a name, the value itself where it has none, or throws the
/// exception. Every awaiter gets the outcome. An exception that nobody asks for is reported when
/// the last handle goes.
///
/// Cancel safety: cancelling a task that awaits a future cancels the future; see shield().
/// Thread rule: the loop's thread. asyncio: Future.
template <class T>
class Future {
public:
    using value_type = T;

    /// Refers to nothing; any use but assignment throws RuntimeError.
    Future() = default;
    explicit Future(detail::FutureRef state) noexcept : state_(std::move(state)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(state_); }
    /// Handles are equal if they refer to the same future, and may be keys of sets and maps.
    bool operator==(const Future&) const = default;
    auto operator<=>(const Future&) const = default;

    [[nodiscard]] bool done() const { return base().done(); }
    [[nodiscard]] bool cancelled() const { return base().cancelled(); }

    /// Makes awaiters fail with CancelledError(message). False if the future is done. What a task
    /// does about it: Task.
    bool cancel(std::string_view message = {}) const {
        base().loop().check_thread();
        return base().cancel(message);
    }

    /// The result; rethrows the exception. Throws InvalidStateError while pending.
    decltype(auto) result() const {
        base().check_result();
        if constexpr (!std::is_void_v<T>) {
            return static_cast<const T&>(storage().get());
        }
    }

    /// The exception, null with a result. Throws CancelledError if cancelled, InvalidStateError
    /// while pending.
    [[nodiscard]] std::exception_ptr exception() const { return base().exception(); }

    /// Completes the future. Throws InvalidStateError if it is done, RuntimeError on a task.
    template <class U = T>
    requires(!std::is_void_v<T> &&
             std::is_constructible_v<T, U&&>) void set_result(U&& value) const {
        detail::FutureBase& base = settable();
        storage().set(std::forward<U>(value));
        base.finish();
    }
    void set_result() const requires(std::is_void_v<T>) { settable().finish(); }
    /// Completes it with an exception: an exception_ptr, or an exception object. Throws ValueError
    /// for null.
    void set_exception(std::exception_ptr error) const {
        detail::FutureBase& base = settable();
        if (error == nullptr) {
            throw ValueError("an exception is expected, not null");
        }
        base.fail(std::move(error));
    }
    template <class E>
    requires(!std::is_convertible_v<E&&, std::exception_ptr>) void set_exception(E&& error) const {
        settable().fail(std::make_exception_ptr(std::forward<E>(error)));
    }

    /// Calls f(future), or f(), in the iteration after the future is done; in the next one if it
    /// is. f sees the caller's context as it is now.
    template <class F>
    DoneToken add_done_callback(F&& f) const {
        return DoneToken(detail::add_done_callback<Future>(base(), std::forward<F>(f)));
    }
    /// Takes a callback back that was not queued yet; returns how many that were.
    std::size_t remove_done_callback(DoneToken token) const {
        return detail::remove_done_callback(base(), token.id());
    }

    [[nodiscard]] EventLoop& get_loop() const { return base().loop(); }

    [[nodiscard]] auto operator co_await() const& {
        return detail::FutureAwaiter<
            T, std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>>>(
            checked());
    }
    [[nodiscard]] auto operator co_await() && {
        base();
        return detail::FutureAwaiter<T, T>(std::move(state_));
    }

    [[nodiscard]] const detail::FutureRef& state() const noexcept { return state_; }

protected:
    detail::FutureBase& base() const {
        detail::check_handle(state_);
        return *state_;
    }

private:
    [[nodiscard]] const detail::FutureRef& checked() const {
        base();
        return state_;
    }
    [[nodiscard]] detail::FutureBase& settable() const {
        detail::FutureBase& future = base();
        if (future.as_task() != nullptr) [[unlikely]] {
            detail::throw_task_outcome();
        }
        future.require_pending();
        future.loop().check_thread();
        return future;
    }
    [[nodiscard]] detail::Storage<T>& storage() const noexcept {
        return state_->template storage<detail::Storage<T>>();
    }

    detail::FutureRef state_;
};

/// A pending future of the loop. asyncio: loop.create_future.
template <class T = void>
[[nodiscard]] Future<T> create_future(EventLoop& loop) {
    return Future<T>(detail::FutureRef(new detail::FutureState<T>(loop)));
}
/// The same, of the running loop. Throws RuntimeError outside of one.
template <class T = void>
[[nodiscard]] Future<T> create_future() {
    return create_future<T>(get_running_loop());
}

}  // namespace gyre

template <class T>
struct std::hash<gyre::Future<T>> {
    std::size_t operator()(const gyre::Future<T>& future) const noexcept {
        return std::hash<const void*>()(future.state().get());
    }
};
