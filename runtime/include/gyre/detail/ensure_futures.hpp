// Collections of what can be awaited, as futures: gather(), wait() and as_completed() take these.
#pragma once

#include <gyre/task.hpp>

#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre::detail {

/// take(future) for each of a collection. Coroutines and operations in it become tasks, in their
/// order.
template <class R, class F>
void for_each_future(R&& awaitables, F take) {
    using Reference = decltype(*std::begin(awaitables));
    using Each = std::decay_t<Reference>;
    // Handles are copied: a view's elements are not its own.
    constexpr bool consumed = AnyCoro<Each> || !std::is_lvalue_reference_v<Reference> ||
                              (BareAwaitable<Each> && !std::is_lvalue_reference_v<R>);
    for (auto&& each : awaitables) {
        if constexpr (consumed) {
            take(ensure_future(std::move(each)));
        } else {
            take(ensure_future(each));
        }
    }
}

template <class R>
[[nodiscard]] auto ensure_futures(R&& awaitables) {
    using Each = std::decay_t<decltype(*std::begin(awaitables))>;
    std::vector<decltype(ensure_future(std::declval<Each>()))> futures;
    for_each_future(std::forward<R>(awaitables),
                    [&futures](auto future) { futures.push_back(std::move(future)); });
    return futures;
}

}  // namespace gyre::detail
