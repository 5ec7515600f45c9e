#include <gyre/coro.hpp>
#include <gyre/event_loop.hpp>

#include <string>

namespace gyre::detail {

void report_never_awaited(const std::source_location& made) noexcept try {
    report_quietly(ExceptionContext(std::string("coroutine '") + made.function_name() +
                                    "' was never awaited (made at " + made.file_name() + ":" +
                                    std::to_string(made.line()) + ")"));
} catch (...) {
    // No memory for the text.
}

void throw_already_awaited() { throw RuntimeError("cannot reuse already awaited coroutine"); }

}  // namespace gyre::detail
