// Strings that are received where they are to stay, without zeroes before and a copy after.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace gyre::detail {

/// A string without a byte and with room for about so many; for few, where there is no memory.
[[nodiscard]] std::string string_with_room(std::size_t room) noexcept;

/// The room of a string without a byte, for set_size() to say how much of it is in use then.
[[nodiscard]] std::span<char> room_of(std::string& string) noexcept;
void set_size(std::string& string, std::size_t size) noexcept;

}  // namespace gyre::detail
