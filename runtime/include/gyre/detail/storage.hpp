// Storage: where a future's result lies, once there is one.
#pragma once

#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <variant>

namespace gyre::detail {

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
