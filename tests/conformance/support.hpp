// What the conformance tests share: names for outcomes, and a look at what is reported.
#pragma once

#include "../faults/faults.hpp"
#include "../sanitizers.hpp"
#include "../test.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

/// "CancelledError(text)", "TimeoutError", "ExceptionGroup(a, b)" …; another exception's text.
inline std::string name_of(const std::exception_ptr& error) {
    if (error == nullptr) {
        return "nothing";
    }
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError& cancelled) {
        return cancelled.message().empty() ? "CancelledError"
                                           : "CancelledError(" + cancelled.message() + ")";
    } catch (const KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (const SystemExit&) {
        return "SystemExit";
    } catch (const ExceptionGroup& group) {
        std::string text;
        for (const std::exception_ptr& each : group.exceptions()) {
            text += (text.empty() ? "" : ", ") + name_of(each);
        }
        return "ExceptionGroup(" + text + ")";
    } catch (const TimeoutError&) {
        return "TimeoutError";
    } catch (const InvalidStateError&) {
        return "InvalidStateError";
    } catch (const QueueEmpty&) {
        return "QueueEmpty";
    } catch (const QueueFull&) {
        return "QueueFull";
    } catch (const QueueShutDown&) {
        return "QueueShutDown";
    } catch (const BrokenBarrierError&) {
        return "BrokenBarrierError";
    } catch (const DeadlockError&) {
        return "DeadlockError";
    } catch (const RuntimeError&) {
        return "RuntimeError";
    } catch (const ValueError&) {
        return "ValueError";
    } catch (const std::exception& other) {
        return other.what();
    } catch (...) {
        return "something else";
    }
}

/// The name of what f() throws.
template <class F>
std::string thrown_by(F&& f) {
    try {
        static_cast<void>(std::invoke(std::forward<F>(f)));
    } catch (...) {
        return name_of(std::current_exception());
    }
    return "nothing";
}

template <class T>
std::string text_of(const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
        return value;
    } else if constexpr (std::is_integral_v<T>) {
        return std::to_string(value);
    } else {
        return "a value";
    }
}

/// What a future has come to: "pending", its value, or the name of its error.
template <class T>
std::string outcome(const Future<T>& future) {
    if (!future.done()) {
        return "pending";
    }
    try {
        if constexpr (std::is_void_v<T>) {
            future.result();
            return "done";
        } else {
            return text_of(future.result());
        }
    } catch (...) {
        return name_of(std::current_exception());
    }
}

/// Awaits it in the calling task and says how that ended, in the words of outcome().
template <class A>
Coro<std::string> ending(A awaitable) {
    using T = detail::AwaitResult<A>;
    std::string text = "done";
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(awaitable);
        } else {
            T value = co_await std::move(awaitable);
            text = text_of(value);
        }
    } catch (...) {
        text = name_of(std::current_exception());
    }
    co_return text;
}

/// Lets the others run for so many iterations.
inline Coro<> ticks(int count) {
    for (int i = 0; i < count; ++i) {
        co_await sleep(0s);
    }
}

/// Keeps what reaches the exception handler while it lives.
class Reports {
public:
    explicit Reports(EventLoop& loop) : loop_(loop), before_(loop.get_exception_handler()) {
        loop.retain();  // it may be closed before we go
        loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
            messages.push_back(context.message);
            errors.push_back(name_of(context.exception));
        });
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() {
        loop_.set_exception_handler(before_);
        loop_.release();
    }

    [[nodiscard]] std::size_t count() const { return messages.size(); }

    std::vector<std::string> messages;
    std::vector<std::string> errors;

private:
    EventLoop& loop_;
    EventLoop::ExceptionHandler before_;
};

/// Counts iterations: a callback that queues itself again, ahead of what is measured.
class Ticks {
public:
    explicit Ticks(EventLoop& loop) : loop_(loop) { tick(); }
    Ticks(const Ticks&) = delete;
    Ticks& operator=(const Ticks&) = delete;
    ~Ticks() { handle_.cancel(); }

    [[nodiscard]] int count() const { return count_; }

private:
    void tick() {
        handle_ = loop_.call_soon([this] {
            ++count_;
            tick();
        });
    }

    EventLoop& loop_;
    Handle handle_;
    int count_ = 0;
};

/// SIGINT with its default action while it lives: doctest puts a handler of its own there.
class DefaultInterrupt {
public:
    DefaultInterrupt() : before_(std::signal(SIGINT, SIG_DFL)) {}
    DefaultInterrupt(const DefaultInterrupt&) = delete;
    DefaultInterrupt& operator=(const DefaultInterrupt&) = delete;
    ~DefaultInterrupt() { std::signal(SIGINT, before_); }

private:
    void (*before_)(int);
};

/// Runs f(spec) for each loop; no coroutine frame may be left.
template <class F>
void on_all_loops(F f) {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const DefaultInterrupt default_interrupt;
        const auto frames = detail::step.live_frames;
        f(spec);
        CHECK(detail::step.live_frames == frames);
        CHECK(detail::running_loop == nullptr);
    }
}

/// What is written to stderr while it lives.
class Stderr {
public:
    Stderr() : saved_(::dup(STDERR_FILENO)) {
        REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        REQUIRE(::dup2(ends_[1], STDERR_FILENO) == STDERR_FILENO);
    }
    Stderr(const Stderr&) = delete;
    Stderr& operator=(const Stderr&) = delete;
    ~Stderr() {
        ::dup2(saved_, STDERR_FILENO);
        for (const int fd : {saved_, ends_[0], ends_[1]}) {
            ::close(fd);
        }
    }

    [[nodiscard]] std::string text() const {
        std::string all(4096, '\0');
        const auto count = ::read(ends_[0], all.data(), all.size());
        all.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return all;
    }

private:
    int saved_;
    std::array<int, 2> ends_{};
};

using Log = std::vector<std::string>;

/// The log in one line, to compare it.
inline std::string joined(const Log& log) {
    std::string text;
    for (const std::string& each : log) {
        text += (text.empty() ? "" : " ") + each;
    }
    return text;
}

inline Coro<int> number(int value) { co_return value; }
inline Coro<int> later(std::chrono::nanoseconds delay, int value) {
    co_await sleep(delay);
    co_return value;
}
inline Coro<> fails(std::string text) {
    co_await sleep(0s);
    throw std::runtime_error(text);
}
inline Coro<> forever() { co_await sleep(1h); }
/// Logs its name when it has been cancelled and cleaned up for so many iterations; ends cancelled.
inline Coro<> until_cancelled(Log& log, std::string name, int cleanup = 0) {
    std::exception_ptr error;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        error = std::current_exception();
    }
    co_await ticks(cleanup);
    log.push_back(name);
    std::rethrow_exception(error);
}
inline Coro<int> ignores_cancel(int value) {
    std::string end = co_await ending(sleep(1h));
    co_return value;
}

/// On each loop: owner() runs as a task until it and the tasks that it made wait, and the loop is
/// closed. So many of them are reported, and no frame is left.
template <class F>
void closes_amid(F owner, std::size_t reported) {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        const std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        Reports reports(*loop);
        create_task(*loop, owner());
        run_until_complete(*loop, ticks(3));
        loop->close();
        CHECK(reports.count() == reported);
        CHECK(detail::step.live_frames == frames);
    }
}
