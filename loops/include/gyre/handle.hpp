// Handle, TimerHandle: what call_soon and its kin return, to cancel the call.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/context_map.hpp>
#include <gyre/detail/pool.hpp>
#include <gyre/detail/timer_queue.hpp>

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
        if (drop_reference()) {
            destroy();
        }
    }

    void drop() noexcept final { release(); }
    [[nodiscard]] std::string describe() const final;

    void cancel() noexcept;
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }

    /// Queues it unless it waits in the queue already: a reader that is ready again.
    [[nodiscard]] bool mark_queued() noexcept {
        return std::exchange(phase_, Phase::queued) != Phase::queued;
    }

protected:
    enum class Phase : std::uint8_t { idle, queued, running };

    HandleState(EventLoop& loop, bool threadsafe) noexcept : threadsafe_(threadsafe), loop_(loop) {}
    ~HandleState() = default;

    virtual void destroy() noexcept = 0;
    /// Frees the callable; the state itself may live on in a user's handle.
    virtual void dispose() noexcept = 0;
    [[nodiscard]] virtual const std::type_info& callable() const noexcept = 0;

    /// True for the last one.
    [[nodiscard]] bool drop_reference() noexcept {
        return threadsafe_ ? drop_shared_reference() : --references_ == 0;
    }
    /// Tells the loop's exception handler of the current exception; lets an ExitError go on.
    void report_exception();

private:
    friend class gyre::EventLoop;
    template <class F, class... A>
    friend class Callback;

    /// For the queue, before any other thread knows of it.
    void retain_queued() noexcept {
        ++references_;
        phase_ = Phase::queued;
    }
    [[nodiscard]] bool drop_shared_reference() noexcept {
        const std::atomic_ref references(references_);
        return references.load(std::memory_order_acquire) == 1 ||  // nobody else can make it more
               references.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

    // In an order that leaves no gap behind Timer: with a callable of two words, a line of the
    // cache holds it all.
    bool threadsafe_;
    Phase phase_ = Phase::idle;
    bool cancelled_ = false;
    std::uint32_t references_ = 1;
    bool once_ = true;  // false: a reader, a writer or a signal handler, which runs again and again
    bool full_ = true;  // the callable lives
    EventLoop& loop_;
};

template <class F, class... A>
class Callback final : public HandleState {
public:
    template <class G, class... B>
    Callback(EventLoop& loop, bool threadsafe, G&& function, B&&... arguments)
        : HandleState(loop, threadsafe),
          context_{copy_current_context()},
          call_(std::forward<G>(function), std::forward<B>(arguments)...) {}

    /// The loop's own reference goes with it.
    void run() override {
        // The call over, the callable goes, and the reference with it; by an ExitError too.
        struct Finish {
            Callback& callback;
            ~Finish() {
                callback.phase_ = Phase::idle;
                if (callback.once_ || callback.cancelled_) {
                    callback.Callback::dispose();
                }
                if (callback.drop_reference()) {
                    delete &callback;
                }
            }
        } const finish{*this};
        if (cancelled_) {
            return;
        }
        phase_ = Phase::running;
        const ContextScope scope(context_);
        try {
            std::apply(
                [](auto& function, auto&... arguments) { std::invoke(function, arguments...); },
                call_);
        } catch (...) {
            report_exception();
        }
    }

private:
    using Call = std::tuple<F, A...>;

    ~Callback() { Callback::dispose(); }

    void destroy() noexcept override { delete this; }
    void dispose() noexcept override {
        if (std::exchange(full_, false)) {
            call_.~Call();
        }
    }
    [[nodiscard]] const std::type_info& callable() const noexcept override { return typeid(F); }

    ContextBox context_;
    // The callable dies before the state does, when the call is over or cancelled.
    union {
        Call call_;
    };
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
    TimerHandle() = default;
    TimerHandle(detail::HandleState* adopted, std::chrono::nanoseconds when) noexcept
        : Handle(adopted), when_(when) {}

    /// The deadline on the loop's clock, also after it passed.
    [[nodiscard]] std::chrono::nanoseconds when() const noexcept { return when_; }

private:
    std::chrono::nanoseconds when_{};
};

}  // namespace gyre
