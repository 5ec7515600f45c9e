// Storage: where a future's result lies, once there is one.
#pragma once

#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace gyre::detail {

/// Whether a T can be copied. A std::vector says yes whatever it holds: its elements are asked.
template <class T>
struct IsCopyable : std::is_copy_constructible<T> {};
template <class T>
requires std::is_copy_constructible_v<T> && requires { typename T::value_type; }
struct IsCopyable<T>
    : std::bool_constant<std::is_same_v<typename T::value_type, T> ||
                         std::is_void_v<typename T::value_type> ||
                         IsCopyable<std::remove_const_t<typename T::value_type>>::value> {};
template <class A, class B>
struct IsCopyable<std::pair<A, B>>
    : std::bool_constant<IsCopyable<std::remove_const_t<A>>::value && IsCopyable<B>::value> {};
template <class... T>
struct IsCopyable<std::tuple<T...>> : std::bool_constant<(IsCopyable<T>::value && ...)> {};
template <class... T>
struct IsCopyable<std::variant<T...>> : std::bool_constant<(IsCopyable<T>::value && ...)> {};

template <class T>
class Storage {
public:
    Storage() noexcept {}
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    ~Storage() {
        if (full_) {
            value_.~T();
        }
    }

    template <class... A>
    void set(A&&... arguments) {
        ::new (static_cast<void*>(std::addressof(value_))) T(std::forward<A>(arguments)...);
        full_ = true;
    }
    [[nodiscard]] bool has_value() const noexcept { return full_; }
    [[nodiscard]] T& get() noexcept { return value_; }

private:
    union {
        T value_;
    };
    bool full_ = false;
};

template <>
class Storage<void> {
public:
    Storage() = default;
    void set() noexcept {}
    void get() const noexcept {}
};

}  // namespace gyre::detail
