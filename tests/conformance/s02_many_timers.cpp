// Section 2: timers, more of them than lie in the heap.
#include "support.hpp"

#include <gyre/detail/timer_queue.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace {

using Time = detail::TimerQueue::Time;

struct NumberedTimer final : detail::Timer {
    void run() override {}
    void drop() noexcept override { dropped = true; }

    std::pair<Time, int> key;  // deadline and number, in the order in which they are due
    bool dropped = false;
};

/// A queue of timers beside a set that is in order at any time.
class CheckedQueue {
public:
    explicit CheckedQueue(std::uint32_t sequence) : queue_(sequence) {}
    CheckedQueue(const CheckedQueue&) = delete;
    CheckedQueue& operator=(const CheckedQueue&) = delete;
    ~CheckedQueue() { queue_.clear(); }

    void add(Time when) {
        auto timer = std::make_unique<NumberedTimer>();
        timer->key = {when, static_cast<int>(timers_.size())};
        queue_.add(*timer, when);
        pending_.insert(timer->key);
        timers_.push_back(std::move(timer));
    }
    void cancel(std::size_t number) {
        NumberedTimer& timer = *timers_[number % timers_.size()];
        queue_.cancel(timer);
        pending_.erase(timer.key);
    }
    void expire(Time now) {
        queue_.expire(now);
        while (auto* timer = static_cast<NumberedTimer*>(queue_.take_due())) {
            REQUIRE(!pending_.empty());
            REQUIRE(timer->key == *pending_.begin());
            pending_.erase(pending_.begin());
        }
        REQUIRE(queue_.next() == (pending_.empty() ? Time::max() : pending_.begin()->first));
        REQUIRE(queue_.next() > now);
    }
    /// Drops what is left; returns how many that were.
    std::size_t clear() {
        const std::size_t left = queue_.size();
        REQUIRE(left == pending_.size());
        queue_.clear();
        CHECK(static_cast<std::size_t>(
                  std::count_if(timers_.begin(), timers_.end(),
                                [](const auto& timer) { return timer->dropped; })) == left);
        CHECK(queue_.next() == Time::max());
        return left;
    }
    [[nodiscard]] std::size_t size() const { return queue_.size(); }

private:
    detail::TimerQueue queue_;
    std::vector<std::unique_ptr<NumberedTimer>> timers_;
    std::set<std::pair<Time, int>> pending_;
};

constexpr int kMany = 20'000;

/// Deadlines up to kMany, of the timer with this number.
using Deadlines = Time (*)(int number, std::mt19937& random);
const std::vector<std::pair<const char*, Deadlines>> all_deadlines{
    {"ascending", [](int number, std::mt19937&) { return Time(number); }},
    {"descending", [](int number, std::mt19937&) { return Time(kMany - number); }},
    {"equal", [](int, std::mt19937&) { return Time(kMany / 2); }},
    {"few", [](int, std::mt19937& random) { return Time(random() % 3 * 1000); }},
    {"any", [](int, std::mt19937& random) { return Time(random() % kMany); }},
    {"near and far",
     [](int, std::mt19937& random) { return Time(kMany >> random() % 16) + Time(random() % 2); }},
};

/// Runs body(queue, deadlines) for each; also where the numbers of the entries begin anew midway.
template <class F>
void on_each_order(F body) {
    for (const auto& [name, deadlines] : all_deadlines) {
        for (const std::uint32_t sequence : {0U, UINT32_MAX - kMany / 2}) {
            CAPTURE(name);
            CAPTURE(sequence);
            CheckedQueue queue(sequence);
            body(queue, deadlines);
        }
    }
}

}  // namespace

TEST_CASE("many timers run by deadline, equal ones by creation (S15, S16)") {
    on_each_order([](CheckedQueue& queue, Deadlines deadline) {
        std::mt19937 random(1);
        for (int number = 0; number < kMany; ++number) {
            queue.add(deadline(number, random));
        }
        for (int now = 0; now < 2 * kMany; now += 100) {
            queue.expire(Time(now));
        }
        CHECK(queue.clear() == 0);
    });
}

TEST_CASE("timers that come, go and expire among many others keep their order (S15, S16, S21)") {
    on_each_order([](CheckedQueue& queue, Deadlines deadline) {
        std::mt19937 random(2);
        int now = 0;
        for (int number = 0; number < kMany; ++number) {
            queue.add(Time(now) + deadline(number, random));
            if (random() % 2 == 0) {
                queue.cancel(random());
            }
            if (random() % 50 == 0) {
                queue.expire(Time(now += static_cast<int>(random() % 100)));
            }
        }
        CHECK(queue.size() > 0);
        queue.expire(Time(now + kMany / 2));
        static_cast<void>(queue.clear());
    });
}

TEST_CASE("many timers can be cancelled, and leave nothing (S21)") {
    on_each_order([](CheckedQueue& queue, Deadlines deadline) {
        std::mt19937 random(3);
        for (int number = 0; number < kMany; ++number) {
            queue.add(deadline(number, random));
        }
        for (int number = 0; number < kMany; ++number) {
            if (number % 100 != 0) {
                queue.cancel(static_cast<std::size_t>(number));
            }
        }
        CHECK(queue.size() == kMany / 100);
        for (int number = 0; number < kMany; ++number) {
            queue.add(deadline(number, random));
        }
        CHECK(queue.clear() == kMany + kMany / 100);
    });
}
