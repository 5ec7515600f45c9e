#include <gyre/detail/done_waiter.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/errors.hpp>
#include <gyre/sleep.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

// A reader's wait, known to the state while it lasts.
class ReaderWait final : public WaitNode {
public:
    explicit ReaderWait(WaitNode*& slot) noexcept : slot_(slot) { slot_ = this; }
    ~ReaderWait() { slot_ = nullptr; }

private:
    WaitNode*& slot_;
};

}  // namespace

StreamState::StreamState(std::size_t limit) : limit_(limit) {
    if (limit == 0) {
        throw ValueError("a stream's limit is expected to be 1 or more, not 0");
    }
    may_write_.set();
}

StreamState::~StreamState() = default;

void StreamState::connection_made(const std::shared_ptr<Transport>& transport) {
    transport_ = transport;
    if (on_made) {
        std::exchange(on_made, nullptr)();
    }
}

void StreamState::connection_lost(std::exception_ptr error) {
    lost_ = true;
    lost_error_ = error;
    if (error != nullptr) {
        fail(error);
    } else {
        eof_ = true;
        wake_reader();
    }
    may_write_.set();
    closed_.set();
}

void StreamState::buffer_updated(std::size_t count) {
    buffer_.commit(count);
    hold_up();
    wake_reader();
}

bool StreamState::eof_received() {
    feed_eof();
    return true;
}

// --- reading ------------------------------------------------------------------------------------

void StreamState::feed(std::string_view data) {
    if (eof_) {
        throw RuntimeError("feed_data after feed_eof");
    }
    if (data.empty()) {
        return;
    }
    buffer_.append(data);
    hold_up();
    wake_reader();
}

void StreamState::hold_up() {
    if (transport_ != nullptr && !held_up_ && buffer_.size() > 2 * limit_) {
        held_up_ = true;
        transport_->pause_reading();
    }
}

void StreamState::taken() {
    if (held_up_ && buffer_.size() <= limit_) {
        held_up_ = false;
        transport_->resume_reading();
    }
}

void StreamState::feed_eof() {
    eof_ = true;
    wake_reader();
}

void StreamState::fail(std::exception_ptr error) {
    error_ = std::move(error);
    wake_reader();
}

void StreamState::check() const {
    if (error_ != nullptr) {
        std::rethrow_exception(error_);
    }
}

void StreamState::wake_reader() noexcept {
    if (reader_ != nullptr) {
        reader_->wake();
    }
}

Coro<> StreamState::wait_for_data(const char* operation) {
    if (reader_ != nullptr) {
        throw RuntimeError(
            std::string(operation) +
            "() called while another coroutine is already waiting for incoming data");
    }
    // What is awaited could not come while the transport is held up.
    if (std::exchange(held_up_, false)) {
        transport_->resume_reading();
    }
    ReaderWait wait(reader_);
    NodeAwaiter until_woken(wait);
    co_await until_woken;
}

// --- writing ------------------------------------------------------------------------------------

Coro<> StreamState::drain(std::shared_ptr<StreamState> self) {
    self->check();
    if (self->transport_ != nullptr && self->transport_->is_closing()) {
        // connection_lost() may be on its way: without this, a loop of write() and drain() would
        // never let it come.
        co_await sleep(std::chrono::nanoseconds::zero());
    }
    if (self->lost_) {
        throw std::system_error(std::make_error_code(std::errc::connection_reset),
                                "drain: the connection is lost");
    }
    if (!self->may_write_.is_set()) {
        co_await self->may_write_.wait();
        if (self->lost_error_ != nullptr) {
            std::rethrow_exception(self->lost_error_);
        }
    }
}

Coro<> StreamState::wait_closed(std::shared_ptr<StreamState> self) {
    co_await self->closed_.wait();
    if (self->lost_error_ != nullptr) {
        std::rethrow_exception(self->lost_error_);
    }
}

}  // namespace gyre::detail
