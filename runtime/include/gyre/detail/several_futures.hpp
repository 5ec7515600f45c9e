// SeveralFutures: those that gather() or wait() waits for.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/detail/task_base.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace gyre::detail {

/// Hears of their ends. Of a task that needs no node to be listened to, only where that can change
/// anything.
class GYRE_API SeveralFutures : public Listener::Owner {
protected:
    explicit SeveralFutures(std::vector<FutureRef> futures) noexcept
        : futures_(std::move(futures)), left_(futures_.size()) {}
    ~SeveralFutures() {
        if (left_ == 0) {
            return;
        }
        for (const FutureRef& each : futures_) {
            if (TaskBase* const task = each->as_task()) {
                task->stop_listening(*this);
            }
        }
    }

    void listen_to(FutureBase& future) {
        TaskBase* const task = future.as_task();
        if (task == nullptr || !task->listen(*this)) {
            listeners_.emplace_back(future, *this);
        } else if (!task->done()) {
            ++unfinished_;
        }
    }
    /// For heard(): true for the one that is the last to end.
    [[nodiscard]] bool count_down() noexcept { return --left_ == 0; }
    /// For wants_to_hear(): another one is heard later in any case, unless this is the last.
    [[nodiscard]] bool is_to_be_heard(bool decides) noexcept {
        if (--unfinished_ == 0 || decides) {
            return true;
        }
        --left_;
        return false;
    }

    [[nodiscard]] const std::vector<FutureRef>& futures() const noexcept { return futures_; }

private:
    std::vector<FutureRef> futures_;
    std::vector<Listener> listeners_;
    std::size_t left_;            // whose ends are still to be counted
    std::size_t unfinished_ = 0;  // of those that need no node
};

}  // namespace gyre::detail
