// GatherBase: the future of several children, whatever their types.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>
#include <gyre/detail/several_futures.hpp>

#include <cstddef>
#include <exception>
#include <string_view>
#include <vector>

namespace gyre::detail {

/// Done when the children are, or when the first fails (unless exceptions are wanted as results).
class GYRE_API GatherBase : public FutureBase, private SeveralFutures {
public:
    bool cancel(std::string_view message) override;

protected:
    GatherBase(EventLoop& loop, std::vector<FutureRef> children, bool return_exceptions);
    ~GatherBase() override = default;

    /// Listens to the children, and takes note of those that are done already. The last call of the
    /// constructing code.
    void begin();
    [[nodiscard]] FutureBase& child(std::size_t index) const noexcept { return *futures()[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return futures().size(); }
    /// All children are done (with a result, unless exceptions are wanted): makes the outcome from
    /// theirs.
    virtual void collect() = 0;

private:
    void heard(FutureBase& child, std::size_t index) override;
    bool wants_to_hear(const FutureBase& child) noexcept override;
    void fail_like(FutureBase& child);
    [[nodiscard]] std::exception_ptr cancelled_error_of_last() const;

    bool return_exceptions_;
    bool cancel_requested_ = false;
    bool visiting_ = false;
};

}  // namespace gyre::detail
