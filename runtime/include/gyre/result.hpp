// Result: a value, or the exception that came instead.
#pragma once

#include <gyre/errors.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace gyre {

/// The outcome of one of several things waited for: what gather(return_exceptions, …) gives for
/// each.
///
/// ```
/// auto results = co_await gather(return_exceptions, std::move(requests));
/// for (auto& result : results) {
///     if (result.has_value()) use(*result); else complain(result.error());
/// }
/// ```
///
/// asyncio: an element of the list that gather(return_exceptions=True) returns.
template <class T>
class Result {
    // Such as std::any, which would take a Result, too.
    struct Unrelated {};
    static constexpr bool kTakesAnything = std::is_constructible_v<T, Unrelated>;

public:
    using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

    Result(value_type value) requires(!kTakesAnything &&
                                      !std::is_same_v<value_type, std::exception_ptr>)
        : value_(std::move(value)) {}
    template <std::same_as<value_type> U>
    requires(kTakesAnything) Result(U value) : value_(std::move(value)) {}
    Result(std::exception_ptr error) noexcept : error_(std::move(error)) {}
    /// A value, also where that is an exception_ptr.
    template <class... A>
    explicit Result(std::in_place_t, A&&... arguments)
        : value_(std::in_place, std::forward<A>(arguments)...) {}

    [[nodiscard]] bool has_value() const noexcept { return error_ == nullptr; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    /// The exception; null where there is a value.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

    /// The value; rethrows the exception where there is none.
    [[nodiscard]] value_type& value() & {
        check();
        return *value_;
    }
    [[nodiscard]] const value_type& value() const& {
        check();
        return *value_;
    }
    [[nodiscard]] value_type value() && {
        check();
        return std::move(*value_);
    }

    /// The value, which must be there.
    [[nodiscard]] value_type& operator*() & noexcept { return *value_; }
    [[nodiscard]] const value_type& operator*() const& noexcept { return *value_; }
    [[nodiscard]] value_type operator*() && noexcept { return std::move(*value_); }
    [[nodiscard]] value_type* operator->() noexcept { return &*value_; }
    [[nodiscard]] const value_type* operator->() const noexcept { return &*value_; }

private:
    void check() const {
        if (error_ != nullptr) {
            std::rethrow_exception(error_);
        }
    }

    std::optional<value_type> value_;
    std::exception_ptr error_;
};

}  // namespace gyre
