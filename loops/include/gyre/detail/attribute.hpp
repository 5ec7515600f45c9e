// Attribute: a value of an error, read as error.partial or error.partial().
#pragma once

#include <type_traits>
#include <utility>

namespace gyre::detail {

/// asyncio's attributes keep their form, and so do the getters that C++ expects.
template <class T>
class Attribute : public T {
public:
    explicit Attribute(T value) : T(std::move(value)) {}
    [[nodiscard]] const T& operator()() const noexcept { return *this; }
};

template <class T>
requires(!std::is_class_v<T>) class Attribute<T> {
public:
    constexpr explicit Attribute(T value) noexcept : value_(value) {}
    [[nodiscard]] constexpr T operator()() const noexcept { return value_; }
    [[nodiscard]] constexpr operator T() const noexcept { return value_; }

private:
    T value_;
};

}  // namespace gyre::detail
