// with: a resource for the time of a body.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/storage.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace gyre {

namespace detail {

template <class R>
using Entered = typename decltype(std::declval<std::remove_reference_t<R>&>().enter())::value_type;

/// body(U&), or body() where enter() gives nothing or the body does not care.
template <class F, class U>
decltype(auto) call_with(F& body, Storage<U>& entered) {
    if constexpr (std::is_void_v<U>) {
        return std::invoke(body);
    } else if constexpr (std::invocable<F&, U&>) {
        return std::invoke(body, entered.get());
    } else {
        return std::invoke(body);
    }
}
template <class R, class F>
using WithResult =
    AwaitResult<decltype(call_with(std::declval<F&>(), std::declval<Storage<Entered<R>>&>()))>;

/// The resource is R& for a named one, which the caller keeps, and R for one that this owns.
template <class R, class F>
Coro<WithResult<R, F>> run_with(R resource, F body) {
    using U = Entered<R>;
    using T = WithResult<R, F>;
    Storage<U> entered;
    if constexpr (std::is_void_v<U>) {
        co_await resource.enter();
    } else {
        U value = co_await resource.enter();
        entered.set(std::move(value));
    }
    Storage<T> result;
    std::exception_ptr error;
    try {
        auto awaitable = call_with(body, entered);
        if constexpr (std::is_void_v<T>) {
            co_await std::move(awaitable);
        } else {
            T value = co_await std::move(awaitable);
            result.set(std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await resource.exit(error);
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
    if constexpr (!std::is_void_v<T>) {
        co_return std::move(result.get());
    }
}

}  // namespace detail

/// Awaits resource.enter(), runs body(what it gave), awaits resource.exit(exception or null)
/// however the body ended, and ends as the body did.
///
/// ```
/// co_await with(lock, [&]() -> Coro<> { co_await update(); });
/// co_await with(Session(), [&](Client& client) -> Coro<> { co_await client.get(url); });
/// ```
///
/// A named resource stays the caller's; another one lives as long as the body. An exception of
/// exit() takes the place of the body's. Cancel safety: exit() is awaited when the body is
/// cancelled, too. asyncio: `async with resource as value:`.
template <class R, class F>
[[nodiscard]] auto with(R&& resource, F&& body) {
    return detail::run_with<R, std::decay_t<F>>(std::forward<R>(resource), std::forward<F>(body));
}

}  // namespace gyre
