// Generator: a coroutine that somebody else steps, with no event loop anywhere.
#pragma once

#include <coroutine>
#include <iterator>
#include <utility>
#include <vector>

namespace demo {

/// What a Python function with a bare `yield` returns.
///
/// ```
/// Generator count(int n) {
///     for (int i = 1; i <= n; ++i) {
///         std::printf("%d\n", i);
///         co_yield {};
///     }
/// }
/// Generator counting = count(3);
/// while (counting.next()) {
/// }
/// ```
class Generator {
public:
    struct promise_type;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Generator(Handle frame) noexcept : frame_(frame) {}
    Generator(Generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Generator& operator=(Generator other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~Generator() {
        if (frame_) {
            frame_.destroy();
        }
    }

    /// Runs it to its next co_yield. False if it ended instead; Python: StopIteration.
    bool next();

private:
    Handle frame_;
};

struct Generator::promise_type {
    struct Nothing {};

    Generator get_return_object() noexcept { return Generator(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    std::suspend_always yield_value(Nothing) const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const { throw; }
};

inline bool Generator::next() {
    frame_.resume();
    return !frame_.done();
}

/// Steps each in turn, until all have ended.
inline void take_turns(std::vector<Generator>& generators) {
    while (!generators.empty()) {
        for (auto each = generators.begin(); each != generators.end();) {
            each = each->next() ? std::next(each) : generators.erase(each);
        }
    }
}

}  // namespace demo
