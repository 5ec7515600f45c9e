// Ready: something the loop runs once; ReadyQueue: the intrusive FIFO of them.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace gyre::detail {

/// A node of the ready queue: a callback, a task's next step, a timer that is due.
/// Whoever queues it keeps it alive until run() or drop().
class GYRE_API Ready {
public:
    Ready() = default;
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;

    /// Only an ExitError may leave it; it then leaves run_forever().
    virtual void run() = 0;
    /// The loop was closed first: run() will never come.
    virtual void drop() noexcept {}
    [[nodiscard]] virtual std::string describe() const { return "callback"; }
    /// run(), and how to call it in "Executing <…> took 0.123 seconds". For debug mode.
    [[nodiscard]] virtual std::string run_described() {
        std::string text = describe();
        run();
        return text;
    }

protected:
    ~Ready() = default;

private:
    friend class ReadyQueue;
    friend class Inbox;
    Ready* next_;  // while it is queued
};

/// First in, first out. Never allocates.
class ReadyQueue {
public:
    ReadyQueue() = default;
    ReadyQueue(const ReadyQueue&) = delete;
    ReadyQueue& operator=(const ReadyQueue&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] bool has_one() const noexcept {
        return head_ != nullptr && head_->next_ == nullptr;
    }

    /// Counts them: for reports.
    [[nodiscard]] std::size_t size() const noexcept { return length(rest_) + length(head_); }

    void push(Ready& node) noexcept {
        node.next_ = nullptr;
        link(node, &node.next_);
    }

    Ready* pop() noexcept {
        Ready* node = head_;
        if (node != nullptr) {
            head_ = node->next_;
        }
        return node;
    }

    /// Of a queue that has_one().
    Ready& pop_only() noexcept {
        Ready& node = *head_;
        head_ = nullptr;
        return node;
    }

    /// Calls f(node) for what stands in the queue now, each taken out; what f() queues stays. If
    /// f() throws, so does the rest.
    template <class F>
    void run_through(F f) {
        Ready* node = head_;
        head_ = nullptr;
        try {
            while (node != nullptr) {
                Ready* const next = node->next_;  // it may be gone, or queued again, after the call
                rest_ = next;
                if (next != nullptr) {
                    fetch(*next);
                }
                f(*node);
                node = next;
            }
        } catch (...) {
            put_back_rest();
            throw;
        }
    }

    /// Moves all of `other` behind what is here.
    void append(ReadyQueue& other) noexcept {
        if (other.head_ != nullptr) {
            link(*std::exchange(other.head_, nullptr), other.tail_);
        }
    }

    /// The same of nodes that are linked already, the last one to nothing.
    void append(Ready& first, Ready& last) noexcept { link(first, &last.next_); }

private:
    void link(Ready& first, Ready** tail) noexcept {
        if (head_ == nullptr) [[unlikely]] {
            head_ = &first;
        } else {
            *tail_ = &first;
        }
        tail_ = tail;
    }
    [[nodiscard]] static std::size_t length(const Ready* node) noexcept {
        std::size_t count = 0;
        for (; node != nullptr; node = node->next_) {
            ++count;
        }
        return count;
    }
    // Of many nodes, each is out of every cache when its turn comes: it comes while the one before
    // it runs. A task's state has two lines.
    static void fetch(const Ready& node) noexcept {
        const char* const bytes = reinterpret_cast<const char*>(&node);
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + 64);
    }
    void put_back_rest() noexcept {
        ReadyQueue all;
        while (Ready* node = rest_) {
            rest_ = node->next_;
            all.push(*node);
        }
        all.append(*this);
        append(all);
    }

    Ready* head_ = nullptr;
    Ready** tail_ = nullptr;  // of the last, if there is one
    Ready* rest_ = nullptr;   // of a run_through() that is under way
};

}  // namespace gyre::detail
