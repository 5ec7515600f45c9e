#include <gyre/event_loop.hpp>
#include <gyre/handle.hpp>

#include <cxxabi.h>

#include <cstdlib>

namespace gyre::detail {

void HandleState::report_exception() {
    try {
        throw;
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
    if (phase_ != Phase::running) {
        dispose();
    }
    if (armed()) {
        loop_.cancel_timer(*this);
        release();
    }
}

}  // namespace gyre::detail
