#include "log.hpp"

#include "../common/clock.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

namespace demo {

namespace {
constexpr const char* kEraseLine = "\r\x1b[K";
}  // namespace

Log::Log(std::string name, std::size_t total)
    : name_(std::move(name)), total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {
    if (terminal_) {
        std::fputs(bar().c_str(), stderr);
    }
}

Log::~Log() {
    if (terminal_) {
        std::fputc('\n', stderr);
    }
}

void Log::advance() {
    ++done_;
    if (terminal_) {
        std::fputs((kEraseLine + bar()).c_str(), stderr);
    }
}

void Log::write(const char* level, const std::string& text) {
    std::string line = time_of_day() + ' ' + level + ':' + name_ + ": " + text + '\n';
    if (terminal_) {
        line = kEraseLine + line + bar();
    }
    std::fputs(line.c_str(), stderr);
}

// " 45%|#########           | 9/20"
std::string Log::bar() const {
    constexpr std::size_t width = 30;
    const std::size_t all = std::max(total_, std::size_t{1});
    std::string percent = std::to_string(done_ * 100 / all);
    percent.insert(0, percent.size() < 3 ? 3 - percent.size() : 0, ' ');
    const std::size_t full = std::min(done_ * width / all, width);
    return percent + "%|" + std::string(full, '#') + std::string(width - full, ' ') + "| " +
           std::to_string(done_) + '/' + std::to_string(total_);
}

}  // namespace demo
