// SignalTable: the process's signal handlers and the loops they belong to.
#pragma once

#include <gyre/event_loop.hpp>

#include <csignal>
#include <cstdint>

namespace gyre::detail {

/// One loop a signal. The handler proper only marks the signal as arrived and wakes the loop.
struct SignalTable {
    /// Throws ValueError for a number that is no signal, RuntimeError outside the main thread.
    static void check(int signal);
    /// In the main thread, and nobody has taken the signal.
    [[nodiscard]] static bool has_default_action(int signal) noexcept;
    /// Throws RuntimeError for a signal that cannot be caught.
    static void install(EventLoop& loop, int signal, bool insist);
    /// Restores the default action, unless another loop or the program took the signal meanwhile,
    /// and returns when no handler is at work any more.
    static void remove(EventLoop& loop, int signal) noexcept;

    [[nodiscard]] static constexpr std::uint64_t bit(int signal) noexcept {
        return std::uint64_t{1} << (signal - 1);
    }

private:
    static void on_signal(int signal) noexcept;
};

}  // namespace gyre::detail
