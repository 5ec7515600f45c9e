#include "trace.hpp"

#include <gyre/errors.hpp>

namespace scenario {

namespace {

template <class T, class F>
std::string joined(const std::vector<T>& items, F text_of) {
    std::string text;
    for (const T& item : items) {
        text += (text.empty() ? "" : ",") + text_of(item);
    }
    return "[" + text + "]";
}

std::string show_result(const gyre::Result<Value>& result) {
    if (result.has_value()) {
        return show(*result);
    }
    return is_cancelled(result.error()) ? "!Cancelled" : "!" + describe(result.error());
}

}  // namespace

std::string show(const Value& value) { return value.value_or("none"); }

std::string show(const std::vector<Value>& values) {
    return joined(values, [](const Value& value) { return show(value); });
}

std::string show(const std::vector<gyre::Result<Value>>& results) {
    return joined(results, show_result);
}

std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const gyre::CancelledError& cancelled) {
        return cancelled.message().empty() ? "Cancelled" : "Cancelled:" + cancelled.message();
    } catch (const gyre::ExceptionGroup& group) {
        return "Group" + joined(group.exceptions(), describe);
    } catch (const Failure& failure) {
        return failure.what();
    } catch (const gyre::TimeoutError&) {
        return "TimeoutError";
    } catch (const gyre::InvalidStateError&) {
        return "InvalidState";
    } catch (const gyre::QueueFull&) {
        return "QueueFull";
    } catch (const gyre::QueueEmpty&) {
        return "QueueEmpty";
    } catch (const gyre::QueueShutDown&) {
        return "QueueShutDown";
    } catch (const gyre::RuntimeError&) {
        return "RuntimeError";
    } catch (const gyre::ValueError&) {
        return "ValueError";
    } catch (const std::exception& other) {
        return std::string("unexpected(") + other.what() + ")";
    }
}

bool is_cancelled(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const gyre::CancelledError&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace scenario
