#include <gyre/coro.hpp>
#include <gyre/event_loop.hpp>

#include <string>

namespace gyre::detail {

void report_never_awaited(const std::source_location& made) noexcept {
    try {
        const ExceptionContext context(std::string("coroutine '") + made.function_name() +
                                       "' was never awaited (made at " + made.file_name() + ":" +
                                       std::to_string(made.line()) + ")");
        if (running_loop != nullptr) {
            running_loop->call_exception_handler(context);
        } else {
            std::fputs((context.message + "\n").c_str(), stderr);
        }
    } catch (...) {
        // A destructor has nobody to tell.
    }
}

void throw_already_awaited() { throw RuntimeError("cannot reuse already awaited coroutine"); }

}  // namespace gyre::detail
