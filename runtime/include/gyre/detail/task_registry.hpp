// TaskRegistry: which tasks a loop has, oldest first.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <cstdint>

namespace gyre::detail {

class TaskBase;

/// The tasks that are not done, in the order of their making. A task knows its place here, so that
/// it leaves without a look at its neighbours, which are as likely as not out of every cache.
class GYRE_API TaskRegistry {
public:
    TaskRegistry() = default;
    TaskRegistry(const TaskRegistry&) = delete;
    TaskRegistry& operator=(const TaskRegistry&) = delete;
    ~TaskRegistry();

    using Place = TaskBase**;

    /// Throws std::bad_alloc.
    [[nodiscard]] Place add(TaskBase& task) {
        if (next_ == end_) [[unlikely]] {
            append_block();
        }
        const Place place = next_++;
        *place = &task;
        return place;
    }
    void remove(Place place) noexcept {
        *place = nullptr;
        Block& block = block_of(place);
        if (++block.gone == kPlaces) {
            free_block(block);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept;
    /// f(task) for each.
    template <class F>
    void for_each(F f) const {
        for (const Block* block = first_; block != nullptr; block = block->next) {
            for (TaskBase* const* place = block->tasks; place != end_of(*block); ++place) {
                if (*place != nullptr) {
                    f(**place);
                }
            }
        }
    }

private:
    // A block goes when its last task went: places are not used twice, which keeps the order.
    static constexpr std::size_t kBlock = 512;
    static constexpr std::size_t kPlaces = (kBlock - 3 * sizeof(void*)) / sizeof(void*);
    struct alignas(kBlock) Block {
        Block* next = nullptr;
        Block* previous = nullptr;
        std::size_t gone = 0;  // of those that had a place here
        TaskBase* tasks[kPlaces];
    };
    static_assert(sizeof(Block) == kBlock);

    [[nodiscard]] static Block& block_of(Place place) noexcept {
        return *reinterpret_cast<Block*>(reinterpret_cast<std::uintptr_t>(place) & ~(kBlock - 1));
    }
    [[nodiscard]] TaskBase* const* end_of(const Block& block) const noexcept {
        return &block == last_ ? next_ : block.tasks + kPlaces;
    }
    void append_block();
    void free_block(Block& block) noexcept;

    Place next_ = nullptr;  // in last_
    Place end_ = nullptr;
    Block* first_ = nullptr;
    Block* last_ = nullptr;
    Block* spare_ = nullptr;  // kept, as the pool keeps the tasks' memory
};

}  // namespace gyre::detail
