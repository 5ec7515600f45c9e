// receive_into(): a string is received where it is to stay, without zeroes before and a copy after.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>

namespace gyre::detail {

#if !defined(__cpp_lib_string_resize_and_overwrite) && defined(__GLIBCXX__)
/// libstdc++'s own way to say how much of a string's memory is in use, which it keeps private.
void set_length(std::string& string, std::size_t length);

template <auto Function>
struct LengthSetter {
    friend void set_length(std::string& string, std::size_t length) { (string.*Function)(length); }
};
template struct LengthSetter<&std::string::_M_set_length>;
#endif

/// glibc gives memory back to the system when more than 128 KiB are free at the heap's end, and
/// each page of it is a fault when it is wanted again; until a block as large as this has been
/// freed.
inline void keep_large_blocks() {
    static const bool once = [] {
        void* const volatile block = ::operator new (std::size_t{1} << 20);  // not to be left out
        ::operator delete(block);
        return true;
    }();
    static_cast<void>(once);
}

/// A string without a byte and with room for about so many; for none, where there is no memory.
/// malloc() aligns to 16 bytes, and the system copies to and from what is aligned to 32 much
/// faster: where the first block is not, the one behind it may be, for their size is an odd
/// multiple of 16.
[[nodiscard]] inline std::string string_with_room(std::size_t room) noexcept {
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

/// The string becomes what receive(memory) puts into its room, of which it gets `most` bytes or
/// fewer; receive() says how many it took.
template <class F>
void receive_into(std::string& string, std::size_t most, F receive) {
    most = std::min(most, string.capacity());
#if defined(__cpp_lib_string_resize_and_overwrite)
    string.resize_and_overwrite(most, [&receive](char* memory, std::size_t size) {
        return receive(std::span(memory, size));
    });
#elif defined(__GLIBCXX__)
    set_length(string, receive(std::span(string.data(), most)));
#else
    string.resize(most);
    string.resize(receive(std::span(string)));
#endif
}

}  // namespace gyre::detail
