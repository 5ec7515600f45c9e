#include "signal_table.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

namespace gyre::detail {

namespace {

constexpr int kSignals = 64;

struct Slot {
    std::atomic<EventLoop*> loop{nullptr};
    std::atomic<bool> insist{false};  // the third unheeded signal takes the default action
    std::atomic<int> unheeded{0};
};

std::array<Slot, kSignals + 1> slots;
std::atomic<int> handlers_at_work{0};

bool in_main_thread() noexcept { return getpid() == static_cast<pid_t>(syscall(SYS_gettid)); }

constexpr int kPatience = 3;

}  // namespace

void SignalTable::check(int signal) {
    // Those between are the C library's own.
    if (signal < 1 || signal > kSignals || (signal > SIGSYS && signal < SIGRTMIN)) {
        throw ValueError("a signal number from 1 to " + std::to_string(kSignals) +
                         " is expected, not " + std::to_string(signal));
    }
    if (!in_main_thread()) {
        throw RuntimeError("signal handlers can only be added in the main thread");
    }
}

bool SignalTable::has_default_action(int signal) noexcept {
    struct sigaction now {};
    return in_main_thread() && ::sigaction(signal, nullptr, &now) == 0 &&
           (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

void SignalTable::on_signal(int signal) noexcept {
    const int saved = errno;
    ++handlers_at_work;
    Slot& slot = slots[static_cast<std::size_t>(signal)];
    if (EventLoop* loop = slot.loop.load()) {
        const bool unheeded = (loop->pending_signals_.load() & bit(signal)) != 0;
        slot.unheeded = unheeded ? slot.unheeded + 1 : 1;
        if (slot.insist && slot.unheeded >= kPatience) {
            ::signal(signal, SIG_DFL);
            ::raise(signal);
        }
        loop->signal_arrived(signal);
        loop->inbox_->wake();
    }
    --handlers_at_work;
    errno = saved;
}

void SignalTable::install(EventLoop& loop, int signal, bool insist) {
    Slot& slot = slots[static_cast<std::size_t>(signal)];
    slot.insist = insist;
    slot.unheeded = 0;
    EventLoop* const owner = slot.loop.exchange(&loop);
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (::sigaction(signal, &action, nullptr) != 0) {
        slot.loop = owner;
        throw RuntimeError("signal " + std::to_string(signal) +
                           " cannot be caught: " + std::strerror(errno));
    }
}

void SignalTable::remove(EventLoop& loop, int signal) noexcept {
    Slot& slot = slots[static_cast<std::size_t>(signal)];
    EventLoop* owner = &loop;
    struct sigaction now {};
    if (slot.loop.compare_exchange_strong(owner, nullptr) &&
        ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == on_signal) {
        ::signal(signal, SIG_DFL);
    }
    while (handlers_at_work.load() != 0) {
        std::this_thread::yield();
    }
}

}  // namespace gyre::detail
