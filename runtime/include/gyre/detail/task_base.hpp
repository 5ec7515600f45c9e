// TaskBase: a coroutine that the loop steps; WaitNode: what it waits for when that is no future.
#pragma once

#include <gyre/detail/context_map.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/detail/step.hpp>
#include <gyre/detail/task_registry.hpp>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

namespace gyre::detail {

class LoopData;

/// One wait of one task, in the frame that waits: a future without a value.
/// pending -> woken (what it waited for came) or cancelled (the task was asked to stop).
class GYRE_API WaitNode {
public:
    WaitNode() = default;
    WaitNode(const WaitNode&) = delete;
    WaitNode& operator=(const WaitNode&) = delete;

    [[nodiscard]] bool done() const noexcept { return (word_ & kState) != kPending; }
    [[nodiscard]] bool woken() const noexcept { return (word_ & kState) == kWoken; }
    [[nodiscard]] bool cancelled() const noexcept { return (word_ & kState) == kCancelled; }
    [[nodiscard]] TaskBase* task() const noexcept {
        return reinterpret_cast<TaskBase*>(word_ & ~kState);
    }
    /// Resumes the task in the next iteration. Does nothing the second time.
    inline void wake() noexcept;
    /// The same, for who knows its loop: `loop` is the task's.
    inline void wake_on(EventLoop& loop) noexcept;

protected:
    ~WaitNode() = default;
    void forget_task() noexcept { word_ &= kState; }

private:
    friend class TaskBase;
    friend class RetryNode;
    // The task's address, and in its low bits the state.
    static constexpr std::uintptr_t kPending = 0;
    static constexpr std::uintptr_t kWoken = 1;
    static constexpr std::uintptr_t kCancelled = 2;
    static constexpr std::uintptr_t kState = 3;

    std::uintptr_t word_ = 0;
};

/// A wait whose wake-up is a hint. It stands in the ready queue in the task's stead, and run()
/// looks whether to make the task's step or to wait again: the coroutine is not resumed in vain.
class GYRE_API RetryNode : public Ready, public WaitNode {
public:
    inline void wake() noexcept;
    inline void wake_on(EventLoop& loop) noexcept;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] std::string run_described() override;

protected:
    RetryNode() = default;
    ~RetryNode() = default;
    /// The task was cancelled: it is not to wait again.
    [[nodiscard]] inline bool must_resume() const noexcept;
    inline void resume_task();
    void wait_again() noexcept { word_ &= ~kState; }
};

/// Of the thread's latest task.
GYRE_API extern GYRE_THREAD_LOCAL std::uint32_t last_task_id;

/// See the members' comments for the states of a step; semantics are asyncio's Task, rule by rule.
class GYRE_API TaskBase : public FutureBase {
public:
    /// The task that runs on this thread, or null.
    [[nodiscard]] static TaskBase* current() noexcept { return step.task; }
    /// The same; throws RuntimeError outside of a task.
    [[nodiscard]] static TaskBase& require_current() {
        if (step.task == nullptr) [[unlikely]] {
            throw_no_task();
        }
        return *step.task;
    }

    bool cancel(std::string_view message) override;
    [[nodiscard]] std::uint32_t cancelling() const noexcept { return cancel_requests_; }
    std::uint32_t uncancel() noexcept;
    /// The CancelledError of the latest cancel() that was left to the task itself, because it
    /// waited for nothing; null if it had no message.
    [[nodiscard]] std::exception_ptr latest_request() const;

    [[nodiscard]] TaskBase* as_task() noexcept override { return this; }
    [[nodiscard]] std::string name() const;
    void set_name(std::string_view name);
    [[nodiscard]] std::string describe() const override;
    /// "main() at demo.cpp:12": the coroutine, and where it waits.
    [[nodiscard]] std::string where() const;
    [[nodiscard]] bool eager() const noexcept { return eager_ != 0; }

    // --- awaiters
    // ---------------------------------------------------------------------------------

    /// Suspends until the future is done. The hook must stay linked or be unlinked by its owner.
    void suspend_on(FutureBase& future, DoneHook& hook, std::coroutine_handle<> handle) {
        set_leaf(handle);
        hook.set_target(*this);
        future.add_hook(hook);
        waiting_ = reinterpret_cast<std::uintptr_t>(&future);
        if (must_cancel_) [[unlikely]] {
            deliver_now();
        }
    }
    /// Suspends until node.wake().
    void suspend_on(WaitNode& node, std::coroutine_handle<> handle) {
        set_leaf(handle);
        node.word_ = reinterpret_cast<std::uintptr_t>(this);
        waiting_ = reinterpret_cast<std::uintptr_t>(&node) | kNode;
        if (must_cancel_) [[unlikely]] {
            deliver_now();
        }
    }
    /// Suspends for one iteration.
    void suspend_yield(std::coroutine_handle<> handle) {
        set_leaf(handle);  // it waits for nothing: the step has seen to that
        loop().queue(*this);
    }
    /// First thing in await_resume after a suspension: throws the CancelledError that is due here.
    void check_cancelled() {
        if (throw_cancelled_) [[unlikely]] {
            throw_cancelled();
        }
    }
    /// The same for a wait on a node, which may have been cancelled itself.
    void check_cancelled(const WaitNode& node) {
        if (is_cancelled(node)) [[unlikely]] {
            throw_cancelled();
        }
    }
    /// check_cancelled() will throw: for who has to tidy up first, and throw_cancelled() then.
    [[nodiscard]] bool is_cancelled(const WaitNode& node) const noexcept {
        return throw_cancelled_ || node.cancelled();
    }
    [[noreturn]] void throw_cancelled();

    /// Has owner.heard(*this, 0) called in the iteration after the task is done, without a node of
    /// its own: the task's place in the ready queue, free then, serves. False if somebody waits for
    /// the task already.
    [[nodiscard]] bool listen(Listener::Owner& owner) noexcept {
        if (has_hooks() || (has_listener_ && (done() || listener() != nullptr))) {
            return false;
        }
        listener() = &owner;
        has_listener_ = true;
        if (done()) {
            queue_call();
        }
        return true;
    }
    /// The owner hears nothing from now on.
    void stop_listening(const Listener::Owner& owner) noexcept {
        if (listener() == &owner) {
            listener() = nullptr;
        }
    }

    // --- the loop
    // ---------------------------------------------------------------------------------

    void run() override;
    void drop() noexcept override;
    [[nodiscard]] std::string run_described() override;

    /// Queues the first step. The loop, whose data those are, holds a reference until it is done.
    inline void start(LoopData& data);
    /// Takes the first step here, if its loop runs, or queues it.
    void start_eagerly(LoopData& data);

    [[nodiscard]] ContextBox& context() noexcept {
        return has_extras_ ? context_in_extras() : own_context_;
    }
    void share_context(std::shared_ptr<ContextBox> box);
    /// The context for others: what they set there, the task sees.
    [[nodiscard]] std::shared_ptr<ContextBox> shared_context();
    /// Hands it to the exception handler, which sees the task's context.
    void report(const ExceptionContext& report);

    void set_location(std::source_location location) noexcept { where_ = location; }
    /// Not reported if it is still pending when the loop goes.
    void disable_pending_report() noexcept { report_pending_ = 0; }

protected:
    TaskBase(EventLoop& loop, std::coroutine_handle<> body)
        : FutureBase(loop),
          body_(body),
          leaf_(body),
          own_context_{copy_current_context()},
          id_(next_id()) {}
    ~TaskBase() override {
        if (body_ || has_extras_) [[unlikely]] {
            clear();
        }
    }

    /// Moves the body's result out of its frame into the storage. False if it has none, because an
    /// error left it: step.take_error() has that.
    [[nodiscard]] virtual bool take_result() = 0;

    [[nodiscard]] std::string_view kind() const noexcept override { return "Task"; }
    [[nodiscard]] ContextBox* report_context() noexcept override { return &context(); }
    [[nodiscard]] std::coroutine_handle<> body() const noexcept { return body_; }
    /// Frees the body's frame; it may never have run.
    void destroy_body() noexcept;

private:
    friend class WaitNode;
    friend class RetryNode;
    friend class LoopData;

    [[noreturn]] static void throw_no_task();

    // Numbers are handed to threads in blocks: the first thread counts 1, 2, 3 and no step is
    // atomic.
    static constexpr std::uint32_t kIdBlock = 1U << 16;
    static std::uint32_t next_id() noexcept {
        if (last_task_id % kIdBlock == 0) [[unlikely]] {
            last_task_id = next_id_block();
        }
        return ++last_task_id;
    }
    static std::uint32_t next_id_block() noexcept;

    struct Extras;  // what few tasks have
    void clear() noexcept;

    // What `waiting_` points to, in its low bit: 0 for a future.
    static constexpr std::uintptr_t kNode = 1;
    static constexpr std::uintptr_t kNotStarted = kNode;  // waits for its first step, and no node

    void set_leaf(std::coroutine_handle<> handle) noexcept {
        if (leaf_ != handle) {  // most often the same one waits again
            leaf_ = handle;
        }
    }
    [[nodiscard]] FutureBase* waiting_future() const noexcept {
        return (waiting_ & kNode) == 0 ? reinterpret_cast<FutureBase*>(waiting_) : nullptr;
    }
    [[nodiscard]] WaitNode* waiting_node() const noexcept {
        return (waiting_ & kNode) != 0 ? reinterpret_cast<WaitNode*>(waiting_ - kNode) : nullptr;
    }
    /// cancel() of what this waits for. False if that is done or nothing.
    bool cancel_awaited(std::string_view message);
    void deliver_now();
    [[nodiscard]] bool prepare_cancelled_step();
    void set_message(std::string_view message);
    [[nodiscard]] bool wait_was_cancelled() const noexcept;
    void queue_listener() noexcept override;
    void queue_call() noexcept {
        retain();
        loop().queue(*this);
    }
    void call_listener();
    [[nodiscard]] bool may_step();
    void resume_leaf();
    static void resume_next();
    void make_step(ContextBox& box);
    [[gnu::noinline]] void run_specially();
    [[gnu::noinline]] void end_step();
    [[gnu::noinline]] void end_nested_step();
    void end_body();
    void fail_with(std::exception_ptr error, bool cancelled);
    void leave_loop() noexcept;
    Extras& extras();
    [[nodiscard]] Listener::Owner*& listener() noexcept {
        return has_extras_ ? listener_in_extras() : listener_;
    }
    [[nodiscard]] Listener::Owner*& listener_in_extras() noexcept;
    [[nodiscard]] ContextBox& context_in_extras() noexcept;

    std::coroutine_handle<> body_;  // owned; null once done
    std::coroutine_handle<> leaf_;  // what the next step resumes
    // The future or node that wakes this, tagged; 0 while it is queued or runs.
    std::uintptr_t waiting_ = kNotStarted;
    ContextBox own_context_;  // stays where it is: scopes come back to it
    union {
        Listener::Owner* listener_ = nullptr;
        Extras* extras_;  // where has_extras_: it holds the listener, too
    };
    std::source_location where_;
    TaskRegistry::Place place_;  // while it is not done
    std::uint32_t id_;           // of the default name
    std::uint16_t cancel_requests_ = 0;
    bool throw_cancelled_ = false;  // a CancelledError, at the await that this step resumes
    // A whole byte, so that it is written without a look at what it was.
    std::uint8_t eager_ : 1 = 0;
    std::uint8_t report_pending_ : 1 = 1;
    std::uint8_t visiting_ : 1 = 0;  // cancel() passes through here: breaks cycles
    [[maybe_unused]] std::uint8_t unused_ : 5 = 0;
    // The CancelledError to throw, where it has a message, lies in error_ until the task is done.
};

using TaskRef = StateRef<TaskBase>;

inline void WaitNode::wake_on(EventLoop& loop) noexcept {
    if (!done()) {
        word_ |= kWoken;
        loop.queue(*task());
    }
}

inline void WaitNode::wake() noexcept { wake_on(task()->loop()); }

inline void RetryNode::wake_on(EventLoop& loop) noexcept {
    if (!done()) {
        word_ |= kWoken;
        loop.queue(*this);
    }
}

inline void RetryNode::wake() noexcept { wake_on(task()->loop()); }

inline bool RetryNode::must_resume() const noexcept { return task()->must_cancel_; }

inline void RetryNode::resume_task() { task()->TaskBase::run(); }

}  // namespace gyre::detail
