#include "virtual_loop.hpp"

#include <gyre/errors.hpp>

#include <algorithm>

namespace gyre {

namespace {

// Work in another thread takes no virtual time: the clock stands still for as long as this for its
// result to arrive. It moves on then, for the work may itself wait for what a timer of this loop
// does.
constexpr std::chrono::milliseconds kGrace{50};

std::string name_of(std::optional<std::uint64_t> seed) {
    return seed ? "virtual:" + std::to_string(*seed) : "virtual";
}

}  // namespace

VirtualLoop::VirtualLoop(std::optional<std::uint64_t> seed)
    : SelectorLoop(name_of(seed), make_poll_selector()) {
    simulate_clock(Duration::zero());
    if (seed) {
        shuffle(*seed);
    }
}

VirtualLoop::~VirtualLoop() = default;

void VirtualLoop::poll(Duration timeout) {
    const Duration start = now();
    const bool outside = watched_fds() != 0 || expected_posts() != 0 || watched_signals() != 0;
    if (timeout == kForever) {
        if (!outside) {
            report_deadlock();
        }
        SelectorLoop::poll(kForever);
        return;
    }
    if (timeout == Duration::zero()) {
        if (watched_fds() != 0) {
            SelectorLoop::poll(Duration::zero());
        }
        return;
    }
    if (!outside) {
        set_now(detail::saturating_add(start, timeout));
        return;
    }
    SelectorLoop::poll(expected_posts() != 0 ? Duration(kGrace) : Duration::zero());
    if (!found_anything()) {
        set_now(detail::saturating_add(start, timeout));
    }
}

void VirtualLoop::report_deadlock() const {
    std::string text = "deadlock: nothing is left that could ever run";
    const std::string pending = extension() == nullptr ? std::string() : extension()->pending();
    if (!pending.empty()) {
        text += "; still pending: " + pending;
    }
    throw DeadlockError(text);
}

}  // namespace gyre
