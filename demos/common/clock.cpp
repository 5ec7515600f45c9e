#include "clock.hpp"

#include <gyre/event_loop.hpp>
#include <gyre/loops.hpp>

#include <array>
#include <ctime>
#include <thread>

namespace demo {

namespace {

bool is_virtual(const gyre::EventLoop& loop) { return loop.name().starts_with("virtual"); }

// Python: time.strftime('%X').
std::string text_of(const std::tm& parts) {
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%X", &parts);
    return text.data();
}

std::string real_time_of_day() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    return text_of(parts);
}

std::string virtual_time_of_day(Nanoseconds since_midnight) {
    const std::time_t now = std::chrono::floor<std::chrono::seconds>(since_midnight).count();
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    return text_of(parts);
}

}  // namespace

std::string time_of_day() {
    gyre::EventLoop& loop = gyre::get_running_loop();
    return is_virtual(loop) ? virtual_time_of_day(loop.time()) : real_time_of_day();
}

BlockingClock::BlockingClock(std::string_view loop) {
    if (is_virtual(*gyre::new_event_loop(loop))) {
        virtual_now_ = Nanoseconds::zero();
    }
}

Nanoseconds BlockingClock::now() const {
    return virtual_now_ ? *virtual_now_ : std::chrono::steady_clock::now().time_since_epoch();
}

void BlockingClock::sleep(Nanoseconds duration) {
    if (virtual_now_) {
        *virtual_now_ += duration;
    } else {
        std::this_thread::sleep_for(duration);
    }
}

std::string BlockingClock::time_of_day() const {
    return virtual_now_ ? virtual_time_of_day(*virtual_now_) : real_time_of_day();
}

}  // namespace demo
