// Resource: what the loop keeps open until it ends, or the loop does: a transport, a server.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace gyre {
class EventLoop;
}

namespace gyre::detail {

class HandleState;
class Resource;

/// Watches the descriptors of what it serves. The loop's shell outlives it.
class GYRE_API Watcher {
public:
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

protected:
    explicit Watcher(EventLoop& loop) noexcept;
    ~Watcher();

    [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
    /// As add_reader() and add_writer(), which refuse what a resource uses.
    template <class F>
    void watch(int fd, bool writer, F&& function);
    void unwatch(int fd, bool writer) noexcept;

private:
    void watch_state(int fd, bool writer, HandleState* state);

    EventLoop& loop_;
};

/// A loop's resources, and the descriptors that are theirs alone.
class GYRE_API Resources {
public:
    Resources() noexcept;
    Resources(const Resources&) = delete;
    Resources& operator=(const Resources&) = delete;
    ~Resources();

    void close_all() noexcept;
    [[nodiscard]] bool owns(int fd) const noexcept {
        return fd >= 0 && static_cast<std::size_t>(fd) < owned_.size() &&
               owned_[static_cast<std::size_t>(fd)];
    }
    /// What is received is read into this first, where a protocol has no buffer of its own.
    [[nodiscard]] std::span<char> read_buffer();

    struct Link {
        Link* next = this;
        Link* previous = this;
    };

private:
    friend class Resource;
    static constexpr std::size_t kReadAtOnce = std::size_t{256} << 10;

    Link ring_;
    std::vector<bool> owned_;  // by descriptor
    std::unique_ptr<char[]> buffer_;
};

/// Linked into its loop between begin_use() and end_use().
class GYRE_API Resource : protected Watcher, private Resources::Link {
protected:
    explicit Resource(EventLoop& loop) noexcept;
    ~Resource();

    /// The loop closes: lets go of the descriptor, calls nobody, and calls end_use().
    virtual void on_loop_close() noexcept = 0;

    /// From now on nobody else can watch the descriptor; −1: it has none.
    void begin_use(int fd);
    void end_use(int fd) noexcept;

private:
    friend class Resources;
};

}  // namespace gyre::detail
