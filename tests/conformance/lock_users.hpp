// What the tests of locks and events share: who acquires or waits, and logs its name then.
#pragma once

#include "support.hpp"

#include <string>

/// Keeps what it acquires.
template <class L>
Coro<bool> takes(L& lock, Log& log, std::string name) {
    bool acquired = co_await lock.acquire();
    log.push_back(name);
    co_return acquired;
}
template <class L>
Coro<> holds(L& lock, Log& log, std::string name) {
    auto guard = co_await lock.scoped();
    log.push_back(name);
}
inline Coro<bool> waits(Event& event, Log& log, std::string name) {
    bool end = co_await event.wait();
    log.push_back(name);
    co_return end;
}
