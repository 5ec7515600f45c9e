// A number of permits, places or parties, of whatever integer type.
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>

namespace gyre::detail {

/// A parameter: Queue<int> queue{names.size()} is no narrowing. What does not fit is the largest.
class Count {
public:
    template <class N>
    requires std::is_convertible_v<N, std::ptrdiff_t>
    constexpr Count(N number) noexcept : number_(static_cast<std::ptrdiff_t>(number)) {
        if constexpr (std::is_unsigned_v<N>) {
            if (number_ < 0) {
                number_ = std::numeric_limits<std::ptrdiff_t>::max();
            }
        }
    }
    [[nodiscard]] constexpr std::ptrdiff_t get() const noexcept { return number_; }

private:
    std::ptrdiff_t number_;
};

}  // namespace gyre::detail
