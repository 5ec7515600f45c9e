// EventLoop: callbacks for descriptors and signals.
#include "signal_table.hpp"

#include <gyre/event_loop.hpp>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <string>
#include <utility>

namespace gyre {

namespace {

// Notes the registration, and forgets it again if watch() throws.
template <class Map, class Registration, class F>
void note_and_watch(Map& signals, int signal, const Registration& registration, F watch) {
    const auto place = signals.emplace(signal, registration).first;
    try {
        watch();
    } catch (...) {
        signals.erase(place);
        throw;
    }
}

}  // namespace

void EventLoop::check_user_fd(int fd) {
    check_call();
    if (resources_.owns(fd)) {
        throw RuntimeError("descriptor " + std::to_string(fd) + " is used by a transport");
    }
}

bool EventLoop::unregister_fd(int fd, bool writer) {
    if (closed_) {
        return false;
    }
    check_user_fd(fd);
    return unwatch_fd(fd, writer);
}

Handle EventLoop::register_fd(int fd, bool writer, detail::HandleState* state) {
    state->once_ = false;
    state->retain();
    Handle handle(state);
    try {
        if (fd < 0) {
            throw ValueError("a file descriptor is expected, not " + std::to_string(fd));
        }
        unwatch_fd(fd, writer);
        watch_fd(fd, writer, *state);
    } catch (...) {
        state->release();
        throw;
    }
    return handle;
}

void EventLoop::fd_ready(detail::HandleState& state) noexcept {
    if (state.mark_queued()) {
        state.retain();
        completed_.push(state);
    }
}

void EventLoop::drop_registration(detail::HandleState& state) noexcept {
    state.cancel();
    state.release();
}

void EventLoop::register_signal(int signal, detail::HandleState* state) {
    state->once_ = false;
    try {
        detail::SignalTable::check(signal);
        const auto found = signals_.find(signal);
        if (found != signals_.end() && found->second.native) {
            // Leaves no gap in which the signal would take its default action.
            drop_registration(*std::exchange(found->second.state, state));
            return;
        }
        unregister_signal(signal, false);
        note_and_watch(signals_, signal, Registration{state, true}, [&] { watch_signal(signal); });
    } catch (...) {
        state->release();
        throw;
    }
}

bool EventLoop::register_interrupt(detail::HandleState* state) {
    if (signals_.count(SIGINT) != 0 || !detail::SignalTable::has_default_action(SIGINT)) {
        state->release();
        return false;
    }
    state->once_ = false;
    try {
        note_and_watch(signals_, SIGINT, Registration{state, false},
                       [&] { detail::SignalTable::install(*this, SIGINT, true); });
    } catch (...) {
        state->release();
        throw;
    }
    return true;
}

bool EventLoop::unregister_signal(int signal, bool native) noexcept {
    const auto found = signals_.find(signal);
    if (found == signals_.end() || found->second.native != native) {
        return false;
    }
    const Registration registration = found->second;
    signals_.erase(found);
    if (registration.native) {
        unwatch_signal(signal);
    } else {
        detail::SignalTable::remove(*this, signal);
    }
    pending_signals_.fetch_and(~detail::SignalTable::bit(signal));
    drop_registration(*registration.state);
    return true;
}

void EventLoop::watch_signal(int signal) { detail::SignalTable::install(*this, signal, false); }

void EventLoop::unwatch_signal(int signal) noexcept { detail::SignalTable::remove(*this, signal); }

void EventLoop::signal_arrived(int signal) noexcept {
    pending_signals_.fetch_or(detail::SignalTable::bit(signal), std::memory_order_seq_cst);
}

std::size_t EventLoop::watched_signals() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        signals_.begin(), signals_.end(), [](const auto& each) { return each.second.native; }));
}

}  // namespace gyre
