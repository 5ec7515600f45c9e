// Reading and writing a descriptor that need not be a socket.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

namespace gyre::detail {

/// How many bytes came: none at the end of file; nullopt where there is an error, or where it would
/// have to wait, which is none.
[[nodiscard]] GYRE_API std::optional<std::size_t> read_descriptor(int fd, std::span<char> buffer,
                                                                  std::error_code& error) noexcept;

/// How many bytes of the parts, one behind the other, were taken; nullopt as above. A pipe that
/// nobody reads gives EPIPE and no signal.
[[nodiscard]] GYRE_API std::optional<std::size_t> write_descriptor(
    int fd, std::span<const std::string_view> parts, std::error_code& error) noexcept;

}  // namespace gyre::detail
