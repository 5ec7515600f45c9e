// wait: until some or all of several tasks are done.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/distinct.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/task_handle.hpp>

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

/// What wait() waits for.
enum class ReturnWhen : std::uint8_t {
    all_completed,
    first_completed,
    first_exception,  ///< a failure (a cancelled one is none), else all
};
inline constexpr ReturnWhen ALL_COMPLETED = ReturnWhen::all_completed;
inline constexpr ReturnWhen FIRST_COMPLETED = ReturnWhen::first_completed;
inline constexpr ReturnWhen FIRST_EXCEPTION = ReturnWhen::first_exception;

struct WaitOptions {
    detail::AnyLimit timeout = {};  ///< unset: none
    ReturnWhen return_when = ALL_COMPLETED;
};
static_assert(std::is_trivially_destructible_v<WaitOptions>);

/// What wait() gives, each part in the order of the input.
template <class F>
struct WaitResult {
    WaitResult() = default;

    std::vector<F> done;
    std::vector<F> pending;
};

namespace detail {

[[nodiscard]] GYRE_API Coro<> wait_until(std::vector<FutureRef> futures, WaitOptions options);
GYRE_API void check_wait(std::size_t count, const WaitOptions& options);

template <class F>
Coro<WaitResult<F>> wait_and_sort(std::vector<F> futures, WaitOptions options) {
    std::vector<FutureRef> states;
    states.reserve(futures.size());
    for (const F& each : futures) {
        check_handle(each);
        states.push_back(FutureRef::share(each.state().get()));
    }
    check_wait(states.size(), options);
    co_await wait_until(std::move(states), options);
    WaitResult<F> result;
    for (F& each : futures) {
        auto& part = each.done() ? result.done : result.pending;
        part.push_back(std::move(each));
    }
    co_return result;
}

template <class R>
[[nodiscard]] auto wait_for_each(R&& tasks, const WaitOptions& options) {
    using F = std::decay_t<decltype(*std::begin(tasks))>;
    static_assert(!AnyCoro<F>, "wait() takes tasks or futures: make tasks of coroutines first");
    std::vector<F> distinct(std::begin(tasks), std::end(tasks));
    erase_duplicates(distinct);
    return wait_and_sort<F>(std::move(distinct), options);
}

}  // namespace detail

/// Waits until the tasks or futures are done, or until `options` is content.
///
/// ```
/// auto result = co_await wait(tasks, {.timeout = 1s, .return_when = FIRST_COMPLETED});
/// for (auto& task : result.done) use(co_await task);
/// ```
///
/// Completes even for tasks that are done already in no less than two iterations. The same task
/// twice counts once. The time limit throws nothing and cancels nothing. Cancel safety: the tasks
/// are not touched. Throws ValueError for an empty collection. asyncio: wait.
template <class R>
[[nodiscard]] auto wait(R&& tasks, WaitOptions options = {}) {
    return detail::wait_for_each(tasks, options);
}
/// The same for a list of them: wait({reader, writer}).
template <class F>
[[nodiscard]] auto wait(std::initializer_list<F> tasks, WaitOptions options = {}) {
    return detail::wait_for_each(tasks, options);
}

}  // namespace gyre
