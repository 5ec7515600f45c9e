#include "watched_stream.hpp"

#include <utility>

namespace gyre::detail {

void WatchedStream::start_reading() {
    watch(fd_, false, [&client = client_] { client.on_readable(); });
    reading_ = true;
}

void WatchedStream::stop_reading() noexcept {
    if (std::exchange(reading_, false)) {
        unwatch(fd_, false);
    }
}

void WatchedStream::start_sending(WriteQueue& /*unsent*/) {
    if (!sending_) {
        watch(fd_, true, [&client = client_] { client.on_writable(); });
        sending_ = true;
    }
}

void WatchedStream::stop_sending() noexcept {
    if (std::exchange(sending_, false)) {
        unwatch(fd_, true);
    }
}

void WatchedStream::close(Socket& descriptor) noexcept {
    stop_reading();
    stop_sending();
    descriptor.close();
}

}  // namespace gyre::detail
