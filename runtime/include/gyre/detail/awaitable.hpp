// What can be awaited, and what comes of it.
#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>
#include <variant>

namespace gyre::detail {

template <class A>
concept HasMemberAwait = requires(A&& a) {
    std::forward<A>(a).operator co_await();
};
template <class A>
concept HasFreeAwait = requires(A&& a) {
    operator co_await(std::forward<A>(a));
};

/// The awaiter that `co_await a` uses.
template <class A>
decltype(auto) get_awaiter(A&& a) {
    if constexpr (HasMemberAwait<A>) {
        return std::forward<A>(a).operator co_await();
    } else if constexpr (HasFreeAwait<A>) {
        return operator co_await(std::forward<A>(a));
    } else {
        return std::forward<A>(a);
    }
}

template <class A>
concept Awaiter = requires(std::remove_reference_t<A>& a) {
    a.await_ready();
    a.await_resume();
};

/// Anything `co_await` takes: a coroutine, a future, a task, what sleep() returns.
template <class A>
concept Awaitable = HasMemberAwait<A> || HasFreeAwait<A> || Awaiter<A>;

template <class A>
using AwaiterOf = std::remove_reference_t<decltype(get_awaiter(std::declval<A>()))>;

/// The value of `co_await a`, by value.
template <class A>
using AwaitResult = std::remove_cvref_t<decltype(std::declval<AwaiterOf<A>&>().await_resume())>;

/// Stands for an awaiter that lies elsewhere: g++ 12 copies an awaiter that await_transform()
/// passes on by reference.
template <class A>
class AwaiterRef {
public:
    explicit AwaiterRef(A& awaiter) noexcept : awaiter_(awaiter) {}

    [[nodiscard]] bool await_ready() { return awaiter_.await_ready(); }
    template <class Handle>
    auto await_suspend(Handle handle) {
        return awaiter_.await_suspend(handle);
    }
    decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
    A& awaiter_;
};

/// What await_transform() makes of its argument.
template <class A>
decltype(auto) pass_awaitable(A&& awaitable) noexcept {
    static_assert(Awaitable<A&&>, "a Coro, a Task, a Future or an awaiter is expected here");
    if constexpr (HasMemberAwait<A> || HasFreeAwait<A>) {
        return std::forward<A>(awaitable);
    } else {
        return AwaiterRef<std::remove_reference_t<A>>(awaitable);
    }
}

/// A place in a tuple or a vector for it: std::monostate for void.
template <class T>
using Regular = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

}  // namespace gyre::detail
