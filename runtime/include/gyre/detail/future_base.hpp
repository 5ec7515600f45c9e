// FutureBase: what every future and task is, whatever its type of result.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/context_map.hpp>
#include <gyre/detail/pool.hpp>
#include <gyre/detail/ready_queue.hpp>
#include <gyre/event_loop.hpp>

#include <cassert>
#include <compare>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gyre::detail {

class FutureBase;
class TaskBase;

/// Somebody who waits for a future: when the future is done, `target` is queued. Lives in the
/// waiter.
class GYRE_API DoneHook {
public:
    DoneHook() = default;
    explicit DoneHook(Ready& target) noexcept { set_target(target); }
    DoneHook(const DoneHook&) = delete;
    DoneHook& operator=(const DoneHook&) = delete;
    ~DoneHook() {
        if (linked()) {
            unlink();
        }
    }

    [[nodiscard]] bool linked() const noexcept { return future_ != nullptr; }
    void set_target(Ready& target) noexcept { target_ = reinterpret_cast<std::uintptr_t>(&target); }
    /// The same, and the target takes over a reference to the future when it is queued.
    void set_keeping_target(Ready& target) noexcept {
        set_target(target);
        target_ |= kKeepsFuture;
    }
    [[nodiscard]] Ready& target() const noexcept {
        return *reinterpret_cast<Ready*>(target_ & ~kKeepsFuture);
    }
    /// Waits no more. Does nothing if the future is done already.
    void unlink() noexcept;

private:
    friend class FutureBase;
    FutureBase* future_ = nullptr;
    DoneHook* next_;  // a ring, while it is linked
    DoneHook* previous_;
    static constexpr std::uintptr_t kKeepsFuture = 1;  // in the low bit of target_
    std::uintptr_t target_;
};

/// A counted state: pending, then exactly one of finished, failed, cancelled. It can stand in the
/// ready queue: a task does, for its next step.
class GYRE_API FutureBase : public Ready, public Pooled {
public:
    enum class State : std::uint8_t { pending, finished, failed, cancelled };

    FutureBase(const FutureBase&) = delete;
    FutureBase& operator=(const FutureBase&) = delete;

    [[nodiscard]] EventLoop& loop() const noexcept { return *loop_; }
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] bool done() const noexcept { return state_ != State::pending; }
    [[nodiscard]] bool cancelled() const noexcept { return state_ == State::cancelled; }

    /// Asks it to stop. True if that was or will be heeded.
    virtual bool cancel(std::string_view message) = 0;
    [[nodiscard]] virtual TaskBase* as_task() noexcept { return nullptr; }
    void run() override {}
    [[nodiscard]] std::string describe() const override;

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) {
            destroy();
        }
    }
    [[nodiscard]] bool shared() const noexcept { return references_ > 1; }

    /// Queues the hook's target when this is done; at once if it is.
    void add_hook(DoneHook& hook) noexcept;
    [[nodiscard]] bool has_hooks() const noexcept { return hooks_ != nullptr; }
    /// Calls f(hook) for each in order, until one returns true.
    template <class F>
    void find_hook(F f) {
        DoneHook* hook = hooks_;
        while (hook != nullptr) {
            DoneHook* const next = hook->next_ == hooks_ ? nullptr : hook->next_;
            if (f(*hook)) {
                return;
            }
            hook = next;
        }
    }

    /// Throws if the outcome is not a result: InvalidStateError while pending. The error counts as
    /// retrieved.
    [[gnu::always_inline]] void check_result() {
        if (state_ != State::finished) [[unlikely]] {
            // In the frame that awaits: each one more to unwind takes as long as several steps of a
            // task, and one that has something to destroy as long as all the rest.
            std::rethrow_exception(retrieve_error());
        }
    }
    /// The error of a failed one, else null; throws CancelledError or InvalidStateError.
    [[nodiscard]] std::exception_ptr exception();
    /// The CancelledError of a cancelled one.
    [[nodiscard]] std::exception_ptr cancelled_error() const;
    /// Failed with a CancelledError, as gather() does when a child was cancelled.
    [[nodiscard]] bool failed_by_cancel() const noexcept { return failed_by_cancel_; }
    /// Nobody has to ask for the error any more.
    void mark_retrieved() noexcept { report_ = false; }
    /// … nor ever will have to.
    void never_report() noexcept {
        report_ = false;
        quiet_ = true;
    }

    /// How the awaiting side passes where the result lies.
    template <class S>
    [[nodiscard]] S& storage() noexcept {
        return *reinterpret_cast<S*>(reinterpret_cast<char*>(this) + storage_offset_);
    }

    void finish() noexcept { complete(State::finished); }
    void fail(std::exception_ptr error) noexcept;
    /// Fails with a CancelledError without being cancelled (S125).
    void fail_by_cancel(std::exception_ptr error) noexcept;
    void become_cancelled(std::exception_ptr error) noexcept;

    void require_pending() const {
        if (done()) {
            throw_not_pending();
        }
    }

protected:
    /// What cancel() does where nothing stands behind the future.
    bool cancel_plain(std::string_view message);

    explicit FutureBase(EventLoop& loop) noexcept : loop_(&loop) { loop.retain(); }
    virtual ~FutureBase() {
        if (hooks_ != nullptr) {
            drop_hooks();
        }
        loop_->release();
    }

    template <class S>
    void set_storage(S& storage) noexcept {
        storage_offset_ = static_cast<std::uint16_t>(reinterpret_cast<char*>(&storage) -
                                                     reinterpret_cast<char*>(this));
    }
    virtual void queue_listener() noexcept {}
    [[nodiscard]] virtual std::string_view kind() const noexcept { return "Future"; }
    /// What the exception handler sees; null for the context that is current.
    [[nodiscard]] virtual ContextBox* report_context() noexcept { return nullptr; }
    [[nodiscard]] std::string state_text() const;

private:
    friend class DoneHook;
    friend class TaskBase;

    void queue_target(DoneHook& hook) noexcept {
        if ((hook.target_ & DoneHook::kKeepsFuture) != 0) {
            retain();
        }
        loop_->queue(hook.target());
    }
    void destroy() noexcept {
        if (report_) [[unlikely]] {
            report_last();
        }
        delete this;
    }
    void report_last() noexcept;
    void drop_hooks() noexcept;
    void complete(State state) noexcept {
        assert(!done());
        state_ = state;
        if (has_listener_) {
            queue_listener();
        }
        if (hooks_ != nullptr) {
            queue_hooks();
        }
    }
    void queue_hooks() noexcept;
    void report_unretrieved() noexcept;
    /// Of one that has no result. Throws InvalidStateError while pending.
    [[nodiscard]] std::exception_ptr retrieve_error();
    [[noreturn]] void throw_not_pending() const;

    EventLoop* loop_;
    std::uint32_t references_ = 1;
    std::uint16_t storage_offset_ = 0;
    // What a step of a task has to look at shares a byte: it looks once for all of it.
    State state_ : 2 = State::pending;

protected:
    bool must_cancel_ : 1 = false;   // of a task: a CancelledError is to be thrown at the next step
    bool has_extras_ : 1 = false;    // of a task
    bool has_listener_ : 1 = false;  // queue_listener() goes before the hooks

private:
    bool report_ : 1 = false;  // an error that nobody has asked for yet
    bool quiet_ : 1 = false;   // … and need not
    bool failed_by_cancel_ : 1 = false;
    DoneHook* hooks_ = nullptr;  // the first of the ring
    std::exception_ptr error_;   // of a failed one; of a cancelled one if it has a message
};

/// A counted pointer to a future's state.
template <class S>
class StateRef {
public:
    StateRef() = default;
    /// Takes over one reference.
    explicit StateRef(S* adopted) noexcept : state_(adopted) {}
    static StateRef share(S* state) noexcept {
        if (state != nullptr) {
            state->retain();
        }
        return StateRef(state);
    }
    StateRef(const StateRef& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) {
            state_->retain();
        }
    }
    StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    template <class D>
    requires(std::is_convertible_v<D*, S*>) StateRef(const StateRef<D>& other)
    noexcept : StateRef(share(other.get())) {}
    StateRef& operator=(StateRef other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~StateRef() {
        if (state_ != nullptr) {
            state_->release();
        }
    }
    [[nodiscard]] S* get() const noexcept { return state_; }
    [[nodiscard]] S* operator->() const noexcept { return state_; }
    [[nodiscard]] S& operator*() const noexcept { return *state_; }
    [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
    [[nodiscard]] S* detach() noexcept { return std::exchange(state_, nullptr); }
    bool operator==(const StateRef&) const = default;
    auto operator<=>(const StateRef&) const = default;

private:
    S* state_ = nullptr;
};

using FutureRef = StateRef<FutureBase>;

}  // namespace gyre::detail
