// Queue, PriorityQueue, LifoQueue: work handed from task to task.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/count.hpp>
#include <gyre/detail/ring.hpp>
#include <gyre/detail/wait_list.hpp>
#include <gyre/errors.hpp>
#include <gyre/event.hpp>

#include <algorithm>
#include <concepts>
#include <coroutine>
#include <cstddef>
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
        if (finished_.is_set()) {
            finished_.clear();
        }
        getters_.wake_next();
    }
    /// For a waiter that was woken and finds its queue gone.
    [[noreturn]] static void throw_gone();
    /// It is shut down, or full.
    [[noreturn]] void throw_no_room() const;
    /// … or empty.
    [[noreturn]] void throw_no_item() const;
    void items_were_dropped(std::size_t count);
    void set_shutdown() noexcept;

    TurnList getters_;
    TurnList putters_;
    Event finished_;
    std::size_t unfinished_ = 0;
    std::size_t maxsize_;
    bool shutdown_ = false;
};

/// A put() or get() that is under way. Of the two, `Side` says whom it waits among, and whether
/// what it waits for is there.
template <class Queue, class Side>
class QueueWait : private RetryWaiter {
public:
    [[nodiscard]] bool await_ready() const noexcept { return may_go_on(); }
    void await_suspend(std::coroutine_handle<> handle) { Side::list(queue_).wait(*this, handle); }

protected:
    explicit QueueWait(Queue& queue) noexcept : queue_(queue) {}
    ~QueueWait() = default;

    /// In the heir's destructor, for then no pointer to a table of functions is set anew. Without a
    /// call, here as in leave(): the awaiting coroutine would have to save the exception for it.
    [[gnu::always_inline]] void end() noexcept {
        if (waited()) [[unlikely]] {
            abandon();
        }
    }

    /// First thing after the wait, if there was one. What is waited for is there, or the queue is
    /// shut down.
    [[gnu::always_inline]] void end_wait() {
        if (waited()) {
            if (!linked() || step.task->is_cancelled(*this)) [[unlikely]] {
                fail();
            }
            leave();
        }
    }

    Queue& queue_;

private:
    [[nodiscard]] bool may_go_on() const noexcept {
        return Side::is_open(queue_) || queue_.is_shutdown();
    }
    void run() override {
        if (!linked() || may_go_on() || must_resume()) {
            resume_task();
        } else {
            wait_again();
            Side::list(queue_).append(*this);
        }
    }
    [[gnu::always_inline]] void abandon() noexcept {
        if (linked()) {
            Side::list(queue_).give_up_turn(*this);
        }
        leave();
    }
    [[noreturn, gnu::noinline]] void fail() {
        const bool was_turn = woken() && linked();
        const bool cancelled = step.task->is_cancelled(*this);
        abandon();
        if (!cancelled) {
            Queue::throw_gone();
        }
        if (was_turn && Side::is_open(queue_)) {
            Side::list(queue_).wake_next();  // our wake-up was somebody's item or room
        }
        step.task->throw_cancelled();
    }
};

/// Last in, first out.
template <class T>
class LifoItems {
public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] bool is_at_capacity() const noexcept {
        return items_.size() == items_.capacity();
    }
    void push(T&& item) { items_.push_back(std::move(item)); }
    [[nodiscard]] T pop() {
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

    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] bool is_at_capacity() const noexcept {
        return items_.size() == items_.capacity();
    }
    void push(T&& item) {
        items_.push_back(std::move(item));
        std::push_heap(items_.begin(), items_.end(), after_);
    }
    [[nodiscard]] T pop() {
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

    [[nodiscard]] std::size_t qsize() const noexcept { return items_.size(); }
    [[nodiscard]] bool empty() const noexcept { return qsize() == 0; }
    [[nodiscard]] bool full() const noexcept { return maxsize_ != 0 && qsize() >= maxsize_; }

    /// Throws QueueFull, or QueueShutDown after shutdown().
    void put_nowait(T item) {
        getters_.check_thread();
        if (shutdown_ || full()) [[unlikely]] {
            throw_no_room();
        }
        append(std::move(item));
    }

    /// Throws QueueEmpty, or QueueShutDown if the queue is shut down too.
    T get_nowait() {
        putters_.check_thread();
        if (empty()) [[unlikely]] {
            throw_no_item();
        }
        return take();
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
        getters_.check_thread();
        putters_.check_thread();
        shutdown_ = true;
        if (immediate) {
            const std::size_t dropped = qsize();
            while (!empty()) {
                static_cast<void>(items_.pop());
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
        return {qsize(), maxsize_, unfinished_, getters_.size(), putters_.size()};
    }

private:
    template <class Queue, class Side>
    friend class detail::QueueWait;

    // In the awaiting coroutines, too, there is no call on the way, nor a register to be saved for
    // one.
    [[gnu::always_inline]] void append(T&& item) {
        if (items_.is_at_capacity()) [[unlikely]] {
            append_growing(std::move(item));
        } else {
            items_.push(std::move(item));
            item_was_put();
        }
    }
    [[gnu::noinline]] void append_growing(T&& item) {
        items_.push(std::move(item));
        item_was_put();
    }
    [[gnu::always_inline]] T take() {
        T item = items_.pop();
        putters_.wake_next();
        return item;
    }

    struct ForItems {
        static detail::TurnList& list(BasicQueue& queue) noexcept { return queue.getters_; }
        static bool is_open(const BasicQueue& queue) noexcept { return !queue.empty(); }
    };
    struct ForRoom {
        static detail::TurnList& list(BasicQueue& queue) noexcept { return queue.putters_; }
        static bool is_open(const BasicQueue& queue) noexcept { return !queue.full(); }
    };

    Items items_;
};

template <class T, class Items>
class [[nodiscard]] BasicQueue<T, Items>::GetAwaiter final
    : public detail::QueueWait<BasicQueue, ForItems> {
public:
    explicit GetAwaiter(BasicQueue& queue) noexcept
        : detail::QueueWait<BasicQueue, ForItems>(queue) {}

    ~GetAwaiter() { this->end(); }

    [[gnu::always_inline]] T await_resume() {
        this->end_wait();
        if (this->queue_.empty()) [[unlikely]] {
            this->queue_.throw_no_item();
        }
        return this->queue_.take();
    }
};

template <class T, class Items>
class [[nodiscard]] BasicQueue<T, Items>::PutAwaiter final
    : public detail::QueueWait<BasicQueue, ForRoom> {
public:
    PutAwaiter(BasicQueue& queue, T&& item)
        : detail::QueueWait<BasicQueue, ForRoom>(queue), item_(std::move(item)) {}

    ~PutAwaiter() { this->end(); }

    [[gnu::always_inline]] void await_resume() {
        this->end_wait();
        if (this->queue_.shutdown_) [[unlikely]] {
            this->queue_.throw_no_room();
        }
        this->queue_.append(std::move(item_));
    }

private:
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
using Queue = BasicQueue<T, detail::Ring<T>>;

/// Gives the least item, by Compare, at the moment the getter runs. asyncio: PriorityQueue.
template <class T, class Compare = std::less<T>>
using PriorityQueue = BasicQueue<T, detail::PriorityItems<T, Compare>>;

/// Gives the newest item. asyncio: LifoQueue.
template <class T>
using LifoQueue = BasicQueue<T, detail::LifoItems<T>>;

}  // namespace gyre
