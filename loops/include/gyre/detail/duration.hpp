// Durations of any unit as the loop's nanoseconds.
#pragma once

#include <gyre/errors.hpp>

#include <chrono>
#include <cmath>
#include <optional>
#include <ratio>
#include <type_traits>

namespace gyre::detail {

using Nanoseconds = std::chrono::nanoseconds;

[[nodiscard]] constexpr Nanoseconds saturating_add(Nanoseconds a, Nanoseconds b) noexcept {
    Nanoseconds::rep sum = 0;
    if (__builtin_add_overflow(a.count(), b.count(), &sum)) {
        return b.count() > 0 ? Nanoseconds::max() : Nanoseconds::min();
    }
    return Nanoseconds(sum);
}

/// Rounds up, so that nothing is early; what does not fit, and infinity, becomes the largest value.
/// Throws ValueError for NaN.
template <class Rep, class Period>
[[nodiscard]] constexpr Nanoseconds to_nanoseconds(std::chrono::duration<Rep, Period> duration) {
    if constexpr (std::is_floating_point_v<Rep>) {
        if (std::isnan(duration.count())) {
            throw ValueError("a duration is expected to be a number, not NaN");
        }
    }
    using Factor = std::ratio_divide<Period, std::nano>;
    if constexpr (std::is_integral_v<Rep> && Factor::den == 1) {
        Nanoseconds::rep count = 0;
        if (__builtin_mul_overflow(duration.count(), Factor::num, &count)) {
            return duration.count() > 0 ? Nanoseconds::max() : Nanoseconds::min();
        }
        return Nanoseconds(count);
    } else {
        using Exact = std::chrono::duration<long double, std::nano>;
        const auto exact = std::chrono::duration_cast<Exact>(duration);
        if (exact >= Exact(Nanoseconds::max())) {
            return Nanoseconds::max();
        }
        if (exact <= Exact(Nanoseconds::min())) {
            return Nanoseconds::min();
        }
        // A decimal fraction such as 0.1 s lies a hair beside its nanosecond; that is no reason to
        // round up.
        constexpr long double hair = 1e-6L;
        return std::chrono::ceil<Nanoseconds>(exact - Exact(hair));
    }
}

/// A duration, or a time on the loop's clock, as it is given: of any unit, floating point too.
class AnyDuration : public Nanoseconds {
public:
    template <class Rep, class Period>
    constexpr AnyDuration(std::chrono::duration<Rep, Period> value)
        : Nanoseconds(to_nanoseconds(value)) {}
};

/// The same, or none.
class AnyLimit : public std::optional<Nanoseconds> {
public:
    constexpr AnyLimit(std::nullopt_t /*none*/ = std::nullopt) noexcept {}
    template <class Rep, class Period>
    constexpr AnyLimit(std::chrono::duration<Rep, Period> value)
        : optional(to_nanoseconds(value)) {}
    template <class Rep, class Period>
    constexpr AnyLimit(const std::optional<std::chrono::duration<Rep, Period>>& value) {
        if (value) {
            emplace(to_nanoseconds(*value));
        }
    }
};

}  // namespace gyre::detail
