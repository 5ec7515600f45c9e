// WriteQueue: the bytes that wait to be sent.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

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
        std::size_t count = 0;
        for (const std::string& piece : pieces_) {
            if (count == views.size()) {
                break;
            }
            views[count++] = piece;
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
        while (!pieces_.empty() && count >= pieces_.front().size()) {
            count -= pieces_.front().size();
            pieces_.pop_front();
        }
        sent_ = count;
    }

    void clear() noexcept {
        pieces_.clear();
        size_ = sent_ = 0;
    }

private:
    static constexpr std::size_t kShared = std::size_t{16} << 10;

    std::deque<std::string> pieces_;
    std::size_t sent_ = 0;  // of the first piece
    std::size_t size_ = 0;
};

}  // namespace gyre::detail
