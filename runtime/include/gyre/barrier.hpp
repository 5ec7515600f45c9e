// Barrier: a point that so many tasks pass together.
#pragma once

#include <gyre/condition.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/count.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>

namespace gyre {

/// Lets `parties` tasks through when the last of them has come; then it can be used again.
///
/// ```
/// std::size_t place = co_await barrier.wait();      // 0 for the first to come
/// ```
///
/// Thread rule: one loop's thread; bound to the loop of its first waiter. asyncio: Barrier.
class GYRE_API Barrier {
public:
    /// Throws ValueError unless parties is positive.
    explicit Barrier(detail::Count parties);
    Barrier(const Barrier&) = delete;
    Barrier& operator=(const Barrier&) = delete;

    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
    /// Tasks that wait for the others to come.
    [[nodiscard]] std::size_t n_waiting() const noexcept {
        return state_ == State::filling ? count_ : 0;
    }
    [[nodiscard]] bool broken() const noexcept { return state_ == State::broken; }

    /// Completes when all have come: for the last at once; gives the order of arrival, from 0.
    /// Waits first while earlier ones still leave. Cancel safety: a cancelled task has not come.
    /// Throws BrokenBarrierError after abort(), or on a reset() meanwhile.
    [[nodiscard]] Coro<std::size_t> wait();

    /// Those who wait get BrokenBarrierError; the barrier is as new once they are gone.
    [[nodiscard]] Coro<> reset();
    /// Those who wait, now and later, get BrokenBarrierError until reset().
    [[nodiscard]] Coro<> abort();

    /// For with(): `async with barrier`.
    [[nodiscard]] Coro<std::size_t> enter() { return wait(); }
    [[nodiscard]] Coro<> exit(std::exception_ptr error);

    struct Statistics {
        std::size_t parties;
        std::size_t waiting;  ///< tasks that have come
    };
    [[nodiscard]] Statistics statistics() const noexcept { return {parties_, n_waiting()}; }

private:
    // filling: tasks come. draining: all have come and leave. resetting: those who came leave by an
    // error.
    enum class State : std::uint8_t { filling, draining, resetting, broken };

    [[nodiscard]] Coro<std::size_t> come_and_wait();
    void leave();

    Condition changed_;
    std::size_t parties_;
    std::size_t count_ = 0;  // tasks that have come and not left
    State state_ = State::filling;
};

}  // namespace gyre
