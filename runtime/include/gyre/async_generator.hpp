// AsyncGenerator: a coroutine that yields values one after the other, and may wait between them.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/awaitable.hpp>
#include <gyre/detail/generator_base.hpp>
#include <gyre/detail/pool.hpp>
#include <gyre/detail/step.hpp>
#include <gyre/errors.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

template <class T>
class AsyncGenerator;

namespace detail {

template <class T>
AsyncGenerator<T> same_generator(const AsyncGenerator<T>& generator);

template <class T>
class YieldCopyAwaiter;

template <class T>
class GeneratorPromise final : public GeneratorPromiseBase {
public:
    using Handle = std::coroutine_handle<GeneratorPromise>;

    [[nodiscard]] AsyncGenerator<T> get_return_object() noexcept;

    [[nodiscard]] YieldAwaiter yield_value(T& value) noexcept {
        value_ = std::addressof(value);
        return YieldAwaiter(*this);
    }
    [[nodiscard]] YieldAwaiter yield_value(T&& value) noexcept { return yield_value(value); }
    // What is not a T is made one, which lies in the frame until the body goes on.
    template <class U>
    requires(std::constructible_from<T, U&&> && !std::same_as<U, T>)
        [[nodiscard]] YieldCopyAwaiter<T> yield_value(U&& value) {
        return YieldCopyAwaiter<T>(*this, T(std::forward<U>(value)));
    }
    void set_value(T& value) noexcept { value_ = std::addressof(value); }
    void return_void() const noexcept {}

    /// What came of a resume.
    [[nodiscard]] std::optional<T> take() {
        rethrow_failure();
        if (ended()) {
            return std::nullopt;
        }
        return std::move(*value_);
    }

private:
    T* value_ = nullptr;
};

template <class T>
class [[nodiscard]] YieldCopyAwaiter : public YieldAwaiter {
public:
    YieldCopyAwaiter(GeneratorPromise<T>& promise, T value)
        : YieldAwaiter(promise), promise_(promise), value_(std::move(value)) {}

    void await_suspend(std::coroutine_handle<> handle) noexcept {
        promise_.set_value(value_);
        YieldAwaiter::await_suspend(handle);
    }

private:
    GeneratorPromise<T>& promise_;
    T value_;
};

/// Runs the generator to its next yield, or to its end, and takes the value.
template <class T>
class [[nodiscard]] NextAwaiter : public AdvanceAwaiter {
public:
    using AdvanceAwaiter::AdvanceAwaiter;

    std::optional<T> await_resume() {
        if (!AdvanceAwaiter::await_resume()) {
            return std::nullopt;
        }
        return static_cast<GeneratorPromise<T>&>(generator()).take();
    }
};

template <class T>
class [[nodiscard]] Next {
public:
    explicit Next(GeneratorRef generator) noexcept : generator_(std::move(generator)) {}
    [[nodiscard]] NextAwaiter<T> operator co_await() const {
        return NextAwaiter<T>(generator_, "anext()");
    }

private:
    GeneratorRef generator_;
};

template <class T>
Coro<std::optional<T>> throw_into(GeneratorRef generator, std::exception_ptr error) {
    if (generator->prepare_throw(error, "athrow()")) {
        NextAwaiter<T> next(std::move(generator), "athrow()");
        co_return co_await next;
    }
    co_return std::nullopt;
}

}  // namespace detail

/// An asynchronous generator: what an `async def` with `yield` returns.
///
/// ```
/// AsyncGenerator<int> ticks(int count) {
///     for (int i = 0; i < count; ++i) {
///         co_yield i;
///         co_await sleep(1s);
///     }
/// }
/// auto gen = ticks(3);
/// while (auto tick = co_await gen.next()) use(*tick);
/// ```
///
/// The body runs inside the task that awaits next(): its cancellation is thrown where the body
/// waits. A generator that is let go before its end is closed by a task of its own, on a live loop.
///
/// Thread rule: one loop's thread. asyncio: an asynchronous generator.
template <class T>
class [[nodiscard]] AsyncGenerator {
public:
    using value_type = T;
    using promise_type = detail::GeneratorPromise<T>;

    AsyncGenerator(AsyncGenerator&&) noexcept = default;
    AsyncGenerator& operator=(AsyncGenerator&&) noexcept = default;
    ~AsyncGenerator() = default;

    /// The next value; nullopt after the last, and ever after. Rethrows what the body throws, once.
    /// Cancel safety: a cancelled next() ends the generator, unless its body catches the error.
    /// Throws RuntimeError while another next() or aclose() is under way. asyncio: anext.
    [[nodiscard]] detail::Next<T> next() { return detail::Next<T>(generator()); }

    /// Ends it now: its destructors run, as if the body had left at its co_yield. Nothing happens
    /// to one that has ended; one that never began is not entered. Throws RuntimeError while a
    /// next() is under way. asyncio: aclose.
    [[nodiscard]] Coro<> aclose() { return detail::close_generator(generator()); }

    /// Throws the exception where the body stands at its co_yield; gives what it yields next.
    /// asyncio: athrow.
    [[nodiscard]] Coro<std::optional<T>> athrow(std::exception_ptr error) {
        return detail::throw_into<T>(generator(), std::move(error));
    }

private:
    friend promise_type;
    friend AsyncGenerator detail::same_generator<T>(const AsyncGenerator& generator);
    explicit AsyncGenerator(detail::GeneratorRef generator) noexcept
        : generator_(std::move(generator)) {}

    /// Throws RuntimeError if it was moved away.
    [[nodiscard]] const detail::GeneratorRef& generator() const {
        if (!generator_) [[unlikely]] {
            detail::throw_no_generator();
        }
        return generator_;
    }

    detail::GeneratorRef generator_;
};

template <class T>
AsyncGenerator<T> detail::GeneratorPromise<T>::get_return_object() noexcept {
    return AsyncGenerator<T>(adopt(Handle::from_promise(*this)));
}

/// Another handle to it, for what uses up a generator that has a name.
template <class T>
AsyncGenerator<T> detail::same_generator(const AsyncGenerator<T>& generator) {
    return AsyncGenerator<T>(generator.generator());
}

// --- comprehensions -----------------------------------------------------------------------------

namespace detail {

template <class R>
using Plain = std::remove_cvref_t<R>;

/// The value of f(x), awaited if that is a coroutine.
template <class F, class V>
using CallValue = typename std::conditional_t<
    AnyCoro<std::invoke_result_t<F&, V>>, std::invoke_result<F&, V>,
    std::type_identity<Coro<Plain<std::invoke_result_t<F&, V>>>>>::type::value_type;

}  // namespace detail

/// Keeps the values for which p(value) is true; p may be a coroutine.
template <class P>
class Filter {
public:
    explicit Filter(P predicate) : predicate_(std::move(predicate)) {}
    P predicate_;
};
/// Gives f(value) for each value; f may be a coroutine.
template <class F>
class Transform {
public:
    explicit Transform(F function) : function_(std::move(function)) {}
    F function_;
};
/// Gives the first `count` values, then closes the generator.
class Take {
public:
    explicit Take(std::size_t count) noexcept : count_(count) {}
    std::size_t count_;
};

template <class P>
[[nodiscard]] Filter<std::decay_t<P>> filter(P&& predicate) {
    return Filter<std::decay_t<P>>(std::forward<P>(predicate));
}
template <class F>
[[nodiscard]] Transform<std::decay_t<F>> transform(F&& function) {
    return Transform<std::decay_t<F>>(std::forward<F>(function));
}
[[nodiscard]] inline Take take(std::size_t count) noexcept { return Take(count); }

namespace detail {

// Each of these closes its source before it ends by an exception, of which its own close is one:
// what the source holds is not left to a task that comes later.

template <class T, class P>
AsyncGenerator<T> filtered(AsyncGenerator<T> source, P predicate) {
    std::exception_ptr error;
    try {
        while (true) {
            std::optional<T> value = co_await source.next();
            if (!value) {
                co_return;
            }
            bool keep = false;
            if constexpr (AnyCoro<std::invoke_result_t<P&, const T&>>) {
                keep = co_await std::invoke(predicate, std::as_const(*value));
            } else {
                keep = static_cast<bool>(std::invoke(predicate, std::as_const(*value)));
            }
            if (keep) {
                co_yield *value;
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await source.aclose();
    std::rethrow_exception(error);
}

template <class T, class F>
AsyncGenerator<CallValue<F, T>> transformed(AsyncGenerator<T> source, F function) {
    std::exception_ptr error;
    try {
        while (true) {
            std::optional<T> value = co_await source.next();
            if (!value) {
                co_return;
            }
            if constexpr (AnyCoro<std::invoke_result_t<F&, T>>) {
                auto made = co_await std::invoke(function, std::move(*value));
                co_yield made;
            } else {
                auto made = std::invoke(function, std::move(*value));
                co_yield made;
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await source.aclose();
    std::rethrow_exception(error);
}

template <class T>
AsyncGenerator<T> taken(AsyncGenerator<T> source, std::size_t count) {
    std::exception_ptr error;
    try {
        while (count-- > 0) {
            std::optional<T> value = co_await source.next();
            if (!value) {
                co_return;
            }
            co_yield *value;
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await source.aclose();
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
}

}  // namespace detail

namespace detail {

template <class T, class P>
[[nodiscard]] AsyncGenerator<T> piped(AsyncGenerator<T> source, Filter<P> step) {
    return filtered(std::move(source), std::move(step.predicate_));
}
template <class T, class F>
[[nodiscard]] auto piped(AsyncGenerator<T> source, Transform<F> step) {
    return transformed(std::move(source), std::move(step.function_));
}
template <class T>
[[nodiscard]] AsyncGenerator<T> piped(AsyncGenerator<T> source, Take step) {
    return taken(std::move(source), step.count_);
}

template <class T>
Coro<std::vector<T>> collect_all(AsyncGenerator<T> generator) {
    std::vector<T> values;
    while (true) {
        std::optional<T> value = co_await generator.next();
        if (!value) {
            break;
        }
        values.push_back(std::move(*value));
    }
    co_return values;
}

}  // namespace detail

/// One step of a comprehension. A generator with a name is used up, as by a loop over it.
template <class T, class S>
[[nodiscard]] auto operator|(AsyncGenerator<T>&& source, S step)
    -> decltype(detail::piped(std::move(source), std::move(step))) {
    return detail::piped(std::move(source), std::move(step));
}
template <class T, class S>
[[nodiscard]] auto operator|(AsyncGenerator<T>& source, S step)
    -> decltype(detail::piped(std::move(source), std::move(step))) {
    return detail::piped(detail::same_generator(source), std::move(step));
}

/// All values of a generator, in order: the asynchronous comprehension.
///
/// ```
/// auto evens = co_await collect(numbers() | filter([](int n) { return n % 2 == 0; }) | take(10));
/// ```
///
/// asyncio: [x async for x in gen if …].
template <class T>
[[nodiscard]] Coro<std::vector<T>> collect(AsyncGenerator<T>&& generator) {
    return detail::collect_all(std::move(generator));
}
template <class T>
[[nodiscard]] Coro<std::vector<T>> collect(AsyncGenerator<T>& generator) {
    return detail::collect_all(detail::same_generator(generator));
}

}  // namespace gyre
