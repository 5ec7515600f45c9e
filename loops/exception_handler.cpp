#include <gyre/event_loop.hpp>

#include <cstdio>

namespace gyre {

namespace {

void write_report(const ExceptionContext& context) {
    std::string text =
        context.message.empty() ? "Unhandled exception in event loop" : context.message;
    if (context.exception != nullptr) {
        text += "\nexception: " + describe(context.exception);
    }
    for (const auto& [key, value] : context.details) {
        text += "\n" + key + ": " + value;
    }
    text += "\n";
    // One write: reports of several threads do not mix.
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

void EventLoop::default_exception_handler(const ExceptionContext& context) {
    write_report(context);
}

void EventLoop::call_exception_handler(const ExceptionContext& context) {
    if (!exception_handler_) {
        default_exception_handler(context);
        return;
    }
    try {
        const ExceptionHandler handler = exception_handler_;  // it may replace itself
        handler(*this, context);
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        ExceptionContext report("Unhandled error in exception handler", std::current_exception());
        report.details["context"] =
            context.message + (context.exception ? " (" + describe(context.exception) + ")" : "");
        default_exception_handler(report);
    }
}

void detail::report_quietly(const ExceptionContext& context) noexcept {
    try {
        if (running_loop != nullptr) {
            running_loop->call_exception_handler(context);
        } else {
            write_report(context);
        }
    } catch (...) {
        // There is nobody else to tell.
    }
}

}  // namespace gyre
