// ExceptionContext: what is told of an error that nobody else can receive.
#pragma once

#include <exception>
#include <map>
#include <string>
#include <utility>

namespace gyre {

/// What an exception handler is told: asyncio's context dictionary.
struct ExceptionContext {
    ExceptionContext() = default;
    explicit ExceptionContext(std::string text, std::exception_ptr error = nullptr)
        : message(std::move(text)), exception(std::move(error)) {}

    std::string message;
    std::exception_ptr exception;
    /// "future", "task", "handle", "task_group" … and how each describes itself.
    std::map<std::string, std::string> details;
};

}  // namespace gyre
