#include <gyre/detail/pool.hpp>

#include <array>
#include <mutex>
#include <new>
#include <utility>

namespace gyre::detail {

GYRE_THREAD_LOCAL Pool::Class pool_classes[Pool::kClasses] = {};

namespace {

#if GYRE_POOL_RECYCLES

constexpr std::size_t kChunk = std::size_t{64} << 10;     // what a thread carves blocks from
constexpr std::size_t kBytesKept = std::size_t{4} << 20;  // of each class, a thread
constexpr std::uint32_t kBatch = 64;                      // blocks that go to the depot at once

// What threads have left over, and what ended threads have left behind.
class Depot {
public:
    void put(std::size_t index, Pool::Block* first, Pool::Block* last) noexcept {
        const std::lock_guard lock(mutex_);
        last->next = blocks_[index];
        blocks_[index] = first;
    }
    [[nodiscard]] Pool::Block* take(std::size_t index) noexcept {
        const std::lock_guard lock(mutex_);
        Pool::Block* block = blocks_[index];
        if (block != nullptr) {
            blocks_[index] = block->next;
        }
        return block;
    }

private:
    std::mutex mutex_;
    std::array<Pool::Block*, Pool::kClasses> blocks_{};
};

// Never destroyed: threads may end after main() has.
Depot& depot() noexcept {
    alignas(Depot) static char memory[sizeof(Depot)];
    static Depot* const only = new (memory) Depot;
    return *only;
}

// Opens a thread's lists at its first slow call and gives everything back at its end; before and
// after, its lists have no room and every call is a slow one.
struct ThreadLists {
    char* fresh = nullptr;  // the rest of the chunk
    std::size_t left = 0;
    bool* open;

    explicit ThreadLists(bool& is_open) noexcept : open(&is_open) {
        is_open = true;
        for (std::size_t index = 1; index < Pool::kClasses; ++index) {
            pool_classes[index].room =
                static_cast<std::uint32_t>(kBytesKept / (index * Pool::kStep));
        }
    }
    ThreadLists(const ThreadLists&) = delete;
    ThreadLists& operator=(const ThreadLists&) = delete;
    ~ThreadLists() {
        *open = false;
        if (left >= Pool::kStep) {
            // The rest is cut into the largest blocks that fit.
            while (left >= Pool::kStep) {
                const std::size_t size = left < Pool::kLargest ? left : Pool::kLargest;
                auto* block = reinterpret_cast<Pool::Block*>(fresh);
                depot().put(size / Pool::kStep, block, block);
                fresh += size;
                left -= size;
            }
        }
        for (std::size_t index = 1; index < Pool::kClasses; ++index) {
            Pool::Class& blocks = pool_classes[index];
            blocks.room = 0;
            give(index, UINT32_MAX);
        }
    }

    // Moves up to `most` blocks of a class to the depot.
    static std::uint32_t give(std::size_t index, std::uint32_t most) noexcept {
        Pool::Class& blocks = pool_classes[index];
        Pool::Block* const first = blocks.head;
        if (first == nullptr) {
            return 0;
        }
        Pool::Block* last = first;
        std::uint32_t count = 1;
        for (; count < most && last->next != nullptr; ++count) {
            last = last->next;
        }
        blocks.head = last->next;
        depot().put(index, first, last);
        return count;
    }
};

GYRE_THREAD_LOCAL bool lists_are_open = false;
GYRE_THREAD_LOCAL bool lists_were_opened = false;

// Null before the thread's lists exist and after they are gone.
ThreadLists* thread_lists() {
    if (lists_were_opened && !lists_are_open) {
        return nullptr;
    }
    thread_local ThreadLists lists(lists_are_open);
    lists_were_opened = true;
    return &lists;
}

#endif

}  // namespace

#if GYRE_POOL_RECYCLES

void* pool_allocate_slow(std::size_t size) {
    if (size > Pool::kLargest) {
        return ::operator new(size);
    }
    const std::size_t index = Pool::class_of(size);
    const std::size_t rounded = index * Pool::kStep;
    if (Pool::Block* block = depot().take(index)) {
        return block;
    }
    ThreadLists* lists = thread_lists();
    if (lists == nullptr) {
        return ::operator new(rounded);
    }
    if (lists->left < rounded) {
        // The rest of the old chunk becomes a block of its own size.
        if (lists->left >= Pool::kStep) {
            auto* rest = reinterpret_cast<Pool::Block*>(lists->fresh);
            depot().put(lists->left / Pool::kStep, rest, rest);
        }
        lists->left = 0;
        lists->fresh = static_cast<char*>(::operator new(kChunk));
        lists->left = kChunk;
    }
    lists->left -= rounded;
    return std::exchange(lists->fresh, lists->fresh + rounded);
}

void pool_free_slow(void* memory, std::size_t size) noexcept {
    if (size > Pool::kLargest) {
        ::operator delete(memory);
        return;
    }
    const std::size_t index = Pool::class_of(size);
    auto* block = static_cast<Pool::Block*>(memory);
    Pool::Class& blocks = pool_classes[index];
    if (thread_lists() == nullptr) {
        depot().put(index, block, block);
        return;
    }
    if (blocks.room == 0) {
        blocks.room += ThreadLists::give(index, kBatch);
    }
    block->next = blocks.head;
    blocks.head = block;
    --blocks.room;
}

#else

void* pool_allocate_slow(std::size_t size) { return ::operator new(size); }
void pool_free_slow(void* memory, std::size_t /*size*/) noexcept { ::operator delete(memory); }

#endif

}  // namespace gyre::detail
