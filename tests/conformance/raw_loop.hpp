// What the tests of loops/ share: each loop in turn, without a coroutine, and something to poll.
#pragma once

#include "support.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

inline const std::vector<std::string_view> all_loops{"virtual", "selector:epoll", "selector:poll",
                                                     "selector:select", "uv"};
inline const std::vector<std::string_view> real_loops{"selector:epoll", "selector:poll",
                                                      "selector:select", "uv"};

/// Calls body(loop) with a fresh loop of each kind. Whatever it leaves there, or lets reach the
/// exception handler, is a failure.
template <class F>
void on_each(const std::vector<std::string_view>& specs, F body) {
    for (const std::string_view spec : specs) {
        INFO("loop: ", spec);
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        REQUIRE(loop->name() == spec);
        std::string reports;
        loop->set_exception_handler([&reports](EventLoop&, const ExceptionContext& context) {
            reports += context.message + ": " + describe(context.exception) + "\n";
        });
        body(*loop);
        CHECK(reports.empty());
        CHECK(testing::left_on(*loop).empty());
    }
}

/// Runs exactly one iteration. The first iteration of a run always polls.
inline void run_one(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

/// Two connected sockets.
class Sockets {
public:
    Sockets() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data())) {
            throw std::system_error(errno, std::generic_category(), "socketpair");
        }
    }
    Sockets(const Sockets&) = delete;
    Sockets& operator=(const Sockets&) = delete;
    ~Sockets() {
        close_near();
        close_far();
    }

    [[nodiscard]] int near() const { return ends_[0]; }
    [[nodiscard]] int far() const { return ends_[1]; }

    /// Makes the near end readable, and no longer.
    void send() const { CHECK(::write(far(), "x", 1) == 1); }
    void receive() const {
        char bytes[64];
        CHECK(::read(near(), bytes, sizeof bytes) > 0);
    }
    /// Makes the near end not writable.
    void fill() const {
        const std::vector<char> bytes(4096);
        while (::write(near(), bytes.data(), bytes.size()) > 0) {
        }
    }

    void close_near() { close(ends_[0]); }
    void close_far() { close(ends_[1]); }

private:
    static void close(int& fd) {
        if (fd >= 0) {
            ::close(fd);
            fd = -1;
        }
    }

    std::array<int, 2> ends_{-1, -1};
};
