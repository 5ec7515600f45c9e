#include <gyre/detail/stream_buffer.hpp>

#include <array>
#include <utility>

namespace gyre::detail {

namespace {

constinit thread_local bool spares_are_gone = false;

/// Large blocks that a thread's streams pass on to each other: what the allocator gets back of that
/// size, the system gets back, and each page of it is a fault when it is wanted again.
class SpareBlocks {
public:
    SpareBlocks() = default;
    SpareBlocks(const SpareBlocks&) = delete;
    SpareBlocks& operator=(const SpareBlocks&) = delete;
    ~SpareBlocks() { spares_are_gone = true; }

    [[nodiscard]] StreamBlock take() noexcept {
        return count_ == 0 ? nullptr : std::move(blocks_[--count_]);
    }
    void give(StreamBlock block) noexcept {
        // The first goes back to the allocator. glibc takes that for a sign to keep blocks of this
        // size, which the strings that are read are, too.
        if (std::exchange(had_one_, true) && count_ < blocks_.size()) {
            blocks_[count_++] = std::move(block);
        }
    }

private:
    std::array<StreamBlock, 8> blocks_;
    std::size_t count_ = 0;
    bool had_one_ = false;
};

thread_local SpareBlocks spares;

}  // namespace

void StreamBuffer::allocate(std::size_t capacity) {
    StreamBlock data;
    if (capacity > kKept && capacity <= kMostAtOnce) {
        capacity = kMostAtOnce;
        if (!spares_are_gone) {
            data = spares.take();
        }
    }
    if (data == nullptr) {
        data =
            StreamBlock(static_cast<char*>(::operator new(capacity, FreeStreamBlock::kAlignment)));
    }
    if (!empty()) {
        std::memcpy(data.get(), data_.get() + begin_, size());
    }
    std::swap(data_, data);
    give_up(std::move(data), std::exchange(capacity_, capacity));
}

void StreamBuffer::give_up(StreamBlock data, std::size_t capacity) noexcept {
    if (capacity == kMostAtOnce && !spares_are_gone) {
        spares.give(std::move(data));
    }
}

}  // namespace gyre::detail
