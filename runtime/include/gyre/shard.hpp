// Shard: one of the loops that run_sharded() runs.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/event_loop.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace gyre {

namespace detail {
class ShardGroup;
}

/// One of the loops that run_sharded() runs, and the way to the others. A small handle: copies are
/// the same shard.
///
/// ```
/// shard.post(0, [&total, count] { total += count; });     // total is of shard 0 alone: no lock
/// ```
///
/// Thread rule: any thread, until run_sharded() returns. asyncio has none.
class GYRE_API Shard {
public:
    Shard(const detail::ShardGroup& group, std::size_t index) noexcept
        : group_(&group), index_(index) {}

    /// From 0. Shard 0 runs in the thread that called run_sharded().
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    /// How many shards there are.
    [[nodiscard]] std::size_t count() const noexcept;
    /// The loop of a shard: for run_coroutine_threadsafe(), say. Of another shard's loop only
    /// call_soon_threadsafe() may be called. Throws ValueError if there is no such shard.
    [[nodiscard]] EventLoop& loop(std::size_t index) const;

    /// Calls f() on another shard, or on this one, in an iteration to come; lock-free. Keeps the
    /// order of each poster. The main of that shard may have returned: f is called all the same,
    /// for as long as a main or a task of any shard is left. Throws RuntimeError once the loop
    /// there is closed, ValueError if there is no such shard. What f throws goes to that loop's
    /// exception handler.
    template <class F>
    requires(std::invocable<std::decay_t<F>&>) void post(std::size_t index, F&& f) const {
        loop(index).call_soon_threadsafe(std::forward<F>(f));
    }

private:
    const detail::ShardGroup* group_;
    std::size_t index_;
};

}  // namespace gyre
