#include <gyre/detail/stream_read.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/errors.hpp>

#include <algorithm>
#include <utility>

namespace gyre::detail {

StreamState::StreamState(std::size_t limit) : limit_(limit) {
    if (limit == 0) {
        throw ValueError("a stream's limit is expected to be 1 or more, not 0");
    }
}

StreamState::~StreamState() = default;

void StreamState::connection_made(const std::shared_ptr<Transport>& transport) {
    transport_ = transport;
    if (on_made_) {
        std::exchange(on_made_, nullptr)();
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
    writing_paused_ = false;
    drainers_.wake_all();
    closed_.set();
}

void StreamState::resume_writing() {
    writing_paused_ = false;
    drainers_.wake_all();
}

void StreamState::buffer_updated(std::size_t count) {
    buffer_.commit(count);
    came();
}

bool StreamState::eof_received() {
    feed_eof();
    return true;
}

bool StreamState::leave(LeftBytes& left) {
    if (reader_ == nullptr || !reader_->takes_any()) {
        return false;
    }
    left_ = &left;
    std::exchange(reader_, nullptr)->wake();
    return true;
}

// --- reading ------------------------------------------------------------------------------------

void StreamState::keep(std::string_view data) {
    buffer_.append(data);
    came();
}

void StreamState::feed(std::string_view data) {
    settle();
    if (eof_) {
        throw RuntimeError("feed_data after feed_eof");
    }
    if (!data.empty()) {
        keep(data);
    }
}

void StreamState::came() {
    if (reader_ != nullptr) {
        wake_reader();
        if (reader_ != nullptr) {
            return;  // it waits for more: to hold that up would be no use
        }
    }
    if (transport_ != nullptr && !held_up_ && buffer_.size() > 2 * limit_) {
        held_up_ = true;
        transport_->pause_reading();
    }
}

void StreamState::go_on() {
    held_up_ = false;
    transport_->resume_reading();
}

void StreamState::drop(std::size_t count) {
    buffer_.drop(std::min(count, buffer_.size()));
    taken();
}

void StreamState::feed_eof() {
    settle();
    eof_ = true;
    wake_reader();
}

void StreamState::fail(std::exception_ptr error) {
    settle();
    error_ = std::move(error);
    wake_reader();
}

// One that needs more sleeps on, where asyncio's would wake, look and wait again.
void StreamState::wake_reader() {
    if (reader_ != nullptr && reader_->is_over()) {
        std::exchange(reader_, nullptr)->wake();
    }
}

bool StreamState::wait_for_data(ReadAwaiter& reader) {
    if (reader_ != nullptr) {
        return false;
    }
    reader_ = &reader;
    if (held_up_) {  // what it waits for could not come
        go_on();
    }
    return true;
}

// --- writing ------------------------------------------------------------------------------------

void StreamState::check_lost() const {
    if (lost_error_ != nullptr) {
        std::rethrow_exception(lost_error_);
    }
}

Coro<> StreamState::wait_closed(std::shared_ptr<StreamState> self) {
    co_await self->closed_.wait();
    self->check_lost();
}

}  // namespace gyre::detail
