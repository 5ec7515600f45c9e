#include "string_memory.hpp"

#include <cstdint>
#include <new>

namespace gyre::detail {

namespace {

// glibc gives memory back to the system when more than 128 KiB are free at the heap's end, and each
// page of it is a fault when it is wanted again; until a block as large as this has been freed.
void keep_large_blocks() {
    static const bool once = [] {
        void* const volatile block = ::operator new (std::size_t{1} << 20);  // not to be left out
        ::operator delete(block);
        return true;
    }();
    static_cast<void>(once);
}

}  // namespace

// malloc() aligns to 16 bytes, and the system copies to and from what is aligned to 32 much faster:
// where the first block is not, the one behind it may be, for their size is an odd multiple of 16.
std::string string_with_room(std::size_t room) noexcept {
    constexpr std::uintptr_t alignment = 32;
    constexpr std::size_t header_and_zero = 9;
    room = room / alignment * alignment + 16 - header_and_zero;
    const auto is_aligned = [](const std::string& string) {
        return reinterpret_cast<std::uintptr_t>(string.data()) % alignment == 0;
    };
    std::string first;
    try {
        keep_large_blocks();
        first.reserve(room);
        if (!is_aligned(first)) {
            std::string second;
            second.reserve(room);
            if (is_aligned(second)) {
                return second;
            }
        }
    } catch (const std::bad_alloc&) {
    }
    return first;
}

#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI

namespace {

// C++23's resize_and_overwrite() in parts. libstdc++ keeps the second one private; what names a
// member to instantiate a template may name a private one.
void set_length(std::string& string, std::size_t length);
template <auto Function>
struct LengthSetter {
    friend void set_length(std::string& string, std::size_t length) { (string.*Function)(length); }
};
template struct LengthSetter<&std::string::_M_set_length>;

}  // namespace

std::span<char> room_of(std::string& string) noexcept { return {string.data(), string.capacity()}; }

void set_size(std::string& string, std::size_t size) noexcept { set_length(string, size); }

#else

std::span<char> room_of(std::string& string) noexcept {
    string.resize(string.capacity());
    return string;
}

void set_size(std::string& string, std::size_t size) noexcept { string.resize(size); }

#endif

}  // namespace gyre::detail
