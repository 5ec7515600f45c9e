// GatherBase: the future of several children, whatever their types.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace gyre::detail {

/// Done when the children are, or when the first fails (unless exceptions are wanted as results).
class GYRE_API GatherBase : public FutureBase {
public:
    bool cancel(std::string_view message) override;

protected:
    GatherBase(EventLoop& loop, std::vector<FutureRef> children, bool return_exceptions);
    ~GatherBase() override;

    /// Takes note of the children that are done already. The last call of the constructing code.
    void begin();
    [[nodiscard]] FutureBase& child(std::size_t index) const noexcept { return *children_[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }
    /// All children are done (with a result, unless exceptions are wanted): makes the outcome from
    /// theirs.
    virtual void collect() = 0;

private:
    // One child's end; queued when it comes. Lies in an array of ours, which lives until the last
    // queued one ran.
    class Node final : public Ready {
    public:
        void run() override;
        void drop() noexcept override;
        [[nodiscard]] std::string describe() const override { return "gather"; }

        DoneHook hook;
        GatherBase* owner = nullptr;
        FutureBase* child = nullptr;  // null once its end was taken note of
    };

    [[nodiscard]] bool dispose() noexcept override;
    void child_done(FutureBase& child);
    void node_over(Node& node) noexcept;

    std::vector<FutureRef> children_;
    std::unique_ptr<Node[]> nodes_;  // of the distinct children, in order
    std::uint32_t node_count_ = 0;
    std::uint32_t finished_ = 0;
    std::uint32_t queued_ = 0;  // nodes in the ready queue that keep us from going
    bool return_exceptions_;
    bool cancel_requested_ = false;
    bool visiting_ = false;
    bool abandoned_ = false;
};

}  // namespace gyre::detail
