// The text of a scenario as a tree of statements.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace scenario {

/// A statement, with the block below it and, if it is a `try`, its clauses.
struct Node {
    std::size_t line = 0;
    std::vector<std::string> words;
    std::vector<Node> body;
    std::map<std::string, std::vector<Node>, std::less<>> clauses;

    /// The words, joined by one blank.
    [[nodiscard]] std::string text() const;
};

/// A mistake in the text of a scenario: "line 3: …".
[[noreturn]] void complain(std::size_t line, const std::string& what);

/// The declarations. One statement a line, two blanks a level; empty lines and comments (#) count
/// for nothing.
[[nodiscard]] std::vector<Node> parse(std::string_view text);

/// Each throws a complaint if there is no such word, or if it is no integer.
[[nodiscard]] const std::string& word_of(const Node& node, std::size_t index);
[[nodiscard]] int to_int(const Node& node, std::size_t index);

}  // namespace scenario
