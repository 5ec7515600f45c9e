// Recycled memory for what comes and goes all the time: coroutine frames, task states, handles.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace gyre::detail {

/// Per-thread free lists, one a size class, of blocks without a header. A block may be freed on any
/// thread: a list that is full goes, as a whole, to a depot that all threads share. Memory is kept
/// for reuse.
struct Pool {
    struct Block {
        Block* next;
        Block* next_list;  // of the depot's lists, in a list's first block
    };
    struct Class {
        Block* head;
        std::uint32_t room;  // how many more blocks the list takes
    };
    static constexpr std::size_t kStep = 16;
    static constexpr std::size_t kClasses = 65;
    static constexpr std::size_t kLargest = (kClasses - 1) * kStep;

    [[nodiscard]] static constexpr std::size_t class_of(std::size_t size) noexcept {
        return (size + kStep - 1) / kStep;
    }
};
static_assert(sizeof(Pool::Block) <= Pool::kStep);

GYRE_API extern GYRE_THREAD_LOCAL Pool::Class pool_classes[Pool::kClasses];

[[nodiscard]] GYRE_API void* pool_allocate_slow(std::size_t size);
GYRE_API void pool_free_slow(void* memory, std::size_t size) noexcept;

// Under AddressSanitizer every block is fresh, so that a use after free is seen.
#if defined(__SANITIZE_ADDRESS__)
#define GYRE_POOL_RECYCLES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GYRE_POOL_RECYCLES 0
#endif
#endif
#ifndef GYRE_POOL_RECYCLES
#define GYRE_POOL_RECYCLES 1
#endif

/// Throws std::bad_alloc.
[[nodiscard]] inline void* pool_allocate(std::size_t size) {
#if GYRE_POOL_RECYCLES
    if (size <= Pool::kLargest) {
        Pool::Class& blocks = pool_classes[Pool::class_of(size)];
        if (Pool::Block* block = blocks.head) {
            blocks.head = block->next;
            ++blocks.room;
            return block;
        }
    }
#endif
    return pool_allocate_slow(size);
}

inline void pool_free(void* memory, std::size_t size) noexcept {
#if GYRE_POOL_RECYCLES
    if (size <= Pool::kLargest) {
        Pool::Class& blocks = pool_classes[Pool::class_of(size)];
        if (blocks.room != 0) {
            auto* block = static_cast<Pool::Block*>(memory);
            block->next = blocks.head;
            blocks.head = block;
            --blocks.room;
            return;
        }
    }
#endif
    pool_free_slow(memory, size);
}

/// A base for classes whose objects are recycled, but for those of an unusual alignment.
struct Pooled {
    static void* operator new(std::size_t size) { return pool_allocate(size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return ::operator new(size, alignment);
    }
    static void operator delete(void* memory, std::size_t size) noexcept {
        pool_free(memory, size);
    }
    static void operator delete(void* memory, std::size_t size,
                                std::align_val_t alignment) noexcept {
        ::operator delete(memory, size, alignment);
    }
};

}  // namespace gyre::detail
