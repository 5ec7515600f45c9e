#include "uv_stream.hpp"

#include "../no_pipe_signal.hpp"
#include "../write_queue.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

namespace gyre {

/// libuv's handle with what its callbacks need. Outlives the UvStream until libuv has closed it and
/// nothing of it is queued.
class UvStream::Stream {
public:
    Stream(UvLoop& loop, detail::StreamClient& client) noexcept : loop_(loop), client_(&client) {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Returns a libuv error.
    int open(int fd, bool tcp) noexcept {
        int error =
            tcp ? uv_tcp_init(&loop_.loop_, &any_.tcp) : uv_pipe_init(&loop_.loop_, &any_.pipe, 0);
        if (error != 0) {
            delete this;
            return error;
        }
        any_.handle.data = this;
        error = tcp ? uv_tcp_open(&any_.tcp, fd) : uv_pipe_open(&any_.pipe, fd);
        if (error != 0) {
            close();
        }
        return error;
    }

    void read(bool on) {
        if (reading_ == on) {
            return;
        }
        if (const int error = on ? uv_read_start(&any_.stream, &no_buffer, &on_readable)
                                 : uv_read_stop(&any_.stream);
            error != 0) {
            throw std::system_error(-error, std::generic_category(), "uv_read_start");
        }
        reading_ = on;
        loop_.watched_ += on ? 1 : -1;
    }

    void send(detail::WriteQueue& unsent) noexcept {
        if (in_flight() != 0 || sending_ || unsent.empty()) {
            return;
        }
        std::swap(queue_, unsent);
        in_flight_ = queue_.size();
        dropped_ = false;
        count_sending(true);
        submit();
    }

    void stop_sending() noexcept { dropped_ = true; }

    /// Until the client has been told: what it does meanwhile comes behind.
    [[nodiscard]] std::size_t in_flight() const noexcept { return dropped_ ? 0 : in_flight_; }

    [[nodiscard]] std::error_code error() const noexcept {
        return {dropped_ ? 0 : -error_, std::generic_category()};
    }

    /// Also closes the descriptor.
    void close() noexcept {
        client_ = nullptr;
        if (std::exchange(reading_, false)) {
            --loop_.watched_;
        }
        if (sending_) {
            count_sending(false);
        }
        uv_close(&any_.handle, [](uv_handle_t* handle) noexcept {
            auto& self = *static_cast<Stream*>(handle->data);
            self.closed_ = true;
            self.free_if_done();
        });
    }

private:
    /// A place in the loop's queue.
    struct Turn final : detail::Ready {
        using Call = void (*)(Stream& stream, detail::StreamClient& client);

        Turn(Stream& owner, Call function) noexcept : stream(owner), call(function) {}
        void run() override {
            queued = false;
            if (stream.client_ != nullptr) {
                call(stream, *stream.client_);
            } else {
                stream.free_if_done();
            }
        }
        void drop() noexcept override {
            queued = false;
            stream.free_if_done();
        }
        [[nodiscard]] std::string describe() const override { return "<transport>"; }
        void queue() noexcept {
            if (!std::exchange(queued, true)) {
                stream.loop_.complete(*this);
            }
        }

        Stream& stream;
        Call call;
        bool queued = false;
    };

    static void no_buffer(uv_handle_t* /*handle*/, std::size_t /*size*/,
                          uv_buf_t* buffer) noexcept {
        *buffer = uv_buf_init(nullptr, 0);
    }
    static void on_readable(uv_stream_t* stream, ::ssize_t /*error*/,
                            const uv_buf_t* /*buffer*/) noexcept {
        static_cast<Stream*>(stream->data)->readable_.queue();
    }

    void submit() noexcept {
        detail::WriteQueue::Pieces views;
        std::array<uv_buf_t, detail::WriteQueue::kPiecesAtOnce> buffers;
        unsigned count = 0;
        submitted_ = 0;
        for (const std::string_view piece : queue_.front(views)) {
            buffers[count++] =
                uv_buf_init(const_cast<char*>(piece.data()), static_cast<unsigned>(piece.size()));
            submitted_ += piece.size();
        }
        const detail::NoPipeSignal no_signal;
        const int error = uv_write(&request_, &any_.stream, buffers.data(), count, &on_written);
        no_signal.take();
        if (error != 0) {
            end_sending(error);
        }
    }

    static void on_written(uv_write_t* request, int error) noexcept {
        auto& self = *static_cast<Stream*>(request->handle->data);
        if (self.client_ == nullptr) {
            return;
        }
        if (error == 0) {
            self.queue_.drop(self.submitted_);
            if (!self.queue_.empty() && !self.dropped_) {
                self.in_flight_ = self.queue_.size();
                self.submit();
                return;
            }
        }
        self.end_sending(error);
    }

    void end_sending(int error) noexcept {
        count_sending(false);
        queue_.clear();
        submitted_ = 0;
        error_ = error;
        if (!dropped_) {
            sent_.queue();
        }
    }

    void count_sending(bool on) noexcept {
        sending_ = on;
        loop_.watched_ += on ? 1 : -1;
        loop_.sending_ += on ? 1 : -1;
    }

    void free_if_done() noexcept {
        if (closed_ && !readable_.queued && !sent_.queued) {
            delete this;
        }
    }

    union Any {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };

    UvLoop& loop_;
    detail::StreamClient* client_;  // null: closed
    bool reading_ = false;
    bool sending_ = false;
    bool dropped_ = false;  // what is being sent is of no interest any more
    bool closed_ = false;
    Turn readable_{*this, [](Stream& stream, detail::StreamClient& client) {
                       if (stream.reading_) {
                           client.on_readable();
                       }
                   }};
    Any any_{};
    uv_write_t request_{};
    detail::WriteQueue queue_;   // what libuv is sending
    std::size_t in_flight_ = 0;  // what the client has not been told of
    std::size_t submitted_ = 0;  // of the queue, in the request
    int error_ = 0;
    Turn sent_{*this, [](Stream& stream, detail::StreamClient& client) {
                   if (!stream.dropped_) {
                       stream.in_flight_ = 0;
                       client.on_sent({-stream.error_, std::generic_category()});
                   }
               }};
};

bool UvStream::serves(const Socket& descriptor) noexcept {
    struct ::stat status {};
    return descriptor.fileno() > STDERR_FILENO && ::fstat(descriptor.fileno(), &status) == 0 &&
           (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode));
}

UvStream::UvStream(UvLoop& loop, Socket& descriptor, detail::StreamClient& client)
    : stream_(new Stream(loop, client)) {
    const SocketAddress::Family family = descriptor.local_address().family();
    const bool tcp = family == SocketAddress::Family::ipv4 || family == SocketAddress::Family::ipv6;
    if (const int error = stream_->open(descriptor.fileno(), tcp); error != 0) {
        throw std::system_error(
            -error, std::generic_category(),
            "uv: stream over descriptor " + std::to_string(descriptor.fileno()));
    }
}

UvStream::~UvStream() = default;

void UvStream::start_reading() { stream_->read(true); }

void UvStream::stop_reading() noexcept { stream_->read(false); }

void UvStream::start_sending(detail::WriteQueue& unsent) { stream_->send(unsent); }

void UvStream::stop_sending() noexcept { stream_->stop_sending(); }

std::size_t UvStream::in_flight() const noexcept { return stream_->in_flight(); }

std::error_code UvStream::error() const noexcept { return stream_->error(); }

void UvStream::close(Socket& descriptor) noexcept {
    static_cast<void>(descriptor.release());
    stream_->close();
}

}  // namespace gyre
