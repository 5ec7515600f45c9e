#include <gyre/event_loop.hpp>
#include <gyre/handle.hpp>

#include <cxxabi.h>

#include <cstdlib>

namespace gyre::detail {

HandleState::HandleState(EventLoop& loop, bool threadsafe) noexcept
    : loop_(loop), context_{copy_current_context()}, threadsafe_(threadsafe) {}

HandleState::~HandleState() = default;

void HandleState::run() {
    // The call over, the callable goes, and the loop's reference with it; by an ExitError too.
    struct Finish {
        HandleState& state;
        ~Finish() {
            state.running_ = false;
            if (state.once_ || state.cancelled_) {
                state.dispose();
            }
            state.release();
        }
    } finish{*this};
    queued_ = false;
    if (cancelled_) {
        return;
    }
    running_ = true;
    ContextScope scope(context_);
    try {
        invoke();
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        ExceptionContext report("Exception in callback " + describe(), std::current_exception());
        report.details["handle"] = describe();
        loop_.call_exception_handler(report);
    }
}

std::string HandleState::describe() const {
    int status = 0;
    char* readable = abi::__cxa_demangle(callable().name(), nullptr, nullptr, &status);
    std::string text = std::string("<Handle ") + (status == 0 ? readable : callable().name()) + ">";
    std::free(readable);
    return text;
}

void HandleState::cancel() noexcept {
    if (std::exchange(cancelled_, true)) {
        return;
    }
    if (!running_) {
        dispose();
    }
    if (armed()) {
        loop_.cancel_timer(*this);
        release();
    }
}

}  // namespace gyre::detail
