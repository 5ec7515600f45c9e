#include "clock.hpp"

#include <gyre/event_loop.hpp>
#include <gyre/loops.hpp>

#include <array>
#include <ctime>
#include <thread>

namespace demo {

namespace {

bool is_virtual(const gyre::EventLoop& loop) { return loop.name().starts_with("virtual"); }

}  // namespace

std::string time_of_day() {
    gyre::EventLoop& loop = gyre::get_running_loop();
    std::tm parts{};
    if (is_virtual(loop)) {
        const std::time_t now = std::chrono::floor<std::chrono::seconds>(loop.time()).count();
        ::gmtime_r(&now, &parts);
    } else {
        const std::time_t now = std::time(nullptr);
        ::localtime_r(&now, &parts);
    }
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%X", &parts);
    return text.data();
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

}  // namespace demo
