// What the tests of queues share: who puts and who takes, and logs how that ended.
#pragma once

#include "support.hpp"

#include <string>

template <class Q>
Coro<> takes(Q& queue, Log& log, std::string name) {
    std::string end = co_await ending(queue.get());
    log.push_back(name + ":" + end);
}

inline Coro<> puts(Queue<int>& queue, Log& log, int item) {
    std::string end = co_await ending(queue.put(item));
    log.push_back(std::to_string(item) + ":" + end);
}
