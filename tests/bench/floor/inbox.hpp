// Inbox: steps from other threads.
#pragma once

#include "steps.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace bench::floor {

/// A stack without a lock, turned round when it is emptied, and an eventfd to sleep on.
class Inbox {
public:
    Inbox() = default;
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox() { ::close(event_); }

    /// From any thread. Only the one that finds the stack empty needs to look for a sleeper: who
    /// comes later relies on it.
    void post(Step& step) {
        Step* top = top_.load(std::memory_order_relaxed);
        do {
            step.next = top;
        } while (!top_.compare_exchange_weak(top, &step));
        if (top == nullptr && sleeping_.exchange(false)) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
        }
    }

    /// Moves everything to `ready`, the oldest first. False: there was nothing.
    bool take(Steps& ready) {
        Step* newest = top_.exchange(nullptr);
        Step* oldest = nullptr;
        while (newest != nullptr) {
            Step* next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        const bool any = oldest != nullptr;
        while (oldest != nullptr) {
            Step* next = oldest->next;
            ready.push(*oldest);
            oldest = next;
        }
        return any;
    }

    /// Returns when there may be something. The flag is up before the stack is looked at once more:
    /// either this thread sees the step, or the one that posts it sees the flag.
    void wait() {
        sleeping_.store(true);
        if (top_.load() != nullptr) {
            sleeping_.store(false);
            return;
        }
        std::uint64_t count = 0;
        [[maybe_unused]] const auto read = ::read(event_, &count, sizeof count);
    }

private:
    std::atomic<Step*> top_ = nullptr;
    std::atomic<bool> sleeping_ = false;
    int event_ = ::eventfd(0, EFD_CLOEXEC);
};

}  // namespace bench::floor
