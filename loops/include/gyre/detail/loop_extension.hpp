// LoopExtension: the place of a higher layer in a loop.
#pragma once

#include <gyre/detail/api.hpp>

#include <string>

namespace gyre::detail {

/// What runtime/ keeps with a loop: its tasks, its executor.
class GYRE_API LoopExtension {
public:
    LoopExtension() = default;
    LoopExtension(const LoopExtension&) = delete;
    LoopExtension& operator=(const LoopExtension&) = delete;
    virtual ~LoopExtension();
    /// The loop closes: its callbacks are gone, its descriptors are not yet.
    virtual void on_close() noexcept = 0;
    /// What on_close() queued is gone too.
    virtual void after_close() noexcept = 0;
    /// What waits for something, for the virtual loop's deadlock error; empty if nothing does.
    [[nodiscard]] virtual std::string pending() const = 0;
};

}  // namespace gyre::detail
