// WriteQueue: the bytes that wait to be sent.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gyre::detail {

/// Owned pieces, given to the system many at a time. Small writes share a piece.
class WriteQueue {
public:
    static constexpr std::size_t kPiecesAtOnce = 64;
    using Pieces = std::array<std::string_view, kPiecesAtOnce>;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    void append(std::string_view data) {
        if (!pieces_.empty() && pieces_.back().size() + data.size() <= kShared) {
            pieces_.back() += data;
        } else {
            pieces_.emplace_back(data);
        }
        size_ += data.size();
    }

    /// The first of them, as views.
    [[nodiscard]] std::span<const std::string_view> front(Pieces& views) const noexcept {
        const std::size_t count = std::min(views.size(), pieces_.size() - first_);
        for (std::size_t index = 0; index < count; ++index) {
            views[index] = pieces_[first_ + index];
        }
        if (count != 0) {
            views[0].remove_prefix(sent_);
        }
        return std::span(views).first(count);
    }

    /// So many bytes of the front were sent.
    void drop(std::size_t count) noexcept {
        size_ -= count;
        count += sent_;
        while (first_ != pieces_.size() && count >= pieces_[first_].size()) {
            count -= pieces_[first_].size();
            std::string().swap(pieces_[first_++]);
        }
        sent_ = count;
        // What is gone is cut off once it is the larger part: each piece moves less than once.
        if (first_ * 2 >= pieces_.size()) {
            pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
    }

    void clear() noexcept {
        pieces_.clear();
        size_ = sent_ = first_ = 0;
    }

private:
    static constexpr std::size_t kShared = std::size_t{16} << 10;

    std::vector<std::string> pieces_;
    std::size_t first_ = 0;  // those before are gone
    std::size_t sent_ = 0;   // of the first piece
    std::size_t size_ = 0;
};

}  // namespace gyre::detail
