#include <gyre/detail/pool.hpp>

#include <cstdlib>
#include <new>

namespace gyre::detail {

GYRE_THREAD_LOCAL Pool::Class pool_classes[Pool::kClasses] = {};

namespace {

constexpr std::size_t kBytesKept = std::size_t{4} << 20;  // of each class, a thread

// Opens the lists at a thread's first free and empties them at its end: until then and after that
// every class has no room, and blocks go straight back to malloc.
struct Lists {
    Lists() {
        for (std::size_t index = 0; index < Pool::kClasses; ++index) {
            pool_classes[index].room =
                static_cast<std::uint32_t>(kBytesKept / Pool::size_of(index));
        }
    }
    Lists(const Lists&) = delete;
    Lists& operator=(const Lists&) = delete;
    ~Lists() {
        for (Pool::Class& blocks : pool_classes) {
            blocks.room = 0;
            while (Pool::Block* block = blocks.head) {
                blocks.head = block->next;
                std::free(block);
            }
        }
    }
};

}  // namespace

void* pool_allocate_slow(std::size_t size) {
    const std::size_t rounded = size <= Pool::kLargest ? Pool::size_of(Pool::class_of(size)) : size;
    if (void* block = std::malloc(rounded)) {
        return block;
    }
    throw std::bad_alloc();
}

void pool_free_slow(void* block, std::size_t /*size*/) noexcept {
    std::free(block);
#if GYRE_POOL_RECYCLES
    thread_local Lists lists;
    static_cast<void>(lists);
#endif
}

}  // namespace gyre::detail
