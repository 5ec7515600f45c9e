// What asynchronous generators have in common, whatever they yield.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/list_link.hpp>
#include <gyre/detail/pool.hpp>
#include <gyre/detail/step.hpp>
#include <gyre/detail/task_base.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>

namespace gyre::detail {

class GeneratorPromiseBase;

/// Thrown at the co_yield of a generator that is closed. No std::exception, so that it passes
/// ordinary handlers.
class GYRE_API GeneratorExit {
public:
    GeneratorExit() = default;
    GeneratorExit(const GeneratorExit&) = default;
    virtual ~GeneratorExit();
};

/// A counted pointer to a generator's frame. The last one to go has the frame closed by a task, or
/// destroyed.
class GYRE_API GeneratorRef {
public:
    GeneratorRef() = default;
    explicit GeneratorRef(GeneratorPromiseBase* adopted) noexcept : generator_(adopted) {}
    GeneratorRef(const GeneratorRef& other) noexcept;
    GeneratorRef(GeneratorRef&& other) noexcept
        : generator_(std::exchange(other.generator_, nullptr)) {}
    GeneratorRef& operator=(GeneratorRef other) noexcept {
        std::swap(generator_, other.generator_);
        return *this;
    }
    ~GeneratorRef() {
        if (generator_ != nullptr) {
            let_go();
        }
    }
    [[nodiscard]] explicit operator bool() const noexcept { return generator_ != nullptr; }
    [[nodiscard]] GeneratorPromiseBase* operator->() const noexcept { return generator_; }
    [[nodiscard]] GeneratorPromiseBase& operator*() const noexcept { return *generator_; }

private:
    void let_go() noexcept;
    GeneratorPromiseBase* generator_ = nullptr;
};

/// co_yield: suspends the body and resumes who asked for the value.
class [[nodiscard]] GYRE_API YieldAwaiter {
public:
    explicit YieldAwaiter(GeneratorPromiseBase& generator) noexcept : generator_(generator) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept;
    /// Throws what aclose() or athrow() left here.
    void await_resume() const;

private:
    GeneratorPromiseBase& generator_;
};

class GYRE_API GeneratorPromiseBase : public PooledFrame, private ListLink {
public:
    GeneratorPromiseBase() = default;
    GeneratorPromiseBase(const GeneratorPromiseBase&) = delete;
    GeneratorPromiseBase& operator=(const GeneratorPromiseBase&) = delete;

    struct FinalAwaiter {
        FinalAwaiter() = default;
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
            GeneratorPromiseBase& promise = handle.promise();
            promise.ended_ = true;
            promise.arrive();
        }
        void await_resume() const noexcept {}
    };

    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept;

    template <class A>
    decltype(auto) await_transform(
        A&& awaitable, std::source_location where = std::source_location::current()) noexcept {
        step.where = where;
        return pass_awaitable(std::forward<A>(awaitable));
    }

    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// A resume is about to begin: false if the body has ended. Throws RuntimeError if one is under
    /// way.
    [[nodiscard]] bool begin(const char* what);
    void start_for(std::coroutine_handle<> continuation) noexcept {
        arrived = false;
        continuation_ = continuation;
    }
    void end() noexcept { running_ = false; }
    [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return self_; }

    /// Has the next resume throw `error` at the yield. False if there is no yield: an ended one
    /// stays so, one that never began ends and throws here. Throws RuntimeError if a resume is
    /// under way.
    [[nodiscard]] bool prepare_throw(const std::exception_ptr& error, const char* what);
    /// The same for closing, where one that never began just ends.
    [[nodiscard]] bool prepare_close();

    bool arrived = false;              // a value, or the end
    bool resume_continuation = false;  // the awaiting one is not below on the stack

protected:
    ~GeneratorPromiseBase();

    [[nodiscard]] GeneratorRef adopt(std::coroutine_handle<> self) noexcept {
        self_ = self;
        return GeneratorRef(this);
    }
    void rethrow_failure() {
        if (std::exchange(failed_, false)) [[unlikely]] {
            std::rethrow_exception(step.take_error());
        }
    }

private:
    friend class GeneratorRef;
    friend class YieldAwaiter;
    friend class LoopData;
    friend Coro<> close_generator(GeneratorRef generator);

    void arrive() noexcept {
        arrived = true;
        if (resume_continuation) {
            step.next = continuation_;
        }
    }
    void check_idle(const char* what) const;
    void track();
    void untrack() noexcept;
    void finalise() noexcept;

    std::coroutine_handle<> self_;
    std::coroutine_handle<> continuation_;
    std::exception_ptr injected_;  // what the yield throws
    EventLoop* loop_ = nullptr;    // of its first resume
    std::uint32_t references_ = 1;
    bool started_ = false;
    bool running_ = false;
    bool closing_ = false;
    bool ended_ = false;
    bool failed_ = false;
};

inline void YieldAwaiter::await_suspend(std::coroutine_handle<> /*handle*/) noexcept {
    generator_.arrive();
}

/// Runs a generator until it yields or ends.
class [[nodiscard]] GYRE_API AdvanceAwaiter {
public:
    AdvanceAwaiter(GeneratorRef generator, const char* what) noexcept
        : generator_(std::move(generator)), what_(what) {}
    AdvanceAwaiter(const AdvanceAwaiter&) = delete;
    AdvanceAwaiter& operator=(const AdvanceAwaiter&) = delete;
    ~AdvanceAwaiter() {
        if (running_) {
            generator_->end();
        }
    }

    [[nodiscard]] bool await_ready() {
        running_ = generator_->begin(what_);
        return !running_;
    }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> continuation) {
        generator_->start_for(continuation);
        return !resume_nested(*generator_, generator_->handle());
    }
    /// False if the body had ended before.
    [[nodiscard]] bool await_resume() noexcept {
        const bool ran = std::exchange(running_, false);
        if (ran) {
            generator_->end();
        }
        return ran;
    }

protected:
    [[nodiscard]] GeneratorPromiseBase& generator() const noexcept { return *generator_; }

private:
    GeneratorRef generator_;
    const char* what_;
    bool running_ = false;
};

[[noreturn]] GYRE_API void throw_no_generator();

/// Throws GeneratorExit at the yield and runs the body to its end.
[[nodiscard]] GYRE_API Coro<> close_generator(GeneratorRef generator);

}  // namespace gyre::detail
