#include "write_queue.hpp"

namespace gyre::detail {

namespace {

constexpr std::size_t kSpares = 16;

constinit thread_local bool spares_are_gone = false;

struct Spares {
    std::array<std::string, kSpares> pieces;
    std::size_t count = 0;

    Spares() = default;
    Spares(const Spares&) = delete;
    Spares& operator=(const Spares&) = delete;
    ~Spares() { spares_are_gone = true; }
};

thread_local Spares spares;

}  // namespace

std::string SparePieces::take() noexcept {
    if (spares_are_gone || spares.count == 0) {
        return {};
    }
    return std::move(spares.pieces[--spares.count]);
}

void SparePieces::give(std::string piece) noexcept {
    if (piece.capacity() >= kLeast && piece.capacity() <= 2 * kMost && !spares_are_gone &&
        spares.count < kSpares) {
        piece.clear();
        spares.pieces[spares.count++] = std::move(piece);
    }
}

}  // namespace gyre::detail
