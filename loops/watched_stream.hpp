// WatchedStream: a stream over watch_fd(), which every loop has.
#pragma once

#include "stream_io.hpp"

#include <gyre/event_loop.hpp>

namespace gyre::detail {

class WatchedStream final : public StreamIo, private Watcher {
public:
    WatchedStream(EventLoop& loop, int fd, StreamClient& client) noexcept
        : Watcher(loop), fd_(fd), client_(client) {}
    ~WatchedStream() override = default;

    void start_reading() override;
    void stop_reading() noexcept override;
    void start_sending(WriteQueue& unsent) override;
    void stop_sending() noexcept override;
    void close(Socket& descriptor) noexcept override;

private:
    int fd_;
    StreamClient& client_;
    bool reading_ = false;
    bool sending_ = false;
};

}  // namespace gyre::detail
