// Memory of coroutine frames: a free list for each size, of each thread.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace bench::floor {

/// Frames up to 1 KiB are kept when they are freed, and never given back.
class Frames {
public:
    static void* allocate(std::size_t size) {
        const std::size_t kind = kind_of(size);
        if (kind >= kKinds) {
            return ::operator new(size);
        }
        if (Free* found = free_[kind]) {
            free_[kind] = found->next;
            return found;
        }
        return ::operator new(kind* kStep);
    }

    static void release(void* frame, std::size_t size) {
        const std::size_t kind = kind_of(size);
        if (kind >= kKinds) {
            ::operator delete(frame);
        } else {
            free_[kind] = ::new (frame) Free{free_[kind]};
        }
    }

private:
    struct Free {
        Free* next;
    };
    static constexpr std::size_t kStep = 64;
    static constexpr std::size_t kKinds = 17;

    static std::size_t kind_of(std::size_t size) { return (size + kStep - 1) / kStep; }

    static inline constinit thread_local std::array<Free*, kKinds> free_{};
};

}  // namespace bench::floor
