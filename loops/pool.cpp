#include <gyre/detail/pool.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <utility>

namespace gyre::detail {

GYRE_THREAD_LOCAL Pool::Class pool_classes[Pool::kClasses] = {};

#if GYRE_POOL_RECYCLES

namespace {

using Block = Pool::Block;

constexpr std::uint32_t kListLength = 64;
constexpr std::size_t kRun = std::size_t{4} << 10;  // what a class carves its blocks from
constexpr std::size_t kChunk = std::size_t{64} << 10;
constexpr std::size_t kLine = 64;

// The lists that threads have filled, and what ended threads have left behind.
class Depot {
public:
    void put(std::size_t index, Block* list) noexcept {
        const std::lock_guard lock(mutex_);
        list->next_list = lists_[index];
        lists_[index] = list;
    }
    [[nodiscard]] Block* take(std::size_t index) noexcept {
        const std::lock_guard lock(mutex_);
        Block* const list = lists_[index];
        if (list != nullptr) {
            lists_[index] = list->next_list;
        }
        return list;
    }

private:
    std::mutex mutex_;
    std::array<Block*, Pool::kClasses> lists_{};
};

// Never destroyed: threads may end after main() has.
Depot& depot() noexcept {
    alignas(Depot) static char memory[sizeof(Depot)];
    static Depot* const only = new (memory) Depot;
    return *only;
}

// What a thread has beside the lists that are in use. Before its first slow call and after its end
// the lists have no room, so that every call is a slow one.
class ThreadBlocks {
public:
    explicit ThreadBlocks(bool& is_open) noexcept : open_(&is_open) { is_open = true; }
    ThreadBlocks(const ThreadBlocks&) = delete;
    ThreadBlocks& operator=(const ThreadBlocks&) = delete;
    ~ThreadBlocks() {
        *open_ = false;
        for (std::size_t index = 1; index < Pool::kClasses; ++index) {
            put_list(index, std::exchange(pool_classes[index].head, nullptr));
            put_list(index, spare_[index]);
            pool_classes[index].room = 0;
        }
        cut_up_chunk();
    }

    // The list is empty: another one takes its place.
    [[nodiscard]] void* allocate(std::size_t index) {
        Block* list = std::exchange(spare_[index], nullptr);
        if (list == nullptr) {
            list = depot().take(index);
        }
        Pool::Class& blocks = pool_classes[index];
        blocks.room = 1;
        if (list == nullptr) {
            const std::size_t count = blocks_of_run(index);
            list = make_run(index, count);
            blocks.room += kListLength - static_cast<std::uint32_t>(count);
        }
        blocks.head = list->next;
        return list;
    }

    // The list is full: it makes room for a new one.
    void free(std::size_t index, Block* block) noexcept {
        Pool::Class& blocks = pool_classes[index];
        put_list(index, std::exchange(spare_[index], blocks.head));
        block->next = nullptr;
        blocks.head = block;
        blocks.room = kListLength - 1;
    }

private:
    static void put_list(std::size_t index, Block* list) noexcept {
        if (list != nullptr) {
            depot().put(index, list);
        }
    }

    [[nodiscard]] static std::size_t blocks_of_run(std::size_t index) noexcept {
        return std::clamp<std::size_t>(kRun / (index * Pool::kStep), 1, kListLength);
    }

    // A list of fresh blocks. A class's lie side by side, so that those of 64 bytes and more begin
    // where a line of the cache does, if their size allows it.
    [[nodiscard]] Block* make_run(std::size_t index, std::size_t count) {
        const std::size_t size = index * Pool::kStep;
        const std::size_t bytes = (count * size + kLine - 1) / kLine * kLine;
        if (chunk_size_ < bytes) {
            void* const fresh = ::operator new(kChunk, std::align_val_t(kLine));
            cut_up_chunk();
            chunk_ = static_cast<char*>(fresh);
            chunk_size_ = kChunk;
        }
        char* const run = take_of_chunk(bytes);
        Block* list = nullptr;
        for (std::size_t block = count; block-- > 0;) {
            list = ::new (run + block * size) Block{list, nullptr};
        }
        return list;
    }

    [[nodiscard]] char* take_of_chunk(std::size_t bytes) noexcept {
        chunk_size_ -= bytes;
        return std::exchange(chunk_, chunk_ + bytes);
    }

    // The rest becomes blocks of the largest size, and one of what is left then.
    void cut_up_chunk() noexcept {
        while (chunk_size_ != 0) {
            const std::size_t bytes = std::min(Pool::kLargest, chunk_size_);
            depot().put(bytes / Pool::kStep, ::new (take_of_chunk(bytes)) Block{nullptr, nullptr});
        }
    }

    bool* open_;
    std::array<Block*, Pool::kClasses> spare_{};  // full lists
    char* chunk_ = nullptr;                       // what was not given out yet
    std::size_t chunk_size_ = 0;
};

GYRE_THREAD_LOCAL bool pool_is_open = false;
GYRE_THREAD_LOCAL bool pool_was_opened = false;

// Null after the thread's are gone.
ThreadBlocks* thread_blocks() {
    if (pool_was_opened && !pool_is_open) {
        return nullptr;
    }
    thread_local ThreadBlocks blocks(pool_is_open);
    pool_was_opened = true;
    return &blocks;
}

}  // namespace

void* pool_allocate_slow(std::size_t size) {
    if (size > Pool::kLargest) {
        return ::operator new(size);
    }
    const std::size_t index = Pool::class_of(size);
    ThreadBlocks* const blocks = thread_blocks();
    return blocks == nullptr ? ::operator new(index* Pool::kStep) : blocks->allocate(index);
}

void pool_free_slow(void* memory, std::size_t size) noexcept {
    if (size > Pool::kLargest) {
        ::operator delete(memory);
        return;
    }
    const std::size_t index = Pool::class_of(size);
    auto* const block = static_cast<Block*>(memory);
    if (ThreadBlocks* const blocks = thread_blocks()) {
        blocks->free(index, block);
    } else {
        block->next = nullptr;
        depot().put(index, block);
    }
}

#else

void* pool_allocate_slow(std::size_t size) { return ::operator new(size); }
void pool_free_slow(void* memory, std::size_t /*size*/) noexcept { ::operator delete(memory); }

#endif

}  // namespace gyre::detail
