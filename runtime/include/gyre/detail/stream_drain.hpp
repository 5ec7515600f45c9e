// StreamDrain: what StreamWriter::drain() returns.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/detail/wait_list.hpp>

#include <coroutine>
#include <memory>
#include <utility>

namespace gyre::detail {

/// Nothing happens before it is awaited, which happens once. It keeps the stream: the writer may be
/// gone by then.
class [[nodiscard]] GYRE_API StreamDrain {
public:
    explicit StreamDrain(std::shared_ptr<StreamState> state) noexcept : state_(std::move(state)) {}

    class Awaiter;
    [[nodiscard]] Awaiter operator co_await() && noexcept;
    [[nodiscard]] Awaiter operator co_await() & noexcept;

private:
    std::shared_ptr<StreamState> state_;
    bool awaited_ = false;
};

/// Suspends where the transport closes, for one iteration, and where too much waits to be sent.
class [[nodiscard]] GYRE_API StreamDrain::Awaiter final : private RetryWaiter {
public:
    /// `drain` stays where it is as long as this: one expression has both.
    explicit Awaiter(StreamDrain& drain) noexcept : drain_(drain) {}
    ~Awaiter() {
        if (waited()) [[unlikely]] {
            leave();
        }
    }

    [[nodiscard]] bool await_ready() const {
        if (std::exchange(drain_.awaited_, true) || drain_.state_ == nullptr) [[unlikely]] {
            throw_already_awaited();
        }
        return state().error() != nullptr ||
               !(state().is_writing_paused() || state().transport()->is_closing());
    }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() {
        if (waited()) {
            resume_after_wait();
        } else {
            state().check();
        }
    }

private:
    [[nodiscard]] StreamState& state() const noexcept { return *drain_.state_; }
    void run() override;
    void resume_after_wait();

    StreamDrain& drain_;
    bool yielding_ = false;  // for the one iteration
};

inline StreamDrain::Awaiter StreamDrain::operator co_await() && noexcept { return Awaiter(*this); }
inline StreamDrain::Awaiter StreamDrain::operator co_await() & noexcept { return Awaiter(*this); }

}  // namespace gyre::detail
