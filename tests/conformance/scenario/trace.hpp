// What a trace says of values and errors.
#pragma once

#include <gyre/result.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace scenario {

/// What a task, a future and a block give: a word, or none.
using Value = std::optional<std::string>;

/// What `raise NAME` throws.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// "none", or the word.
[[nodiscard]] std::string show(const Value& value);
/// "[v,v]".
[[nodiscard]] std::string show(const std::vector<Value>& values);
/// The same, where an exception is "!ERROR".
[[nodiscard]] std::string show(const std::vector<gyre::Result<Value>>& results);

/// ERROR: "Cancelled", "Cancelled:MSG", "Group[E1,E2]", "TimeoutError", the NAME of a Failure …
[[nodiscard]] std::string describe(const std::exception_ptr& error);
[[nodiscard]] bool is_cancelled(const std::exception_ptr& error);

}  // namespace scenario
