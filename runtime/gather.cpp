#include <gyre/detail/gather_base.hpp>
#include <gyre/errors.hpp>

#include <algorithm>
#include <utility>

namespace gyre::detail {

GatherBase::GatherBase(EventLoop& loop, std::vector<FutureRef> children, bool return_exceptions)
    : FutureBase(loop), children_(std::move(children)), return_exceptions_(return_exceptions) {
    for (const FutureRef& each : children_) {
        if (&each->loop() != &loop) {
            throw ValueError("the futures given to gather() belong to different loops");
        }
    }
}

GatherBase::~GatherBase() = default;

void GatherBase::begin() {
    std::vector<FutureBase*> distinct;
    distinct.reserve(children_.size());
    for (const FutureRef& each : children_) {
        distinct.push_back(each.get());
    }
    // A coroutine given to gather() cannot come twice; only a future that others hold too can.
    std::vector<FutureBase*> sorted = distinct;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
        std::vector<FutureBase*> first_ones;
        for (FutureBase* each : distinct) {
            if (std::find(first_ones.begin(), first_ones.end(), each) == first_ones.end()) {
                first_ones.push_back(each);
            }
        }
        distinct = std::move(first_ones);
    }
    nodes_ = std::make_unique<Node[]>(distinct.size());
    node_count_ = static_cast<std::uint32_t>(distinct.size());
    std::vector<Node*> over;
    for (std::size_t index = 0; index < distinct.size(); ++index) {
        Node& node = nodes_[index];
        node.owner = this;
        node.child = distinct[index];
        node.hook.set_target(node);
        if (node.child->done()) {
            over.push_back(&node);
        } else {
            node.child->add_hook(node.hook);
        }
    }
    if (node_count_ == 0) {
        collect();
    }
    for (Node* node : over) {
        child_done(*std::exchange(node->child, nullptr));
    }
}

bool GatherBase::cancel(std::string_view message) {
    mark_retrieved();
    if (done() || visiting_) {
        return false;
    }
    visiting_ = true;
    bool any = false;
    for (const FutureRef& each : children_) {
        any = each->cancel(message) || any;
    }
    visiting_ = false;
    cancel_requested_ = cancel_requested_ || any;
    return any;
}

void GatherBase::child_done(FutureBase& child) {
    ++finished_;
    if (done()) {
        child.mark_retrieved();
        return;
    }
    if (!return_exceptions_ && child.state() != State::finished) {
        for (const FutureRef& each : children_) {
            each->never_report();
        }
        if (child.cancelled()) {
            fail_by_cancel(child.cancelled_error());
        } else {
            const std::exception_ptr error = child.exception();
            child.failed_by_cancel() ? fail_by_cancel(error) : fail(error);
        }
        return;
    }
    if (finished_ < node_count_) {
        return;
    }
    if (cancel_requested_) {
        for (const FutureRef& each : children_) {
            each->mark_retrieved();
        }
        fail_by_cancel(child.cancelled() ? child.cancelled_error() : nullptr);
        return;
    }
    try {
        collect();
    } catch (...) {
        fail(std::current_exception());
    }
}

// --- life ---------------------------------------------------------------------------------------

bool GatherBase::dispose() noexcept {
    for (std::uint32_t index = 0; index < node_count_; ++index) {
        Node& node = nodes_[index];
        if (node.hook.linked()) {
            node.hook.unlink();
        } else if (node.child != nullptr) {
            ++queued_;
        }
    }
    abandoned_ = true;
    return queued_ == 0;
}

void GatherBase::node_over(Node& node) noexcept {
    node.child = nullptr;
    if (abandoned_ && --queued_ == 0) {
        delete this;
    }
}

void GatherBase::Node::run() {
    if (owner->abandoned_) {
        owner->node_over(*this);
    } else {
        owner->child_done(*std::exchange(child, nullptr));
    }
}

void GatherBase::Node::drop() noexcept { owner->node_over(*this); }

}  // namespace gyre::detail
