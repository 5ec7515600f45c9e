// Log: Python's logging on stderr, with a progress bar below it.
#pragma once

#include <cstddef>
#include <string>

namespace demo {

/// Lines such as "16:04:02 INFO:areq: …". Where stderr is a terminal, a bar stays below the last of
/// them, and is left there at the end.
///
/// Used in a running loop.
class Log {
public:
    /// `total` steps make the bar full.
    Log(std::string name, std::size_t total);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();

    void info(const std::string& text) { write("INFO", text); }
    void error(const std::string& text) { write("ERROR", text); }
    /// One step more is done.
    void advance();

private:
    void write(const char* level, const std::string& text);
    [[nodiscard]] std::string bar() const;

    std::string name_;
    std::size_t total_;
    std::size_t done_ = 0;
    bool terminal_;
};

}  // namespace demo
