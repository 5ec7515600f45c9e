#include <gyre/errors.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <system_error>
#include <typeinfo>

namespace gyre {

// Out of line: one home for each type's identity, so that a catch works across libraries.
Error::~Error() = default;
RuntimeError::~RuntimeError() = default;
ValueError::~ValueError() = default;
DeadlockError::~DeadlockError() = default;
TimeoutError::~TimeoutError() = default;
InvalidStateError::~InvalidStateError() = default;
QueueEmpty::~QueueEmpty() = default;
QueueFull::~QueueFull() = default;
QueueShutDown::~QueueShutDown() = default;
BrokenBarrierError::~BrokenBarrierError() = default;
ExceptionGroup::~ExceptionGroup() = default;
IncompleteReadError::~IncompleteReadError() = default;
LimitOverrunError::~LimitOverrunError() = default;
CancelledError::~CancelledError() = default;
ExitError::~ExitError() = default;
KeyboardInterrupt::~KeyboardInterrupt() = default;
SystemExit::~SystemExit() = default;

namespace {

std::string readable_name(const std::type_info& type) {
    int status = 0;
    char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    std::string name = status == 0 ? readable : type.name();
    std::free(readable);
    return name;
}

std::string count_text(const std::string& text, std::size_t count) {
    return text + " (" + std::to_string(count) +
           (count == 1 ? " sub-exception)" : " sub-exceptions)");
}

}  // namespace

ExceptionGroup::ExceptionGroup(const std::string& text, std::vector<std::exception_ptr> errors)
    : Error(count_text(text, errors.size())), exceptions(std::move(errors)) {}

IncompleteReadError::IncompleteReadError(std::string received, std::optional<std::size_t> awaited)
    : Error(std::to_string(received.size()) + " bytes read on a total of " +
            (awaited ? std::to_string(*awaited) : "undefined") + " expected bytes"),
      partial(std::move(received)),
      expected(awaited) {}

std::string describe(const std::exception_ptr& error) {
    if (error == nullptr) {
        return "none";
    }
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError& cancelled) {
        return cancelled.message().empty() ? "gyre::CancelledError"
                                           : "gyre::CancelledError: " + cancelled.message();
    } catch (const SystemExit& exit) {
        return "gyre::SystemExit: " + std::to_string(exit.status());
    } catch (const KeyboardInterrupt&) {
        return "gyre::KeyboardInterrupt";
    } catch (const ExceptionGroup& group) {
        std::string text = "gyre::ExceptionGroup: " + std::string(group.what());
        for (const std::exception_ptr& each : group.exceptions) {
            text += "\n  - " + describe(each);
        }
        return text;
    } catch (const std::exception& exception) {
        return readable_name(typeid(exception)) + ": " + exception.what();
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return type == nullptr ? "unknown exception" : readable_name(*type);
    }
}

}  // namespace gyre
