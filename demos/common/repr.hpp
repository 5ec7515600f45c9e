// repr: how Python prints a number, a string in a list, a list.
#pragma once

#include <string>
#include <vector>

namespace demo {

[[nodiscard]] inline std::string repr(int number) { return std::to_string(number); }

/// For text without quotes and backslashes.
[[nodiscard]] inline std::string repr(const std::string& text) { return "'" + text + "'"; }

template <class T>
[[nodiscard]] std::string repr(const std::vector<T>& list) {
    std::string text;
    for (const T& item : list) {
        text += (text.empty() ? "" : ", ") + repr(item);
    }
    return "[" + text + "]";
}

}  // namespace demo
