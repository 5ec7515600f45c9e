// FdReady: waits until a descriptor can be read or written.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/event_loop.hpp>

#include <coroutine>

namespace gyre::detail {

/// Completes one iteration after the poll that finds the descriptor ready, or in trouble. A second
/// wait on the same descriptor takes the first one's place, which then waits forever.
/// Cancel safety: the descriptor is not watched any more when the error is thrown.
class [[nodiscard]] GYRE_API FdReady final : private WaitNode {
public:
    FdReady(int fd, bool writable) noexcept : fd_(fd), writable_(writable) {}
    ~FdReady() { forget(); }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume();

private:
    void forget() noexcept;

    int fd_;
    bool writable_;
    EventLoop* loop_ = nullptr;  // while it is watched
    Handle watch_;
};

[[nodiscard]] inline FdReady readable(int fd) noexcept { return {fd, false}; }
[[nodiscard]] inline FdReady writable(int fd) noexcept { return {fd, true}; }

}  // namespace gyre::detail
