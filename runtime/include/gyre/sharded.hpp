// run_sharded: one program on many loops, each with a thread of its own.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/shard_work.hpp>
#include <gyre/resolver_options.hpp>
#include <gyre/shard.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

namespace gyre {

/// How many shards, and how each of them runs; see RunOptions.
struct ShardedOptions {
    std::size_t shards = 0;          ///< 0: one for each core that the process may use
    std::string_view loop = {};      ///< a loop spec; empty: install(), GYRE_LOOP, "uv"
    std::optional<bool> debug = {};  ///< debug mode; unset: GYRE_DEBUG
    std::string_view resolver = {};  ///< `cares` or `system`; empty: see make_resolver()
    ResolverOptions resolver_options = {};
};
static_assert(std::is_trivially_destructible_v<ShardedOptions>);

/// How many cores the process may use, whatever the machine has: at least 1. asyncio has none;
/// os.process_cpu_count.
[[nodiscard]] GYRE_API std::size_t usable_cores();

namespace detail {
[[nodiscard]] GYRE_API std::size_t count_shards(const ShardedOptions& options);
GYRE_API void run_shards(ShardWork& work, std::size_t count, const ShardedOptions& options);
}  // namespace detail

/// Runs main(shard), or main(), a coroutine, once on each of many loops, and returns when all of
/// them have ended; gives their results in the order of the shards.
///
/// ```
/// run_sharded(
///     [](Shard&) -> Coro<> {
///         Server server = co_await start_server(echo, "", 8080, {.reuse_port = true});
///         co_await server.serve_forever();
///     },
///     {.shards = 4});
/// ```
///
/// Each shard has a loop and a thread; shard 0 has the caller's. No main starts before every loop
/// and every thread is there. `main` itself is one object, which all shards call at the same time;
/// it sees a copy of the caller's context.
///
/// The first exception of a main, by time, cancels the mains of the other shards and is thrown when
/// those have ended; the ones that follow go to the exception handler of their loop. An exit error
/// that leaves a loop, from a task or a callback, counts as one. Ctrl-C, under the conditions of
/// Runner, cancels the mains of all shards: KeyboardInterrupt is thrown if one of them ends so and
/// none by another exception. A second Ctrl-C cancels them again; the next one has its default
/// action.
///
/// A loop turns until the mains of all shards have ended. The tasks that are left are then
/// cancelled and awaited, and after those of all shards the loops are closed. Virtual loops have a
/// clock each, which waits for the other shards a moment and then jumps to the next deadline; where
/// there are several, none can know of a deadlock.
///
/// Thread rule: signal handlers belong to shard 0, if that is the main thread. Throws RuntimeError
/// inside a running loop; what new_event_loop() throws; std::system_error if there is no thread to
/// be had. asyncio has none; with one shard it is run().
template <class F>
requires(detail::ShardFunction<std::remove_reference_t<F>>) auto run_sharded(
    F&& main, ShardedOptions options = {}) {
    using Function = std::remove_reference_t<F>;
    const std::size_t count = detail::count_shards(options);
    detail::ShardMain<Function> calls(main, count);
    detail::run_shards(calls, count, options);
    if constexpr (!std::is_void_v<detail::ShardResult<Function>>) {
        return calls.take_results();
    }
}

}  // namespace gyre
