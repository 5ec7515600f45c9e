#include "shard_group.hpp"

#include <gyre/errors.hpp>

namespace gyre::detail {

ShardGroup::ShardGroup(ShardWork& work, std::size_t count, const ShardedOptions& options)
    : mains_left_(count), shards_left_(count) {
    shards_.reserve(count);
    for (std::size_t index = 0; index < count; ++index) {
        shards_.push_back(std::make_unique<ShardRun>(*this, index, work, options));
    }
}

ShardGroup::~ShardGroup() = default;

bool ShardGroup::fail(std::exception_ptr error) noexcept {
    const bool first = !failed_.exchange(true);
    if (first) {
        error_ = std::move(error);
    }
    cancel_mains_once();
    return first;
}

void ShardGroup::cancel_mains_once() noexcept {
    if (!cancelling_.exchange(true)) {
        cancel_mains();
    }
}

void ShardGroup::cancel_mains() noexcept {
    for (const std::unique_ptr<ShardRun>& shard : shards_) {
        shard->tell(ShardRun::News::cancel_main);
    }
}

void ShardGroup::main_ended() noexcept {
    if (mains_left_.fetch_sub(1) == 1) {
        for (const std::unique_ptr<ShardRun>& shard : shards_) {
            shard->tell(ShardRun::News::mains_ended);
        }
    }
}

void ShardGroup::tasks_ended() noexcept {
    if (shards_left_.fetch_sub(1) == 1) {
        for (const std::unique_ptr<ShardRun>& shard : shards_) {
            shard->tell(ShardRun::News::tasks_ended);
        }
    }
}

void ShardGroup::throw_outcome() const {
    if (error_ != nullptr) {
        std::rethrow_exception(error_);
    }
    if (cut_short_) {
        throw KeyboardInterrupt();
    }
}

}  // namespace gyre::detail
