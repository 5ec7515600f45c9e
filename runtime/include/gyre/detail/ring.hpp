// Ring: first in, first out, in one block of memory.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace gyre::detail {

/// Grows by doubling and keeps its memory: a queue in a steady state allocates nothing.
template <class T>
class Ring {
public:
    Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() { free_slots(); }

    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    /// The next push() allocates.
    [[nodiscard]] bool is_at_capacity() const noexcept { return size() == capacity_; }

    void push(T&& item) {
        if (is_at_capacity()) [[unlikely]] {
            grow();
        }
        std::construct_at(slot(end_), std::move(item));
        ++end_;
    }
    /// Of one that is not empty.
    [[nodiscard]] T pop() {
        T& first = *slot(begin_);
        T item = std::move(first);
        std::destroy_at(&first);
        ++begin_;
        return item;
    }

private:
    static constexpr std::size_t kFirstCapacity = 8;

    [[nodiscard]] T* slot(std::size_t index) const noexcept {
        return slots_ + (index & (capacity_ - 1));
    }
    void grow() {
        const std::size_t capacity = capacity_ == 0 ? kFirstCapacity : 2 * capacity_;
        T* const slots = std::allocator<T>().allocate(capacity);
        std::size_t moved = 0;
        try {
            for (; moved != size(); ++moved) {
                std::construct_at(slots + moved, std::move_if_noexcept(*slot(begin_ + moved)));
            }
        } catch (...) {
            std::destroy_n(slots, moved);
            std::allocator<T>().deallocate(slots, capacity);
            throw;
        }
        free_slots();
        slots_ = slots;
        capacity_ = capacity;
        begin_ = 0;
        end_ = moved;
    }
    void free_slots() noexcept {
        for (; begin_ != end_; ++begin_) {
            std::destroy_at(slot(begin_));
        }
        if (slots_ != nullptr) {
            std::allocator<T>().deallocate(slots_, capacity_);
        }
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;  // a power of two, or none
    std::size_t begin_ = 0;     // both count on, and wrap where a slot is looked up
    std::size_t end_ = 0;
};

}  // namespace gyre::detail
