#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>

#include <cstdint>
#include <string>

namespace gyre::detail {

Resources::Resources() noexcept = default;
Resources::~Resources() = default;

void Resources::close_all() noexcept {
    while (ring_.next != &ring_) {
        static_cast<Resource*>(ring_.next)->on_loop_close();
    }
}

// From the start of a page: the system copies long pieces to anywhere else at half the speed.
std::span<char> Resources::read_buffer() {
    constexpr std::size_t page = 4096;
    if (buffer_ == nullptr) {
        buffer_ = std::make_unique_for_overwrite<char[]>(kReadAtOnce + page);
    }
    const std::size_t past = reinterpret_cast<std::uintptr_t>(buffer_.get()) % page;
    return {buffer_.get() + (past == 0 ? 0 : page - past), kReadAtOnce};
}

Watcher::Watcher(EventLoop& loop) noexcept : loop_(loop) { loop.retain(); }

Watcher::~Watcher() { loop_.release(); }

void Watcher::watch_state(int fd, bool writer, HandleState* state) {
    loop_.register_fd(fd, writer, state);
}

void Watcher::unwatch(int fd, bool writer) noexcept {
    if (!loop_.is_closed() || loop_.resources_.owns(fd)) {
        loop_.unwatch_fd(fd, writer);
    }
}

Resource::Resource(EventLoop& loop) noexcept : Watcher(loop) {}

Resource::~Resource() = default;

void Resource::begin_use(int fd) {
    Resources& all = loop().resources_;
    const auto index = static_cast<std::size_t>(fd);
    if (all.owns(fd)) {
        throw RuntimeError("descriptor " + std::to_string(fd) + " is used by a transport already");
    }
    if (fd >= 0) {
        if (all.owned_.size() <= index) {
            all.owned_.resize(index + 1);
        }
        // Who watched it until now hears no more of it.
        loop().unwatch_fd(fd, false);
        loop().unwatch_fd(fd, true);
        all.owned_[index] = true;
    }
    previous = all.ring_.previous;
    next = &all.ring_;
    previous->next = this;
    all.ring_.previous = this;
}

void Resource::end_use(int fd) noexcept {
    if (fd >= 0) {
        loop().resources_.owned_[static_cast<std::size_t>(fd)] = false;
    }
    next->previous = previous;
    previous->next = next;
    next = previous = this;
}

}  // namespace gyre::detail
