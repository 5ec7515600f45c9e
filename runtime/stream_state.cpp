#include "string_memory.hpp"

#include <gyre/detail/loop_data.hpp>
#include <gyre/detail/stream_read.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/errors.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace gyre::detail {

namespace {

constexpr std::size_t kLarge = std::size_t{16} << 10;
constexpr std::size_t kMostAtOnce = std::size_t{256} << 10;

// Null where there is no memory: it is no more than a help.
UpcomingReads* upcoming_reads() noexcept {
    std::unique_ptr<UpcomingReads>& made = LoopData::of(*running_loop).upcoming_reads;
    if (made == nullptr) [[unlikely]] {
        made.reset(new (std::nothrow) UpcomingReads);
    }
    return made.get();
}

}  // namespace

std::size_t checked_limit(std::size_t limit) {
    if (limit == 0) {
        throw ValueError("a stream's limit is expected to be 1 or more, not 0");
    }
    return limit;
}

StreamState::StreamState(std::size_t limit) : limit_(checked_limit(limit)) {}

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
    if (UpcomingReads* const upcoming = upcoming_reads()) [[likely]] {
        place_ = upcoming->add({this, transport_.get(), reader_, reader_->frame()});
    }
    std::exchange(reader_, nullptr)->wake();
    return true;
}

// --- reading ------------------------------------------------------------------------------------

// The loop's buffer is soon in the processor's cache, and to copy a few bytes from there costs less
// than anything else. Many are received into the string that the read is to give.
bool StreamState::fetch(std::size_t most) {
    LeftBytes& left = *std::exchange(left_, nullptr);
    if (const UpcomingReads* const upcoming = upcoming_reads()) [[likely]] {
        upcoming->prefetch_after(place_);
    }
    const std::size_t room = std::min<std::size_t>(most, usual_ + usual_ / 4);
    bool direct = room >= kLarge;
    if (direct) [[unlikely]] {
        large_ = string_with_room(room);
        direct = large_.capacity() >= kLarge / 2;
    }
    std::size_t count = 0;
    if (!direct) [[likely]] {
        fetched_ = left.fetch({});
        count = fetched_.size();
    } else {
        const std::span<char> memory = room_of(large_);
        count = left.fetch(memory.first(std::min(room, memory.size()))).size();
        set_size(large_, count);
        if (count < large_.capacity() / 8) {  // a few bytes keep no large block
            large_.shrink_to_fit();
        }
    }
    if (count >= kLarge || usual_ != 0) [[unlikely]] {
        note_fetched(count);
    }
    return count != 0;
}

// Fewer than usual may be the rest of a message: that does not count at once.
void StreamState::note_fetched(std::size_t count) noexcept {
    const std::size_t usual = std::max<std::size_t>(count, usual_ - usual_ / 8);
    usual_ = usual < kLarge ? 0 : static_cast<std::uint32_t>(std::min(usual, kMostAtOnce));
}

std::string StreamState::take_fetched(std::size_t most) {
    if (fetched_.empty()) {
        return std::move(large_);
    }
    const std::string_view fetched = std::exchange(fetched_, {});
    try {
        std::string taken(fetched.substr(0, most));
        if (taken.size() < fetched.size()) {
            keep(fetched.substr(taken.size()));
        }
        return taken;
    } catch (...) {  // no memory: these bytes are lost to every read
        fail(std::current_exception());
        throw;
    }
}

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
        reader_->task()->loop().check_thread();
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
