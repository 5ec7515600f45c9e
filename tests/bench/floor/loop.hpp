// Loop: resumes what is ready.
#pragma once

#include "inbox.hpp"
#include "steps.hpp"
#include "wheel.hpp"

#include <unistd.h>

#include <coroutine>
#include <cstdint>

namespace bench::floor {

/// The loop of the thread that made it.
class Loop {
public:
    Loop() { current_ = this; }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() { current_ = nullptr; }

    static Loop& current() { return *current_; }

    Wheel& timers() { return timers_; }
    void push(Step& step) { ready_.push(step); }
    /// From any thread.
    void post(Step& step) { inbox_.post(step); }

    /// Runs until nothing is ready.
    void drain() {
        while (Step* step = ready_.pop()) {
            step->coroutine.resume();
        }
    }

    /// Runs until `done()`, asked whenever nothing is ready.
    template <class Done>
    void run_until(Done done) {
        for (drain(); !done(); drain()) {
            if (inbox_.take(ready_)) {
                continue;
            }
            if (timers_.empty()) {
                inbox_.wait();
                continue;
            }
            timers_.turn(ready_);
            if (ready_.empty()) {
                ::usleep(500);
            }
        }
    }

private:
    static inline constinit thread_local Loop* current_ = nullptr;

    Steps ready_;
    Wheel timers_;
    Inbox inbox_;
};

/// co_await Yield(): lets the others run.
class Yield : Step {
public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) noexcept {
        coroutine = awaiting;
        Loop::current().push(*this);
    }
    void await_resume() const noexcept {}
};

/// co_await a Sleep: resumed when the time is over, or by cancel().
class Sleep : Timer {
public:
    explicit Sleep(int milliseconds) {
        due = Loop::current().timers().now() + static_cast<std::uint64_t>(milliseconds);
    }

    void cancel() {
        Loop::current().timers().cancel(*this);
        Loop::current().push(*this);
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
        coroutine = awaiting;
        Loop::current().timers().add(*this);
    }
    void await_resume() const noexcept {}
};

}  // namespace bench::floor
