// UpcomingReads: brings what the next stream's read needs into the cache, while one is carried out.
#pragma once

#include <array>
#include <cstdint>

namespace gyre::detail {

/// The streams that were told to fetch, in the order in which they will. With many connections all
/// of a stream's memory is out of the caches when its turn comes, and each piece leads to the next.
/// Nothing but addresses: what has gone meanwhile is brought in to no use, and that is all.
class UpcomingReads {
public:
    struct Read {
        const void* state;
        const void* transport;
        const void* awaiter;
        const void* frame;
    };

    /// Returns its place.
    std::uint32_t add(const Read& read) noexcept {
        const std::uint32_t place = next_;
        next_ = (next_ + 1) % kMost;
        reads_[place] = read;
        return place;
    }

    void prefetch_after(std::uint32_t place) const noexcept {
        const Read& read = reads_[(place + 1) % kMost];
        prefetch(read.frame, 0, 1);
        prefetch(read.awaiter, -1, 2);
        prefetch(read.state, -1, 2);
        prefetch(read.transport, -1, 3);
    }

private:
    static constexpr std::uint32_t kMost = 1024;  // as many as one poll of libuv finds

    // Lines of the cache, counted from the address's own.
    static void prefetch(const void* address, int first, int end) noexcept {
        constexpr std::uintptr_t line = 64;
        for (int each = first; each < end; ++each) {
            __builtin_prefetch(
                reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(address) +
                                              line * static_cast<std::uintptr_t>(each)));
        }
    }

    std::array<Read, kMost> reads_{};
    std::uint32_t next_ = 0;
};

}  // namespace gyre::detail
