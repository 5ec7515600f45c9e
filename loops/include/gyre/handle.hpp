// Handle, TimerHandle: what call_soon and its kin return, to cancel the call.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/context_map.hpp>
#include <gyre/detail/pool.hpp>
#include <gyre/detail/timer_heap.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <typeinfo>
#include <utility>

namespace gyre {

class EventLoop;

namespace detail {

/// A callback in the loop's hands: counted by the loop while it is queued or registered, and by
/// handles.
class GYRE_API HandleState : public Timer, public Pooled {
public:
    void retain() noexcept {
        if (threadsafe_) {
            std::atomic_ref(references_).fetch_add(1, std::memory_order_relaxed);
        } else {
            ++references_;
        }
    }
    void release() noexcept {
        if (threadsafe_ ? release_shared() : --references_ == 0) {
            delete this;
        }
    }

    /// The loop's own reference goes with it.
    void run() final;
    void drop() noexcept final { release(); }
    [[nodiscard]] std::string describe() const final;

    void cancel() noexcept;
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    [[nodiscard]] std::chrono::nanoseconds when() const noexcept { return when_; }

    /// Queues it unless it waits in the queue already: a reader that is ready again.
    [[nodiscard]] bool mark_queued() noexcept { return !std::exchange(queued_, true); }

protected:
    HandleState(EventLoop& loop, bool threadsafe) noexcept;
    virtual ~HandleState();

    virtual void invoke() = 0;
    /// Frees the callable; the state itself may live on in a user's handle.
    virtual void dispose() noexcept = 0;
    [[nodiscard]] virtual const std::type_info& callable() const noexcept = 0;

private:
    friend class gyre::EventLoop;

    /// For the queue, before any other thread knows of it.
    void retain_queued() noexcept {
        ++references_;
        queued_ = true;
    }
    [[nodiscard]] bool release_shared() noexcept {
        const std::atomic_ref references(references_);
        return references.load(std::memory_order_acquire) == 1 ||  // nobody else can make it more
               references.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

    EventLoop& loop_;
    ContextBox context_;
    std::chrono::nanoseconds when_{};
    std::uint32_t references_ = 1;
    bool threadsafe_;
    bool cancelled_ = false;
    bool queued_ = false;
    bool running_ = false;
    bool once_ = true;  // false: a reader, a writer or a signal handler, which runs again and again
};

template <class F, class... A>
class Callback final : public HandleState {
public:
    template <class G, class... B>
    Callback(EventLoop& loop, bool threadsafe, G&& function, B&&... arguments)
        : HandleState(loop, threadsafe),
          call_(Call(std::forward<G>(function), std::forward<B>(arguments)...)) {}

private:
    using Call = std::tuple<F, A...>;

    ~Callback() override { dispose(); }

    void invoke() override {
        std::apply([](auto& function, auto&... arguments) { std::invoke(function, arguments...); },
                   call_.value);
    }
    void dispose() noexcept override { call_.destroy(); }
    [[nodiscard]] const std::type_info& callable() const noexcept override { return typeid(F); }

    // The callable dies before the state does, when the call is over or cancelled.
    struct Slot {
        union {
            Call value;
        };
        bool full = true;
        explicit Slot(Call&& call) : value(std::move(call)) {}
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;
        ~Slot() { destroy(); }
        void destroy() noexcept {
            if (std::exchange(full, false)) {
                value.~Call();
            }
        }
    };
    Slot call_;
};

}  // namespace detail

/// A scheduled callback. Copies refer to the same call; letting go of a handle cancels nothing.
///
/// Thread rule: the loop's own thread; a handle from call_soon_threadsafe may be destroyed on any.
/// asyncio: Handle.
class Handle {
public:
    Handle() = default;
    /// Takes over one reference.
    explicit Handle(detail::HandleState* adopted) noexcept : state_(adopted) {}
    Handle(const Handle& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) {
            state_->retain();
        }
    }
    Handle(Handle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    Handle& operator=(Handle other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~Handle() {
        if (state_ != nullptr) {
            state_->release();
        }
    }

    /// The callback will not run, even if its turn has come in this iteration; it and its arguments
    /// are freed now. Does nothing after the call, or the second time.
    void cancel() const noexcept {
        if (state_ != nullptr) {
            state_->cancel();
        }
    }

    /// True after cancel(), false after a normal run.
    [[nodiscard]] bool cancelled() const noexcept {
        return state_ != nullptr && state_->cancelled();
    }

protected:
    detail::HandleState* state_ = nullptr;
};

/// A callback with a deadline. asyncio: TimerHandle.
class TimerHandle : public Handle {
public:
    using Handle::Handle;

    /// The deadline on the loop's clock, also after it passed.
    [[nodiscard]] std::chrono::nanoseconds when() const noexcept {
        return state_ == nullptr ? std::chrono::nanoseconds{} : state_->when();
    }
};

}  // namespace gyre
