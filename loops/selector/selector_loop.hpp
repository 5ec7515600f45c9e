// SelectorLoop: the loop over epoll, poll or select.
#pragma once

#include "selector.hpp"

#include <gyre/event_loop.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gyre {

class SelectorLoop : public EventLoop {
public:
    SelectorLoop(std::string name, std::unique_ptr<Selector> selector);
    ~SelectorLoop() override;

    /// Makes the wake-up channel. Throws std::system_error.
    void open();

    [[nodiscard]] std::string_view name() const noexcept override { return name_; }

protected:
    void poll(Duration timeout) override;
    void wake() noexcept override;
    void watch_fd(int fd, bool writer, detail::HandleState& state) override;
    bool unwatch_fd(int fd, bool writer) noexcept override;
    [[nodiscard]] std::size_t watched_fds() const noexcept override { return watched_; }
    void close_backend() noexcept override;

private:
    struct Watch {
        detail::HandleState* reader = nullptr;
        detail::HandleState* writer = nullptr;
        std::uint32_t generation = 0;

        [[nodiscard]] Readiness interest() const noexcept {
            Readiness readiness;
            readiness.readable = reader != nullptr;
            readiness.writable = writer != nullptr;
            return readiness;
        }
    };

    void drain_wakeups() noexcept;

    std::string name_;
    std::unique_ptr<Selector> selector_;
    std::vector<Watch> watches_;  // by descriptor
    std::vector<Selector::Event> events_;
    std::size_t watched_ = 0;  // readers and writers; the wake-up channel is none
    int wakeup_ = -1;          // an eventfd
};

}  // namespace gyre
