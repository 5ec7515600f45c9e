#include <gyre/detail/task_registry.hpp>

#include <cassert>
#include <utility>

namespace gyre::detail {

TaskRegistry::~TaskRegistry() {
    assert(size() == 0);
    for (Block* list : {first_, spare_}) {
        while (list != nullptr) {
            delete std::exchange(list, list->next);
        }
    }
}

std::size_t TaskRegistry::size() const noexcept {
    std::size_t count = 0;
    for (const Block* block = first_; block != nullptr; block = block->next) {
        count += static_cast<std::size_t>(end_of(*block) - block->tasks) - block->gone;
    }
    return count;
}

void TaskRegistry::append_block() {
    Block* const block = spare_ != nullptr ? std::exchange(spare_, spare_->next) : new Block;
    block->next = nullptr;
    block->previous = last_;
    block->gone = 0;
    (last_ == nullptr ? first_ : last_->next) = block;
    last_ = block;
    next_ = block->tasks;
    end_ = block->tasks + kPlaces;
}

void TaskRegistry::free_block(Block& block) noexcept {
    (block.previous == nullptr ? first_ : block.previous->next) = block.next;
    if (&block != last_) {
        block.next->previous = block.previous;
    } else {
        last_ = block.previous;
        next_ = end_ = last_ == nullptr ? nullptr : last_->tasks + kPlaces;
    }
    block.next = spare_;
    spare_ = &block;
}

}  // namespace gyre::detail
