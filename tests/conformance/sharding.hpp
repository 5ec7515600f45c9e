// What the tests of run_sharded share: three shards on each loop, and how they wait for each other.
#pragma once

#include "support.hpp"

#include <array>
#include <cstddef>

inline constexpr std::size_t kShards = 3;

/// Runs f(options) for each loop, with three shards; nothing may be left in this thread.
template <class F>
void on_three_shards(F f) {
    on_all_loops(
        [&f](const std::string& spec) { f(ShardedOptions{.shards = kShards, .loop = spec}); });
}

/// What a test waits for in one shard and sets from another: one flag a shard, each of its own
/// thread alone.
class Flags {
public:
    [[nodiscard]] Event& of(const Shard& shard) { return events_.at(shard.index()); }
    void set(const Shard& from, std::size_t index) {
        from.post(index, [this, index] { events_.at(index).set(); });
    }
    void set_all(const Shard& from) {
        for (std::size_t index = 0; index < from.count(); ++index) {
            set(from, index);
        }
    }

private:
    std::array<Event, kShards> events_;
};

/// Ends by a cancel alone. A virtual clock waits for other threads a moment, then an hour is over.
inline Coro<> never() {
    const Future<> future = create_future();
    co_await future;
}

/// Where every shard comes once. Who only comes, and waits for something else in the same step, can
/// be found there by those who wait for all.
class Meeting {
public:
    void come(const Shard& shard) {
        shard.post(0, [this, shard] {
            if (++here_ == shard.count()) {
                flags_.set_all(shard);
            }
        });
    }
    Coro<> meet(Shard shard) {
        come(shard);
        co_await flags_.of(shard).wait();
    }

private:
    std::size_t here_ = 0;  // of shard 0
    Flags flags_;
};
