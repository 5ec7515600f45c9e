// What the tests of reports share: a keeper of whole ones.
#pragma once

#include "support.hpp"

#include <string>
#include <string_view>
#include <vector>

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// Keeps whole reports.
class Contexts {
public:
    explicit Contexts(EventLoop& loop) : loop_(loop), before_(loop.get_exception_handler()) {
        loop.retain();
        loop.set_exception_handler(
            [this](EventLoop&, const ExceptionContext& context) { all.push_back(context); });
    }
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;
    ~Contexts() {
        loop_.set_exception_handler(before_);
        loop_.release();
    }

    /// Messages with this in them. The test's own steps may be slow, too, where the machine has
    /// other work, so that a test looks for what it made slow itself.
    [[nodiscard]] std::vector<std::string> with(std::string_view part) const {
        std::vector<std::string> found;
        for (const ExceptionContext& each : all) {
            if (has(each.message, part)) {
                found.push_back(each.message);
            }
        }
        return found;
    }

    std::vector<ExceptionContext> all;

private:
    EventLoop& loop_;
    EventLoop::ExceptionHandler before_;
};
