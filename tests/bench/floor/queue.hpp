// Queue: a ring of items that are handed from task to task.
#pragma once

#include "loop.hpp"

#include <coroutine>
#include <cstddef>
#include <vector>

namespace bench::floor {

/// Bounded. An item goes straight to who waits for one, and a place to who waits for it, so that
/// nobody has to look again once resumed.
template <class T>
class Queue {
public:
    /// `size` is a power of two.
    explicit Queue(std::size_t size) : items_(size) {}

    /// co_await queue.get()
    class Get : Step {
    public:
        explicit Get(Queue& queue) : queue_(queue) {}
        bool await_ready() {
            if (queue_.empty()) {
                return false;
            }
            item_ = queue_.pop();
            if (Step* step = queue_.putting_.pop()) {
                queue_.push(static_cast<Put*>(step)->item_);
                Loop::current().push(*step);
            }
            return true;
        }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            this->coroutine = awaiting;
            queue_.getting_.push(*this);
        }
        T await_resume() const noexcept { return item_; }

    private:
        friend class Queue;
        Queue& queue_;
        T item_{};
    };

    /// co_await queue.put(item)
    class Put : Step {
    public:
        Put(Queue& queue, T item) : queue_(queue), item_(item) {}
        bool await_ready() {
            if (Step* step = queue_.getting_.pop()) {
                static_cast<Get*>(step)->item_ = item_;
                Loop::current().push(*step);
                return true;
            }
            if (queue_.full()) {
                return false;
            }
            queue_.push(item_);
            return true;
        }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            this->coroutine = awaiting;
            queue_.putting_.push(*this);
        }
        void await_resume() const noexcept {}

    private:
        friend class Queue;
        Queue& queue_;
        T item_;
    };

    Get get() { return Get(*this); }
    Put put(T item) { return Put(*this, item); }

private:
    [[nodiscard]] bool empty() const { return read_ == written_; }
    [[nodiscard]] bool full() const { return written_ - read_ == items_.size(); }
    T pop() { return items_[read_++ & (items_.size() - 1)]; }
    void push(T item) { items_[written_++ & (items_.size() - 1)] = item; }

    std::vector<T> items_;
    std::size_t read_ = 0;
    std::size_t written_ = 0;
    Steps getting_;
    Steps putting_;
};

}  // namespace bench::floor
