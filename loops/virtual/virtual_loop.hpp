// VirtualLoop: a loop whose clock jumps to the next deadline. For tests, and to watch a day in a
// second.
#pragma once

#include "../selector/selector_loop.hpp"

#include <cstdint>
#include <optional>

namespace gyre {

/// Timers take no time: when nothing is ready the clock jumps to the next deadline. Descriptors,
/// signals and posts of other threads are real, so the loop waits for those where no deadline is
/// left; where nothing at all is left, running ends with DeadlockError.
class VirtualLoop final : public SelectorLoop {
public:
    explicit VirtualLoop(std::optional<std::uint64_t> seed);
    ~VirtualLoop() override;

protected:
    void poll(Duration timeout) override;

private:
    [[noreturn]] void report_deadlock() const;
};

}  // namespace gyre
