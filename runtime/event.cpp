#include <gyre/event.hpp>

namespace gyre {

void Event::set() {
    if (!set_) {
        waiters_.check_thread();
        set_ = true;
        waiters_.wake_all();
    }
}

}  // namespace gyre
