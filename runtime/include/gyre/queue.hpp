// Queue, PriorityQueue, LifoQueue: work handed from task to task.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/count.hpp>
#include <gyre/detail/wait_list.hpp>
#include <gyre/errors.hpp>
#include <gyre/event.hpp>

#include <algorithm>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace gyre {

namespace detail {

/// Everything about a queue but its items.
class GYRE_API QueueBase {
public:
    QueueBase(const QueueBase&) = delete;
    QueueBase& operator=(const QueueBase&) = delete;

    /// 0: no bound.
    [[nodiscard]] std::size_t maxsize() const noexcept { return maxsize_; }

    /// One item that get() gave has been worked off. Throws ValueError when called more often than
    /// put().
    void task_done();

    /// Completes when task_done() was called for every item that was put. asyncio: join.
    /// Cancel safety: a cancelled join leaves no trace.
    [[nodiscard]] Event::Wait join() noexcept { return finished_.wait(); }

    [[nodiscard]] bool is_shutdown() const noexcept { return shutdown_; }

protected:
    explicit QueueBase(Count maxsize) noexcept
        : maxsize_(maxsize.get() > 0 ? static_cast<std::size_t>(maxsize.get()) : 0) {
        finished_.set();
    }
    ~QueueBase() = default;

    void item_was_put() noexcept {
        ++unfinished_;
        finished_.clear();
        getters_.wake_and_remove_first();
    }
    /// For a waiter that was woken and finds its queue gone.
    static void check_lives(bool queue_lives) {
        if (!queue_lives) [[unlikely]] {
            throw_gone();
        }
    }
    [[noreturn]] static void throw_gone();
    /// It is shut down, or full.
    [[noreturn]] void throw_no_room() const;
    /// … or empty.
    [[noreturn]] void throw_no_item() const;
    void items_were_dropped(std::size_t count) noexcept;
    void set_shutdown() noexcept;

    WaitList getters_;
    WaitList putters_;
    Event finished_;
    std::size_t unfinished_ = 0;
    std::size_t maxsize_;
    bool shutdown_ = false;
};

/// First in, first out.
template <class T>
class FifoItems {
public:
    void put(T&& item) { items_.push_back(std::move(item)); }
    [[nodiscard]] T get() {
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }

private:
    std::deque<T> items_;
};

/// Last in, first out.
template <class T>
class LifoItems {
public:
    void put(T&& item) { items_.push_back(std::move(item)); }
    [[nodiscard]] T get() {
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }

private:
    std::vector<T> items_;
};

/// Least first, by Compare.
template <class T, class Compare>
class PriorityItems {
public:
    PriorityItems() = default;
    explicit PriorityItems(Compare compare) : after_{std::move(compare)} {}

    void put(T&& item) {
        items_.push_back(std::move(item));
        std::push_heap(items_.begin(), items_.end(), after_);
    }
    [[nodiscard]] T get() {
        std::pop_heap(items_.begin(), items_.end(), after_);
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }

private:
    struct After {
        bool operator()(const T& a, const T& b) const { return compare(b, a); }
        [[no_unique_address]] Compare compare;
    };
    std::vector<T> items_;
    After after_;
};

}  // namespace detail

/// A queue with the order of `Items`: what Queue, PriorityQueue and LifoQueue have in common.
template <class T, class Items>
class BasicQueue : public detail::QueueBase {
public:
    using value_type = T;

    /// At most maxsize items at a time; without a bound if that is 0 or less.
    explicit BasicQueue(detail::Count maxsize = 0) : QueueBase(maxsize) {}
    /// A PriorityQueue that compares by `compare`.
    template <class C>
    requires std::constructible_from<Items, C> BasicQueue(detail::Count maxsize, C&& compare)
        : QueueBase(maxsize), items_(std::forward<C>(compare)) {}

    [[nodiscard]] std::size_t qsize() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return maxsize_ != 0 && size_ >= maxsize_; }

    /// Throws QueueFull, or QueueShutDown after shutdown().
    void put_nowait(T item) {
        if (shutdown_ || full()) [[unlikely]] {
            throw_no_room();
        }
        items_.put(std::move(item));
        ++size_;
        item_was_put();
    }

    /// Throws QueueEmpty, or QueueShutDown if the queue is shut down too.
    T get_nowait() {
        if (empty()) [[unlikely]] {
            throw_no_item();
        }
        T item = items_.get();
        --size_;
        putters_.wake_and_remove_first();
        return item;
    }

    class PutAwaiter;
    class GetAwaiter;
    class [[nodiscard]] Put {
    public:
        Put(BasicQueue& queue, T&& item) : queue_(&queue), item_(std::move(item)) {}
        [[nodiscard]] PutAwaiter operator co_await() && {
            return PutAwaiter(*queue_, std::move(item_));
        }
        [[nodiscard]] PutAwaiter operator co_await() & {
            return PutAwaiter(*queue_, std::move(item_));
        }

    private:
        BasicQueue* queue_;
        T item_;
    };
    class [[nodiscard]] Get {
    public:
        explicit Get(BasicQueue& queue) noexcept : queue_(&queue) {}
        [[nodiscard]] GetAwaiter operator co_await() const noexcept { return GetAwaiter(*queue_); }

    private:
        BasicQueue* queue_;
    };

    /// Completes at once where there is room, else one iteration after a get() made some.
    /// Cancel safety: the item of a cancelled put is not in the queue.
    /// Throws QueueShutDown after shutdown(); RuntimeError if the queue belongs to another loop.
    [[nodiscard]] Put put(T item) { return Put(*this, std::move(item)); }

    /// Completes at once where there is an item, else one iteration after a put() brought one,
    /// first come, first served. Cancel safety: a cancelled get takes no item. Throws QueueShutDown
    /// once the queue is shut down and empty; RuntimeError if it belongs to another loop.
    [[nodiscard]] Get get() noexcept { return Get(*this); }

    /// No put() from now on; get() gives what is left, then throws QueueShutDown. With `immediate`
    /// nothing is left: the items are dropped and count as done.
    void shutdown(bool immediate = false) {
        shutdown_ = true;
        if (immediate) {
            const std::size_t dropped = size_;
            for (; size_ != 0; --size_) {
                static_cast<void>(items_.get());
            }
            items_were_dropped(dropped);
        }
        set_shutdown();
    }

    struct Statistics {
        std::size_t size;        ///< items
        std::size_t maxsize;     ///< 0: no bound
        std::size_t unfinished;  ///< items put and not marked done
        std::size_t getting;     ///< tasks in get() now
        std::size_t putting;     ///< tasks in put() now
    };
    [[nodiscard]] Statistics statistics() const noexcept {
        return {size_, maxsize_, unfinished_, getters_.size(), putters_.size()};
    }

private:
    Items items_;
    std::size_t size_ = 0;
};

template <class T, class Items>
class [[nodiscard]] BasicQueue<T, Items>::GetAwaiter : private detail::Waiter {
public:
    explicit GetAwaiter(BasicQueue& queue) noexcept : queue_(queue) {}

    [[nodiscard]] bool await_ready() const noexcept { return may_go_on(); }
    void await_suspend(std::coroutine_handle<> handle) {
        queue_.getters_.wait_retrying(*this, handle);
    }
    T await_resume() {
        if (waited()) {
            const bool queue_lives = leave();
            if (detail::step.task->is_cancelled(*this)) [[unlikely]] {
                if (woken() && queue_lives && !queue_.empty()) {
                    queue_.getters_.wake_and_remove_first();  // our wake-up was somebody's item
                }
                detail::step.task->throw_cancelled();
            }
            check_lives(queue_lives);
        }
        return queue_.get_nowait();
    }

private:
    [[nodiscard]] bool may_go_on() const noexcept { return !queue_.empty() || queue_.shutdown_; }
    bool retry() override {
        if (!linked() || may_go_on()) {
            return true;
        }
        wait_again();
        queue_.getters_.append(*this);
        return false;
    }

    BasicQueue& queue_;
};

template <class T, class Items>
class [[nodiscard]] BasicQueue<T, Items>::PutAwaiter : private detail::Waiter {
public:
    PutAwaiter(BasicQueue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}

    [[nodiscard]] bool await_ready() const noexcept { return may_go_on(); }
    void await_suspend(std::coroutine_handle<> handle) {
        queue_.putters_.wait_retrying(*this, handle);
    }
    void await_resume() {
        if (waited()) {
            const bool queue_lives = leave();
            if (detail::step.task->is_cancelled(*this)) [[unlikely]] {
                if (woken() && queue_lives && !queue_.full()) {
                    queue_.putters_.wake_and_remove_first();  // our wake-up was somebody's room
                }
                detail::step.task->throw_cancelled();
            }
            check_lives(queue_lives);
        }
        queue_.put_nowait(std::move(item_));
    }

private:
    [[nodiscard]] bool may_go_on() const noexcept { return !queue_.full() || queue_.shutdown_; }
    bool retry() override {
        if (!linked() || may_go_on()) {
            return true;
        }
        wait_again();
        queue_.putters_.append(*this);
        return false;
    }

    BasicQueue& queue_;
    T item_;
};

/// A queue between tasks: first in, first out.
///
/// ```
/// Queue<Job> jobs(100);
/// co_await jobs.put(job);            // waits while 100 are in it
/// Job next = co_await jobs.get();    // waits while none is
/// jobs.task_done();
/// co_await jobs.join();              // until all that were put are done
/// ```
///
/// Thread rule: one loop's thread; bound to the loop of its first waiter. asyncio: Queue.
template <class T>
using Queue = BasicQueue<T, detail::FifoItems<T>>;

/// Gives the least item, by Compare, at the moment the getter runs. asyncio: PriorityQueue.
template <class T, class Compare = std::less<T>>
using PriorityQueue = BasicQueue<T, detail::PriorityItems<T, Compare>>;

/// Gives the newest item. asyncio: LifoQueue.
template <class T>
using LifoQueue = BasicQueue<T, detail::LifoItems<T>>;

}  // namespace gyre
