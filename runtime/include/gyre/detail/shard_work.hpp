// ShardWork: what each shard of run_sharded() calls.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/storage.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/shard.hpp>
#include <gyre/task.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre::detail {

template <class F>
decltype(auto) call_main(F& main, Shard& shard) {
    if constexpr (std::invocable<F&, Shard&>) {
        return std::invoke(main, shard);
    } else {
        return std::invoke(main);
    }
}

template <class F>
concept ShardFunction = (std::invocable<F&, Shard&> || std::invocable<F&>)&&CoroLike<
    std::remove_cvref_t<decltype(call_main(std::declval<F&>(), std::declval<Shard&>()))>>;

template <class F>
using ShardResult = AwaitResult<
    std::remove_cvref_t<decltype(call_main(std::declval<F&>(), std::declval<Shard&>()))>>;

/// What the shards run, without its type. Both are called once by each shard, in its thread.
class GYRE_API ShardWork {
public:
    ShardWork() = default;
    ShardWork(const ShardWork&) = delete;
    ShardWork& operator=(const ShardWork&) = delete;

    [[nodiscard]] virtual FutureRef start(EventLoop& loop, Shard shard) = 0;
    virtual void keep_result(std::size_t index, FutureBase& task) = 0;

protected:
    ~ShardWork() = default;
};

/// The same with the type of its result.
template <class T>
class ShardCalls : public ShardWork {
public:
    explicit ShardCalls(std::size_t shards) : results_(shards) {}

    FutureRef start(EventLoop& loop, Shard shard) final {
        return create_task(loop, run_main(*this, shard)).state();
    }
    void keep_result(std::size_t index, FutureBase& task) final {
        if constexpr (!std::is_void_v<T>) {
            results_[index].set(std::move(task.storage<Storage<T>>().get()));
        }
    }
    [[nodiscard]] std::vector<T> take_results() requires(!std::is_void_v<T>) {
        std::vector<T> all;
        all.reserve(results_.size());
        for (Storage<T>& result : results_) {
            all.push_back(std::move(result.get()));
        }
        return all;
    }

protected:
    ~ShardCalls() = default;
    [[nodiscard]] virtual Coro<T> call(Shard& shard) = 0;

private:
    // Keeps the handle where the coroutine that main returns can refer to it.
    static Coro<T> run_main(ShardCalls& calls, Shard shard) {
        Coro<T> main = calls.call(shard);
        co_return co_await std::move(main);
    }

    std::vector<Storage<T>> results_;  // each is set in a thread of its own
};

template <class F>
class ShardMain final : public ShardCalls<ShardResult<F>> {
public:
    ShardMain(F& main, std::size_t shards) : ShardCalls<ShardResult<F>>(shards), main_(main) {}

private:
    Coro<ShardResult<F>> call(Shard& shard) override {
        using Awaitable = std::remove_cvref_t<decltype(call_main(main_, shard))>;
        if constexpr (AnyCoro<Awaitable>) {
            return call_main(main_, shard);
        } else {
            return await_held<Awaitable>(call_main(main_, shard));
        }
    }

    F& main_;
};

}  // namespace gyre::detail
