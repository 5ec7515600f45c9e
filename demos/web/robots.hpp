// Robots: what a site asks of those who are not people, by robots.txt (RFC 9309).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// ```
/// Robots robots(text, "gyre-crawl");
/// if (robots.allow("/private/diary.html")) …
/// ```
class Robots {
public:
    /// Everything is allowed.
    Robots() = default;
    /// The rules for `agent` in the first 500 KiB; where there are none, those for everybody.
    Robots(std::string_view text, std::string_view agent);
    [[nodiscard]] static Robots nothing_allowed();

    /// For a path with its query. The longest rule that fits counts; of two as long, Allow.
    [[nodiscard]] bool allow(std::string_view path) const;
    /// How long to wait from one request to the next; 0 where the site does not say.
    [[nodiscard]] std::chrono::milliseconds crawl_delay() const noexcept { return delay_; }

private:
    struct Rule {
        bool allow;
        std::string pattern;
    };
    std::vector<Rule> rules_;
    std::chrono::milliseconds delay_{0};
};

}  // namespace demo
