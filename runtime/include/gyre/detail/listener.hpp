// Listener: code that runs when a future is done, and can be called off.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/future_base.hpp>

#include <cstddef>
#include <utility>

namespace gyre::detail {

/// A done-callback of the library itself: `heard(source)` of its owner is called in the iteration
/// after the future is done. It lies on the heap, for the ready queue may hold it longer than its
/// owner lives.
class GYRE_API Listener {
public:
    /// Who listens.
    class GYRE_API Owner {
    public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual void heard(FutureBase& source, std::size_t index) = 0;
        /// A task that is listened to without a node is done this moment. False if heard() is not
        /// to be called for it, because nothing would come of it.
        [[nodiscard]] virtual bool wants_to_hear(const FutureBase& /*source*/) noexcept {
            return true;
        }

    protected:
        ~Owner() = default;
    };

    Listener() = default;
    Listener(FutureBase& source, Owner& owner, std::size_t index = 0);
    Listener(Listener&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    Listener& operator=(Listener&& other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~Listener() {
        if (node_ != nullptr) {
            stop();
        }
    }

    /// Hears nothing from now on, even if the future is done already.
    void stop() noexcept;

private:
    class Node;
    Node* node_ = nullptr;
};

}  // namespace gyre::detail
