#include "selector_loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gyre {

SelectorLoop::SelectorLoop(std::string name, std::unique_ptr<Selector> selector)
    : name_(std::move(name)), selector_(std::move(selector)) {}

SelectorLoop::~SelectorLoop() = default;

void SelectorLoop::open() {
    wakeup_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wakeup_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    Readiness readable;
    readable.readable = true;
    selector_->watch(wakeup_, 0, {}, readable);
}

void SelectorLoop::close_backend() noexcept {
    for (std::size_t fd = 0; fd < watches_.size(); ++fd) {
        unwatch_fd(static_cast<int>(fd), false);
        unwatch_fd(static_cast<int>(fd), true);
    }
    selector_.reset();
    if (wakeup_ >= 0) {
        ::close(wakeup_);
    }
}

void SelectorLoop::poll(Duration timeout) {
    if (timeout == Duration::zero() && watched_ == 0) {
        return;  // a wake-up alone can be there, and whoever made it left its reason in the loop
    }
    events_.clear();
    selector_->wait(timeout, events_);
    for (const Selector::Event& event : events_) {
        if (event.fd == wakeup_) {
            drain_wakeups();
            continue;
        }
        const auto index = static_cast<std::size_t>(event.fd);
        if (index >= watches_.size() || watches_[index].generation != event.generation) {
            continue;
        }
        const Watch& watch = watches_[index];
        if (event.ready.readable && watch.reader != nullptr) {
            fd_ready(*watch.reader);
        }
        if (event.ready.writable && watch.writer != nullptr) {
            fd_ready(*watch.writer);
        }
    }
}

void SelectorLoop::wake() noexcept {
    const std::uint64_t one = 1;
    // A full counter fails the write and wakes all the same.
    while (::write(wakeup_, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void SelectorLoop::drain_wakeups() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wakeup_, &count, sizeof count);
}

void SelectorLoop::watch_fd(int fd, bool writer, detail::HandleState& state) {
    const auto index = static_cast<std::size_t>(fd);
    if (watches_.size() <= index) {
        watches_.resize(index + 1);
    }
    Watch& watch = watches_[index];
    const Readiness before = watch.interest();
    if (!before.any()) {
        ++watch.generation;
    }
    (writer ? watch.writer : watch.reader) = &state;
    try {
        selector_->watch(fd, watch.generation, before, watch.interest());
    } catch (...) {
        (writer ? watch.writer : watch.reader) = nullptr;
        throw;
    }
    ++watched_;
}

bool SelectorLoop::unwatch_fd(int fd, bool writer) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (fd < 0 || index >= watches_.size()) {
        return false;
    }
    Watch& watch = watches_[index];
    detail::HandleState*& registered = writer ? watch.writer : watch.reader;
    if (registered == nullptr) {
        return false;
    }
    const Readiness before = watch.interest();
    detail::HandleState& state = *registered;
    registered = nullptr;
    selector_->watch(fd, watch.generation, before, watch.interest());
    --watched_;
    drop_registration(state);
    return true;
}

}  // namespace gyre
