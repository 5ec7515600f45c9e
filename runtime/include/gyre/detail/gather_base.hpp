// GatherBase: the future of several children, whatever their types.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/listener.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace gyre::detail {

/// Done when the children are, or when the first fails (unless exceptions are wanted as results).
class GYRE_API GatherBase : public FutureBase, private Listener::Owner {
public:
    bool cancel(std::string_view message) override;

protected:
    GatherBase(EventLoop& loop, std::vector<FutureRef> children, bool return_exceptions);
    ~GatherBase() override;

    /// Listens to the children, and takes note of those that are done already. The last call of the
    /// constructing code.
    void begin();
    [[nodiscard]] FutureBase& child(std::size_t index) const noexcept { return *children_[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }
    /// All children are done (with a result, unless exceptions are wanted): makes the outcome from
    /// theirs.
    virtual void collect() = 0;

private:
    void heard(FutureBase& child, std::size_t index) override;
    bool wants_to_hear(const FutureBase& child) noexcept override;
    void fail_like(FutureBase& child);
    [[nodiscard]] std::exception_ptr cancelled_error_of_last() const;

    std::vector<FutureRef> children_;
    std::vector<Listener>
        listeners_;  // of the children that are no tasks, or are waited for by others, too
    std::size_t unfinished_ = 0;  // of the others
    std::size_t finished_ = 0;
    bool return_exceptions_;
    bool cancel_requested_ = false;
    bool visiting_ = false;
};

}  // namespace gyre::detail
