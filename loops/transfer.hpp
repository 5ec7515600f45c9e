// transfer: a call that moves bytes, as often as it is interrupted; and many parts in one call.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

namespace gyre::detail {

/// nullopt where there is an error, or where the call would have to wait, which is none.
template <class F>
std::optional<std::size_t> transfer(std::error_code& error, F call) noexcept {
    for (;;) {
        const ::ssize_t count = call();
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return std::nullopt;
        }
        if (errno != EINTR) {
            error.assign(errno, std::generic_category());
            return std::nullopt;
        }
    }
}

/// The first of the parts, as the system takes them.
class IoVectors {
public:
    explicit IoVectors(std::span<const std::string_view> parts) noexcept
        : count_(std::min(parts.size(), vectors_.size())) {
        for (std::size_t index = 0; index < count_; ++index) {
            vectors_[index] = {const_cast<char*>(parts[index].data()), parts[index].size()};
        }
    }
    [[nodiscard]] ::iovec* data() noexcept { return vectors_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

private:
    std::array<::iovec, 64> vectors_;
    std::size_t count_;
};

}  // namespace gyre::detail
