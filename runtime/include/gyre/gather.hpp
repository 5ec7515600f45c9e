// gather: runs several things at once and collects their results.
#pragma once

#include <gyre/detail/ensure_futures.hpp>
#include <gyre/detail/gather_base.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/future.hpp>
#include <gyre/result.hpp>
#include <gyre/task.hpp>

#include <cstddef>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace gyre {

/// gather(return_exceptions, …): each place of the result is a Result, and no failure ends the
/// wait.
struct ReturnExceptions {
    explicit ReturnExceptions() = default;
};
inline constexpr ReturnExceptions return_exceptions{};

namespace detail {

template <class A>
using GatheredFuture = decltype(ensure_future(std::declval<A>()));
template <class A>
using Gathered = typename GatheredFuture<A>::value_type;
template <class A>
concept Gatherable = requires(A&& a) {
    ensure_future(std::forward<A>(a));
};
template <class R>
using GatheredEach = std::decay_t<decltype(*std::begin(std::declval<R&>()))>;
template <class R>
concept GatherableRange = !Gatherable<R> && Gatherable<GatheredEach<R>>;

/// Copies a child's result, or moves it where it can only be moved or nobody else has the child.
template <class T>
[[nodiscard]] Regular<T> take_result(FutureBase& child) {
    if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        T& value = child.storage<Storage<T>>().get();
        if constexpr (IsCopyable<T>::value) {
            return value;
        } else {
            return std::move(value);
        }
    }
}

template <class T>
[[nodiscard]] Result<T> take_outcome(FutureBase& child) {
    if (child.state() == FutureBase::State::finished) {
        return Result<T>(std::in_place, take_result<T>(child));
    }
    return Result<T>(child.cancelled() ? child.cancelled_error() : child.exception());
}

template <bool with_exceptions, class T>
using Place = std::conditional_t<with_exceptions, Result<T>, Regular<T>>;

template <bool with_exceptions, class T>
[[nodiscard]] Place<with_exceptions, T> take_place(FutureBase& child) {
    if constexpr (with_exceptions) {
        return take_outcome<T>(child);
    } else {
        return take_result<T>(child);
    }
}

template <bool with_exceptions, class... T>
class TupleGather final : public GatherBase {
public:
    using Value = std::tuple<Place<with_exceptions, T>...>;

    TupleGather(EventLoop& loop, std::vector<FutureRef> children)
        : GatherBase(loop, std::move(children), with_exceptions) {
        set_storage(storage_);
        begin();
    }

private:
    ~TupleGather() override = default;
    void collect() override { collect_from(std::index_sequence_for<T...>()); }
    template <std::size_t... index>
    void collect_from(std::index_sequence<index...> /*places*/) {
        storage_.set(take_place<with_exceptions, T>(child(index))...);
        finish();
    }

    Storage<Value> storage_;
};

template <bool with_exceptions, class T>
class VectorGather final : public GatherBase {
public:
    using Value = std::vector<Place<with_exceptions, T>>;

    VectorGather(EventLoop& loop, std::vector<FutureRef> children)
        : GatherBase(loop, std::move(children), with_exceptions) {
        set_storage(storage_);
        begin();
    }

private:
    ~VectorGather() override = default;
    void collect() override {
        Value values;
        values.reserve(size());
        for (std::size_t index = 0; index < size(); ++index) {
            values.push_back(take_place<with_exceptions, T>(child(index)));
        }
        storage_.set(std::move(values));
        finish();
    }

    Storage<Value> storage_;
};

template <class G>
[[nodiscard]] Future<typename G::Value> make_gather(std::vector<FutureRef> children) {
    EventLoop& loop = children.empty() ? get_running_loop() : children.front()->loop();
    return Future<typename G::Value>(FutureRef(new G(loop, std::move(children))));
}

/// Of an A. A task that is made for it is gather()'s own: nobody misses it when the loop goes.
template <class A, class F>
[[nodiscard]] const FutureRef& child_state(const F& future) {
    if constexpr (AnyCoro<A> || BareAwaitable<A>) {
        future.state()->as_task()->disable_pending_report();
    }
    return future.state();
}

template <bool with_exceptions, class... A>
[[nodiscard]] auto gather_all(A&&... awaitables) {
    std::vector<FutureRef> children;
    children.reserve(sizeof...(A));
    (children.push_back(child_state<A>(ensure_future(std::forward<A>(awaitables)))), ...);
    return make_gather<TupleGather<with_exceptions, Gathered<A>...>>(std::move(children));
}

template <bool with_exceptions, class R>
[[nodiscard]] auto gather_range(R&& awaitables) {
    std::vector<FutureRef> children;
    if constexpr (requires { awaitables.size(); }) {
        children.reserve(awaitables.size());
    }
    for_each_future(std::forward<R>(awaitables), [&children](const auto& future) {
        children.push_back(child_state<GatheredEach<R>>(future));
    });
    return make_gather<VectorGather<with_exceptions, Gathered<GatheredEach<R>>>>(
        std::move(children));
}

}  // namespace detail

/// Runs coroutines as tasks, beside futures and tasks that run already, and waits for all of them.
///
/// ```
/// auto [user, orders] = co_await gather(load_user(id), load_orders(id));
/// std::vector<Page> pages = co_await gather(std::move(requests));   // vector<Coro<Page>>
/// ```
///
/// Gives a future of the results in the order of the arguments, as a tuple (std::monostate for
/// void), or a vector for any collection. The tasks are made at once. The first failure, a
/// cancelled child too, fails the future; the others run on, and what becomes of them is not
/// reported. No arguments: done at once.
///
/// Cancel safety: cancelling the future cancels every child that is not done; it fails when the
/// first has ended so. Throws ValueError for futures of different loops, RuntimeError outside a
/// running loop. asyncio: gather.
template <class... A>
requires(detail::Gatherable<A>&&...) [[nodiscard]] auto gather(A&&... awaitables) {
    return detail::gather_all<false>(std::forward<A>(awaitables)...);
}
template <class R>
requires(detail::GatherableRange<R>) [[nodiscard]] auto gather(R&& awaitables) {
    return detail::gather_range<false>(std::forward<R>(awaitables));
}

/// The same, but failures and cancellations are results: done when every child is. If it was
/// cancelled itself it fails with CancelledError then. asyncio: gather(return_exceptions=True).
template <class... A>
requires(detail::Gatherable<A>&&...)
    [[nodiscard]] auto gather(ReturnExceptions /*tag*/, A&&... awaitables) {
    return detail::gather_all<true>(std::forward<A>(awaitables)...);
}
template <class R>
requires(detail::GatherableRange<R>)
    [[nodiscard]] auto gather(ReturnExceptions /*tag*/, R&& awaitables) {
    return detail::gather_range<true>(std::forward<R>(awaitables));
}

}  // namespace gyre
