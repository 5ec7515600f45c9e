#include "robots.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace demo {

namespace {

std::string_view strip(std::string_view text) {
    constexpr std::string_view spaces = " \t\r";
    const std::size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

struct Line {
    std::string key;
    std::string_view value;
};

// "Key: value  # remark", as far as the RFC wants it read.
std::vector<Line> lines_of(std::string_view text) {
    constexpr std::size_t most = std::size_t{500} << 10;
    if (text.size() > most) {  // half a rule would be another rule
        const std::size_t end = text.find_last_of("\r\n", most);
        text = text.substr(0, end == std::string_view::npos ? 0 : end);
    }
    std::vector<Line> lines;
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line = line.substr(0, line.find('#'));
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos) {
            lines.push_back({lower(strip(line.substr(0, colon))), strip(line.substr(colon + 1))});
        }
    }
    return lines;
}

// Whether a line is for that product, of whatever version: "Gyre-Crawl/1.0".
bool names(const Line& line, std::string_view product) {
    const std::string value = lower(line.value);
    return value.starts_with(product) &&
           (value.size() == product.size() || value[product.size()] == '/' ||
            value[product.size()] == ' ');
}

// The one spelling of a path, as far as the RFC wants it: a byte that needs no escape has none, and
// one outside of ASCII has one.
std::string normalized(std::string_view path) {
    constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    while (!path.empty()) {
        auto byte = static_cast<unsigned char>(path.front());
        bool escaped = byte >= 0x80;
        std::size_t length = 1;
        if (byte == '%' && path.size() >= 3 &&
            std::from_chars(path.data() + 1, path.data() + 3, byte, 16).ptr == path.data() + 3) {
            escaped = unreserved.find(static_cast<char>(byte)) == std::string_view::npos;
            length = 3;
        }
        if (escaped) {
            result += {'%', digits[byte / 16], digits[byte % 16]};
        } else {
            result += static_cast<char>(byte);
        }
        path.remove_prefix(length);
    }
    return result;
}

// Whether a path begins as the pattern says: * is anything, $ at the end is the end of the path.
bool fits(std::string_view path, std::string_view pattern) {
    const bool whole = pattern.ends_with('$');
    if (whole) {
        pattern.remove_suffix(1);
    }
    std::size_t at = 0;
    for (bool first = true;; first = false) {
        const std::size_t star = pattern.find('*');
        const std::string_view piece = pattern.substr(0, star);
        const bool last = star == std::string_view::npos;
        if (last && whole && !first) {
            return path.substr(at).ends_with(piece);
        }
        const std::size_t found = path.find(piece, at);
        if (found == std::string_view::npos || (first && found != 0)) {
            return false;
        }
        at = found + piece.size();
        if (last) {
            return !whole || at == path.size();
        }
        pattern.remove_prefix(star + 1);
    }
}

}  // namespace

Robots::Robots(std::string_view text, std::string_view agent) {
    const std::vector<Line> lines = lines_of(text);
    const std::string name = lower(agent);
    const auto is = [](const Line& line, const char* key) { return line.key == key; };
    const bool named = std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
        return is(line, "user-agent") && names(line, name);
    });
    bool ours = false;
    bool in_rules = true;  // the next User-agent begins another group
    for (const Line& line : lines) {
        if (is(line, "user-agent")) {
            const bool meant = names(line, named ? name : "*");
            ours = in_rules ? meant : ours || meant;
            in_rules = false;
            continue;
        }
        const bool allows = is(line, "allow");
        if (allows || is(line, "disallow")) {
            in_rules = true;
            if (ours && !line.value.empty()) {
                rules_.push_back({allows, normalized(line.value)});
            }
        } else if (is(line, "crawl-delay")) {
            in_rules = true;
            constexpr double most = 60;
            double seconds = 0;
            const auto [end, error] =
                std::from_chars(line.value.data(), line.value.data() + line.value.size(), seconds);
            if (ours && error == std::errc() && seconds > 0) {
                delay_ = std::chrono::ceil<std::chrono::milliseconds>(
                    std::chrono::duration<double>(std::min(seconds, most)));
            }
        }
    }
}

Robots Robots::nothing_allowed() {
    Robots robots;
    robots.rules_.push_back({false, "/"});
    return robots;
}

bool Robots::allow(std::string_view path) const {
    const std::string wanted = normalized(path);
    const Rule* best = nullptr;
    for (const Rule& rule : rules_) {
        const bool longer = best == nullptr || rule.pattern.size() > best->pattern.size() ||
                            (rule.pattern.size() == best->pattern.size() && rule.allow);
        if (longer && fits(wanted, rule.pattern)) {
            best = &rule;
        }
    }
    return best == nullptr || best->allow;
}

}  // namespace demo
