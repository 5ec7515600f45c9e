#include <gyre/detail/listener.hpp>

namespace gyre::detail {

// Counted twice: by its Listener, and by the future or the queue that will run it.
class Listener::Node final : public Ready, public Pooled {
public:
    Node(FutureBase& source, Owner& owner, std::size_t index) noexcept
        : hook_(*this), source_(FutureRef::share(&source)), owner_(&owner), index_(index) {
        source.add_hook(hook_);
    }

    void run() override {
        const FutureRef source = std::move(source_);
        Owner* const owner = owner_;
        const std::size_t index = index_;
        release();
        if (owner != nullptr) {
            owner->heard(*source, index);
        }
    }
    void drop() noexcept override { release(); }
    [[nodiscard]] std::string describe() const override { return "done-callback"; }

    void stop() noexcept {
        owner_ = nullptr;
        if (hook_.linked()) {
            hook_.unlink();
            release();
        }
        release();
    }

private:
    ~Node() = default;
    void release() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    DoneHook hook_;
    FutureRef source_;
    Owner* owner_;
    std::size_t index_;
    int references_ = 2;
};

Listener::Listener(FutureBase& source, Owner& owner, std::size_t index)
    : node_(new Node(source, owner, index)) {}

void Listener::stop() noexcept {
    if (Node* node = std::exchange(node_, nullptr)) {
        node->stop();
    }
}

}  // namespace gyre::detail
