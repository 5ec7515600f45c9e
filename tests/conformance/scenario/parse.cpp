#include "parse.hpp"

#include <charconv>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace scenario {

namespace {

struct Line {
    std::size_t number;
    std::size_t depth;
    std::vector<std::string> words;
};

std::vector<Line> split(std::string_view text) {
    std::vector<Line> lines;
    std::istringstream input{std::string(text)};
    std::string line;
    for (std::size_t number = 1; std::getline(input, line); ++number) {
        std::istringstream blanks(line);
        std::vector<std::string> words;
        for (std::string word; blanks >> word;) {
            words.push_back(std::move(word));
        }
        if (!words.empty() && words.front().front() != '#') {
            lines.push_back({number, line.find_first_not_of(' ') / 2, std::move(words)});
        }
    }
    return lines;
}

bool is_clause(const std::string& word) {
    return word == "except" || word == "cancelled" || word == "finally";
}

// The block that begins at `next`, which moves behind it.
std::vector<Node> parse_block(std::vector<Line>& lines, std::size_t& next, std::size_t depth) {
    std::vector<Node> block;
    while (next < lines.size() && lines[next].depth >= depth) {
        Line& line = lines[next++];
        if (line.depth > depth) {
            complain(line.number, "is indented too far");
        }
        Node node;
        node.line = line.number;
        node.words = std::move(line.words);
        node.body = parse_block(lines, next, depth + 1);
        if (!is_clause(node.words.front())) {
            block.push_back(std::move(node));
        } else if (block.empty() || block.back().words.front() != "try") {
            complain(node.line, node.text() + " without a try before it");
        } else {
            block.back().clauses[node.words.front()] = std::move(node.body);
        }
    }
    return block;
}

}  // namespace

std::string Node::text() const {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

void complain(std::size_t line, const std::string& what) {
    throw std::invalid_argument("line " + std::to_string(line) + ": " + what);
}

std::vector<Node> parse(std::string_view text) {
    std::vector<Line> lines = split(text);
    std::size_t next = 0;
    return parse_block(lines, next, 0);
}

const std::string& word_of(const Node& node, std::size_t index) {
    if (index >= node.words.size()) {
        complain(node.line, node.text() + " needs more words");
    }
    return node.words[index];
}

int to_int(const Node& node, std::size_t index) {
    const std::string& text = word_of(node, index);
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        complain(node.line, text + " is no integer");
    }
    return number;
}

}  // namespace scenario
