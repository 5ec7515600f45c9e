// as_completed: results in the order in which they come.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/distinct.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/detail/ensure_futures.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/queue.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

namespace detail {

/// The futures waited for, and those that are done but not handed out yet.
class GYRE_API CompletionQueue final : public Listener::Owner {
public:
    CompletionQueue(std::vector<FutureRef> futures, std::optional<Nanoseconds> limit);
    ~CompletionQueue();

    /// How many were not asked for yet.
    [[nodiscard]] std::size_t left() const noexcept { return left_; }
    void set_left(std::size_t left) noexcept { left_ = left; }

    /// The next that is done; null when the time is over.
    [[nodiscard]] Queue<FutureRef>::Get get() noexcept { return done_.get(); }

private:
    void heard(FutureBase& source, std::size_t index) override;
    void expire();

    std::vector<FutureRef> futures_;
    std::vector<Listener> listeners_;
    Queue<FutureRef> done_;
    std::size_t left_;
    std::size_t pending_;
    TimerHandle timer_;
};

}  // namespace detail

/// What as_completed() gives.
///
/// Cancel safety: a cancelled next() loses nothing; the same future comes from the next call.
/// Thread rule: one loop's thread.
template <class F>
class AsCompleted {
public:
    AsCompleted(std::vector<F> futures, std::optional<std::chrono::nanoseconds> limit) {
        detail::erase_duplicates(futures);
        std::vector<detail::FutureRef> states;
        states.reserve(futures.size());
        for (const F& each : futures) {
            states.push_back(each.state());
        }
        queue_ = std::make_shared<detail::CompletionQueue>(std::move(states), limit);
    }

    /// The next future or task that is done, in order of completion; nullopt after the last.
    /// Throws TimeoutError once the time is over; the rest runs on.
    [[nodiscard]] Coro<std::optional<F>> next() { return next_of(queue_); }

    /// As many coroutines as there are distinct inputs: the k-th one *awaited* gives the k-th
    /// result to come, or throws its exception. asyncio: iterating with a plain `for`.
    [[nodiscard]] std::vector<Coro<typename F::value_type>> tickets() {
        std::vector<Coro<typename F::value_type>> all;
        for (std::size_t count = queue_->left(); count > 0; --count) {
            all.push_back(ticket_of(queue_));
        }
        queue_->set_left(0);
        return all;
    }

private:
    using QueueRef = std::shared_ptr<detail::CompletionQueue>;

    // Gives the request back if it is cancelled.
    class Request {
    public:
        explicit Request(detail::CompletionQueue& queue) noexcept : queue_(queue) {
            queue_.set_left(queue_.left() - 1);
        }
        Request(const Request&) = delete;
        Request& operator=(const Request&) = delete;
        ~Request() {
            if (!served_) {
                queue_.set_left(queue_.left() + 1);
            }
        }
        void served() noexcept { served_ = true; }

    private:
        detail::CompletionQueue& queue_;
        bool served_ = false;
    };

    static Coro<std::optional<F>> next_of(QueueRef queue) {
        if (queue->left() == 0) {
            co_return std::nullopt;
        }
        Request request(*queue);
        detail::FutureRef state = co_await queue->get();
        request.served();
        if (!state) {
            throw TimeoutError();
        }
        co_return F(std::move(state));
    }
    static Coro<typename F::value_type> ticket_of(QueueRef queue) {
        detail::FutureRef state = co_await queue->get();
        if (!state) {
            throw TimeoutError();
        }
        F future(std::move(state));
        co_return co_await std::move(future);
    }

    QueueRef queue_;
};

namespace detail {

template <class R>
[[nodiscard]] auto start_completing(R&& awaitables, AnyLimit limit) {
    auto futures = ensure_futures(std::forward<R>(awaitables));
    using F = typename decltype(futures)::value_type;
    return AsCompleted<F>(std::move(futures), limit);
}

}  // namespace detail

/// Waits for a collection of coroutines (which become tasks at once), tasks or futures, and hands
/// them out as they are done.
///
/// ```
/// auto pages = as_completed(std::move(requests));
/// while (auto page = co_await pages.next()) show(co_await *page);
/// ```
///
/// With a time limit, next() throws TimeoutError when it is over; what is not done runs on.
/// Throws RuntimeError outside a running loop, ValueError for futures of another loop. asyncio:
/// as_completed; tickets() is its plain iteration.
template <class R>
[[nodiscard]] auto as_completed(R&& awaitables, detail::AnyLimit limit = {}) {
    return detail::start_completing(std::forward<R>(awaitables), limit);
}
template <class F>
[[nodiscard]] auto as_completed(std::initializer_list<F> awaitables, detail::AnyLimit limit = {}) {
    return detail::start_completing(awaitables, limit);
}

}  // namespace gyre
