// StreamBuffer: received bytes that nobody has taken yet.
#pragma once

#include <gyre/detail/api.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gyre::detail {

/// Begins with a line of the processor's cache: the system copies to anywhere else at half the
/// speed.
struct FreeStreamBlock {
    static constexpr std::align_val_t kAlignment{64};

    void operator()(char* block) const noexcept { ::operator delete(block, kAlignment); }
};
using StreamBlock = std::unique_ptr<char[], FreeStreamBlock>;

/// One block: bytes come in behind, go out in front. Keeps a small block while it is empty.
class GYRE_API StreamBuffer {
public:
    StreamBuffer() = default;
    StreamBuffer(const StreamBuffer&) = delete;
    StreamBuffer& operator=(const StreamBuffer&) = delete;
    ~StreamBuffer() { give_up(std::move(data_), capacity_); }

    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    /// How many bytes were ever taken out.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::string_view view() const noexcept { return {data_.get() + begin_, size()}; }

    /// Room behind the bytes. As much as a read filled lately, twice that if it filled all; less
    /// where bytes would have to be moved for it.
    [[nodiscard]] std::span<char> room() {
        reserve(empty() ? wanted_ : std::max(wanted_ / 4, kLeastAtOnce));
        return {data_.get() + end_, std::min(capacity_ - end_, kMostAtOnce)};
    }
    /// So many bytes were written into the room.
    void commit(std::size_t count) noexcept {
        if (count >= wanted_) {
            wanted_ = std::min(2 * wanted_, kMostAtOnce);
        } else if (count < wanted_ / 4) {
            wanted_ = std::max(wanted_ / 2, kLeastAtOnce);
        }
        end_ += count;
    }
    void append(std::string_view data) {
        reserve(data.size());
        std::memcpy(data_.get() + end_, data.data(), data.size());
        end_ += data.size();
    }

    [[nodiscard]] std::string take(std::size_t count) {
        std::string taken(view().substr(0, count));
        drop(taken.size());
        return taken;
    }
    void drop(std::size_t count) noexcept {
        begin_ += count;
        position_ += count;
        if (begin_ == end_) {
            begin_ = end_ = 0;
            if (capacity_ > kKept) {
                give_up(std::move(data_), std::exchange(capacity_, 0));
            }
        }
    }

private:
    static constexpr std::size_t kLeastAtOnce = std::size_t{4} << 10;
    static constexpr std::size_t kMostAtOnce = std::size_t{256} << 10;
    static constexpr std::size_t kKept = std::size_t{64} << 10;

    void reserve(std::size_t room) {
        if (capacity_ - end_ >= room) {
            return;
        }
        if (capacity_ - size() >= room && begin_ >= size()) {
            std::memmove(data_.get(), data_.get() + begin_, size());
        } else {
            allocate(std::max(size() + room, 2 * size()));
        }
        end_ -= begin_;
        begin_ = 0;
    }

    void allocate(std::size_t capacity);
    static void give_up(StreamBlock data, std::size_t capacity) noexcept;

    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    StreamBlock data_;
    std::size_t capacity_ = 0;
    std::size_t position_ = 0;
    std::size_t wanted_ = kLeastAtOnce;
};

}  // namespace gyre::detail
