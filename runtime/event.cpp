#include <gyre/event.hpp>

namespace gyre {

void Event::set() noexcept {
    if (!set_) {
        set_ = true;
        waiters_.wake_all();
    }
}

}  // namespace gyre
