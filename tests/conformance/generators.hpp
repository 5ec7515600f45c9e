// What the tests of asynchronous generators share: some of them.
#pragma once

#include "support.hpp"

#include <utility>

/// Logs when the body is left.
class Leaving {
public:
    Leaving(Log& log, std::string text) : log_(log), text_(std::move(text)) {}
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;
    ~Leaving() { log_.push_back(text_); }

private:
    Log& log_;
    std::string text_;
};

inline AsyncGenerator<int> count(int to) {
    for (int i = 0; i < to; ++i) {
        co_yield i;
        co_await sleep(0s);
    }
}

inline AsyncGenerator<int> logged(Log& log, std::string name) {
    Leaving leaving(log, name);
    for (int i = 0;; ++i) {
        co_yield i;
    }
}

/// Awaits while it is closed: Python's `finally: await …`.
inline AsyncGenerator<int> awaits_at_end(Log& log, int iterations) {
    std::exception_ptr error;
    try {
        for (int i = 0;; ++i) {
            co_yield i;
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_await ticks(iterations);
    log.push_back("cleaned");
    std::rethrow_exception(error);
}
