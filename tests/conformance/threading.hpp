// What the tests of threads share: a gate that they wait at.
#pragma once

#include "support.hpp"

#include <future>

// An exception's count of references is libstdc++'s own, which is not instrumented: the sanitizer
// does not see what orders its end in one thread after its use in another.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "race:std::runtime_error::~runtime_error\nrace:gyre::CancelledError::~CancelledError\n"
           "race:__cxa_free_exception\nrace:std::__exception_ptr::exception_ptr::_M_release\n";
}

/// What a thread waits at until the loop lets it through.
class Gate {
public:
    void open() { promise_.set_value(); }
    void pass() const { opened_.wait(); }
    [[nodiscard]] bool is_open() const { return opened_.wait_for(0s) == std::future_status::ready; }

private:
    std::promise<void> promise_;
    std::shared_future<void> opened_ = promise_.get_future().share();
};

/// Lets the loop turn until the gate is open.
inline Coro<> opened(const Gate& gate) {
    while (!gate.is_open()) {
        co_await sleep(0s);
    }
}
