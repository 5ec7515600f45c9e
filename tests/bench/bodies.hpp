// What the floor and gyre are both made to do: the same coroutines, over the one and the other.
#pragma once

#include "measure.hpp"

namespace bench {

/// `Runtime` has the types Coro<T>, Queue (of int) and Lock, and yield(), which lets the others
/// run.
template <class Runtime>
struct Bodies {
    template <class T = void>
    using Coro = typename Runtime::template Coro<T>;
    using Queue = typename Runtime::Queue;
    using Lock = typename Runtime::Lock;

    static Coro<> nothing() {
        ++sink;
        co_return;
    }

    static Coro<> yield(int times) {
        for (int i = 0; i < times; ++i) {
            co_await Runtime::yield();
        }
    }

    static Coro<int> chain_of(int length) {
        if (length == 1) {
            co_return 1;
        }
        const int rest = co_await chain_of(length - 1);
        co_return rest + 1;
    }

    static Coro<int> leaf() { co_return 1; }

    static Coro<> chains(int times) {
        for (int i = 0; i < times; ++i) {
            const int length = co_await chain_of(10);
            sink += length;
        }
    }

    static Coro<> leaves(int times) {
        for (int i = 0; i < times; ++i) {
            const int length = co_await leaf();
            sink += length;
        }
    }

    static Coro<int> fib_of(int n) {
        if (n < 2) {
            co_return n;
        }
        const int one = co_await fib_of(n - 1);
        const int other = co_await fib_of(n - 2);
        co_return one + other;
    }

    static Coro<> fib(int /*calls*/) {
        const int value = co_await fib_of(27);
        sink += value;
    }

    static Coro<> ping(Queue& there, Queue& back, int times) {
        for (int i = 0; i < times; ++i) {
            co_await there.put(i);
            const int item = co_await back.get();
            sink += item;
        }
    }

    static Coro<> pong(Queue& there, Queue& back, int times) {
        for (int i = 0; i < times; ++i) {
            const int item = co_await there.get();
            co_await back.put(item);
        }
    }

    static Coro<> put_all(Queue& queue, int times) {
        for (int i = 0; i < times; ++i) {
            co_await queue.put(i);
        }
    }

    static Coro<> get_all(Queue& queue, int times) {
        for (int i = 0; i < times; ++i) {
            const int item = co_await queue.get();
            sink += item;
        }
    }

    static Coro<> lock_over_yield(Lock& lock, int times) {
        for (int i = 0; i < times; ++i) {
            co_await lock.acquire();
            co_await Runtime::yield();
            lock.release();
        }
    }

    static Coro<> lock_alone(int times) {
        Lock lock;
        for (int i = 0; i < times; ++i) {
            co_await lock.acquire();
            ++sink;
            lock.release();
        }
    }
};

/// Coroutines that fib() makes.
inline constexpr int kFibCalls = 635'621;

}  // namespace bench
