// What a context is to the loop: a counted, opaque set of values that callbacks carry along.
#pragma once

#include <gyre/detail/api.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace gyre::detail {

/// An immutable set of values. runtime/ defines what is in it; the loop only hands it on.
/// The count is atomic, for to_thread takes a context to another thread; a program that sets no
/// context variable has no map at all and pays a null check.
class GYRE_API ContextMap {
public:
    ContextMap() = default;
    ContextMap(const ContextMap&) = delete;
    ContextMap& operator=(const ContextMap&) = delete;

    void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

protected:
    virtual ~ContextMap();

private:
    mutable std::atomic<std::uint32_t> references_{1};
};

/// A counted pointer to a map; null is the empty map.
class ContextMapRef {
public:
    ContextMapRef() = default;
    explicit ContextMapRef(const ContextMap* adopted) noexcept : map_(adopted) {}
    ContextMapRef(const ContextMapRef& other) noexcept : map_(other.map_) {
        if (map_ != nullptr) {
            map_->retain();
        }
    }
    ContextMapRef(ContextMapRef&& other) noexcept : map_(std::exchange(other.map_, nullptr)) {}
    ContextMapRef& operator=(ContextMapRef other) noexcept {
        std::swap(map_, other.map_);
        return *this;
    }
    ~ContextMapRef() {
        if (map_ != nullptr) {
            map_->release();
        }
    }

    [[nodiscard]] const ContextMap* get() const noexcept { return map_; }

private:
    const ContextMap* map_ = nullptr;
};

/// The values code sees and changes while it runs: one a task, one a callback.
struct ContextBox {
    ContextMapRef map;
};

/// The box of whatever runs on this thread; null outside of any.
GYRE_API extern GYRE_THREAD_LOCAL ContextBox* current_context;

/// A snapshot of the running code's values.
[[nodiscard]] inline ContextMapRef copy_current_context() noexcept {
    const ContextBox* box = current_context;
    return box == nullptr ? ContextMapRef() : box->map;
}

/// Makes a box the current one for a scope.
class ContextScope {
public:
    explicit ContextScope(ContextBox& box) noexcept
        : previous_(std::exchange(current_context, &box)) {}
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;
    ~ContextScope() { current_context = previous_; }

private:
    ContextBox* previous_;
};

}  // namespace gyre::detail
