// Task: a lazy coroutine, awaited by another or spawned in a group.
#pragma once

#include "frames.hpp"
#include "loop.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace bench::floor {

/// co_await a Group: resumed when the tasks that were spawned in it are done.
class Group {
public:
    [[nodiscard]] bool done() const { return running_ == 0; }
    void started() { ++running_; }
    void finished() {
        if (--running_ == 0 && waiting_.coroutine) {
            Loop::current().push(waiting_);
        }
    }

    bool await_ready() const noexcept { return done(); }
    void await_suspend(std::coroutine_handle<> awaiting) noexcept { waiting_.coroutine = awaiting; }
    void await_resume() noexcept { waiting_.coroutine = nullptr; }

private:
    int running_ = 0;
    Step waiting_;
};

/// What does not depend on the result's type.
class Promise {
public:
    static void* operator new(std::size_t size) { return Frames::allocate(size); }
    static void operator delete(void* frame, std::size_t size) { Frames::release(frame, size); }

    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept { return Final(); }
    void unhandled_exception() { error_ = std::current_exception(); }

    void await_by(std::coroutine_handle<> awaiting) { awaiting_ = awaiting; }
    void rethrow() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }
    void spawn(Group& group, std::coroutine_handle<> self) {
        group_ = &group;
        group.started();
        first_step_.coroutine = self;
        Loop::current().push(first_step_);
    }

private:
    // One that is awaited goes on in its caller; one that was spawned has no other owner.
    struct Final {
        bool await_ready() const noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
            Promise& promise = self.promise();
            if (promise.awaiting_) {
                return promise.awaiting_;
            }
            Group* group = promise.group_;
            self.destroy();
            group->finished();
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };

    std::coroutine_handle<> awaiting_;
    Step first_step_;
    Group* group_ = nullptr;
    std::exception_ptr error_;
};

template <class T>
class ResultPromise : public Promise {
public:
    void return_value(T value) { value_ = std::move(value); }
    T take() {
        rethrow();
        return std::move(value_);
    }

private:
    T value_{};
};

template <>
class ResultPromise<void> : public Promise {
public:
    void return_void() {}
    void take() const { rethrow(); }
};

template <class T = void>
class [[nodiscard]] Task {
public:
    struct promise_type : ResultPromise<T> {
        Task get_return_object() { return Task(Coroutine::from_promise(*this)); }
    };

    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    void spawn(Group& group) && {
        Coroutine coroutine = std::exchange(coroutine_, nullptr);
        coroutine.promise().spawn(group, coroutine);
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        coroutine_.promise().await_by(awaiting);
        return coroutine_;
    }
    T await_resume() { return coroutine_.promise().take(); }

private:
    using Coroutine = std::coroutine_handle<promise_type>;

    explicit Task(Coroutine coroutine) : coroutine_(coroutine) {}

    Coroutine coroutine_;
};

}  // namespace bench::floor
