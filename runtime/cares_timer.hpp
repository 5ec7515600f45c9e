// CaresTimer: a timer on the real clock, on any loop.
#pragma once

#include <gyre/event_loop.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace gyre::detail {

/// Name servers answer in real time. On a virtual loop, whose clock would jump past their answers,
/// this is therefore a descriptor that becomes readable, and the loop is told to wait for it.
class CaresTimer {
public:
    CaresTimer(EventLoop& loop, std::function<void()> due);
    CaresTimer(const CaresTimer&) = delete;
    CaresTimer& operator=(const CaresTimer&) = delete;
    ~CaresTimer();

    using Clock = std::chrono::steady_clock;
    /// Calls due() in so long, unless it will have been called before; once.
    void arm(Clock::duration delay);
    void cancel() noexcept;
    /// When due() is called; none if it is not going to be.
    [[nodiscard]] const std::optional<Clock::time_point>& when() const noexcept { return when_; }

private:
    class Descriptor;

    void fire();

    EventLoop& loop_;
    std::function<void()> due_;
    std::optional<Clock::time_point> when_;
    TimerHandle handle_;
    std::unique_ptr<Descriptor> descriptor_;  // on a virtual loop, while armed
};

}  // namespace gyre::detail
