// What runs on this thread right now, and how coroutines pass control without growing the stack.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/pool.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

namespace gyre::detail {

class TaskBase;

/// A step of a task resumes one coroutine. An awaited coroutine is started by a nested resume while
/// the nesting is shallow: the cheapest way, and most finish without waiting. Beyond the bound, and
/// when a coroutine finishes that was not started by the one below it on the stack, `next` is set
/// and everything unwinds to the step, which resumes it from there. So no chain of awaits, however
/// deep or long, needs more stack than the bound, whatever the compiler makes of symmetric
/// transfer.
struct Step {
    TaskBase* task = nullptr;
    std::coroutine_handle<> next;
    std::uint32_t depth = 0;
    std::int32_t live_frames = 0;  // coroutines made and not destroyed on this thread: for tests
    std::source_location where;    // the latest co_await: where the task waits once it is suspended

    // The exception that is on its way from a coroutine that ended by it to the one that awaits it,
    // which is the very next to run: frames need no room for it. Bare memory, for a thread's
    // variable with a destructor costs a call at each use.
    alignas(std::exception_ptr) std::byte error[sizeof(std::exception_ptr)] = {};

    bool error_is_cancelled = false;  // … it is a CancelledError, not of a derived class

    /// From inside the handler of the exception.
    GYRE_API static void throw_in_awaiting() noexcept;
    [[nodiscard]] std::exception_ptr take_error() noexcept {
        auto& held = *std::launder(reinterpret_cast<std::exception_ptr*>(&error));
        std::exception_ptr taken = std::move(held);
        held.~exception_ptr();
        return taken;
    }
};
static_assert(std::is_trivially_destructible_v<Step>);

inline constexpr std::uint32_t kDeepestNesting = 48;

GYRE_API extern GYRE_THREAD_LOCAL Step step;

/// What promises have in common: their coroutine's frame lies in the pool, and is counted.
class PooledFrame {
public:
    static void* operator new(std::size_t size) {
        void* const frame = pool_allocate(size);
        ++step.live_frames;
        return frame;
    }
    static void operator delete(void* frame, std::size_t size) noexcept {
        --step.live_frames;
        pool_free(frame, size);
    }
};

/// Resumes a coroutine on behalf of the one that awaits it. True if it came back with what is
/// awaited (`promise.arrived`); false if the awaiting one is now suspended and will be resumed
/// through `next`.
template <class Promise>
[[nodiscard]] bool resume_nested(Promise& promise, std::coroutine_handle<> child) {
    if (step.depth >= kDeepestNesting) {
        promise.resume_continuation = true;
        step.next = child;
        return false;
    }
    ++step.depth;
    promise.resume_continuation = false;
    child.resume();
    --step.depth;
    if (promise.arrived) {
        return true;
    }
    promise.resume_continuation = true;
    return false;
}

}  // namespace gyre::detail
