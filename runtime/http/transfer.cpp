#include "transfer.hpp"

#include "multi.hpp"
#include "session_state.hpp"

#include <gyre/http/errors.hpp>
#include <gyre/timeouts.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace gyre::http::detail {

namespace {

/// Sets an event at a time, while it lives.
class Alarm {
public:
    Alarm(EventLoop& loop, std::optional<std::chrono::nanoseconds> when, Event& event) {
        if (when) {
            timer_ = loop.call_at(*when, [&event] { event.set(); });
        }
    }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm() { timer_.cancel(); }

private:
    Handle timer_;
};

}  // namespace

Transfer::Transfer(std::shared_ptr<SessionState> session, const Request& request,
                   const std::string& url, const std::string& addresses)
    : session_(std::move(session)),
      easy_(curl_easy_init()),
      what_(request.method + ' ' + url),
      timeouts_(request.timeouts),
      deadline_(request.deadline),
      upload_(request.upload),
      max_body_(request.max_body),
      stream_(request.stream),
      follow_(request.follow_redirects && request.upload == nullptr) {
    if (easy_ == nullptr) {
        throw std::bad_alloc();
    }
    response_.url = url;
    set_up(request, addresses);
}

Transfer::~Transfer() { give_up(); }

void Transfer::start() {
    Multi& multi = session_->multi();
    loop_ = &multi.loop();
    heard_ = loop_->time();
    multi.add(easy_.get());
    multi_ = &multi;
    session_->enter(*this);
}

void Transfer::give_up() noexcept {
    if (multi_ != nullptr) {
        session_->leave(*this);
        std::exchange(multi_, nullptr)->remove(easy_.get());
    }
}

void Transfer::finished(CURLcode result) {
    const bool cut_off = !has_headers_ && response_.status != 101;
    if (result != CURLE_OK && error_ == nullptr) {
        error_ = error_of(result);
    } else if (cut_off && error_ == nullptr) {  // which libcurl takes for an answer
        error_ = std::make_exception_ptr(
            ConnectionError(what_ + ": the answer ended within its headers", response_.url));
    }
    end();
}

void Transfer::fail(std::exception_ptr error) {
    error_ = std::move(error);
    end();
}

void Transfer::end() {
    give_up();
    ended_ = true;
    changed_.set();
    stop_feeding();
}

void Transfer::stop_feeding() {
    unwanted_ = true;
    if (feeding_ != nullptr && !feeding_->expired()) {
        feeding_->reschedule(loop_->time());
    }
}

// --- waiting ------------------------------------------------------------------------------------

void Transfer::check() const {
    if (error_ != nullptr) {
        std::rethrow_exception(error_);
    }
}

std::optional<std::chrono::nanoseconds> Transfer::next_limit() const {
    std::optional<Nanoseconds> limit = deadline_;
    if (timeouts_.read) {
        const Nanoseconds silent =
            gyre::detail::saturating_add(heard_, gyre::detail::to_nanoseconds(*timeouts_.read));
        limit = limit ? std::min(*limit, silent) : silent;
    }
    return limit;
}

Coro<> Transfer::wait_for_change() {
    const Alarm alarm(*loop_, next_limit(), changed_);
    co_await changed_.wait();
    check_limits();
}

void Transfer::check_limits() {
    if (ended_) {
        return;
    }
    const char* late = nullptr;
    if (deadline_ && loop_->time() >= *deadline_) {
        late = ": not complete within the time limit";
    } else if (timeouts_.read && loop_->time() >= *next_limit() && is_silent()) {
        late = ": the server was silent for longer than the time limit";
    }
    if (late != nullptr) {
        fail(std::make_exception_ptr(TimeoutError(what_ + late, response_.url)));
    }
}

// While it connects, which has a limit of its own, or takes what is sent, the server may be silent.
bool Transfer::is_silent() {
    curl_off_t connected = 0;
    curl_off_t uploaded = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (connected > 0 && uploaded == uploaded_) {
        return true;
    }
    uploaded_ = uploaded;
    heard_ = loop_->time();
    return false;
}

/// Tells the transfer what to stop while a piece is made.
class Transfer::Feeding {
public:
    Feeding(Transfer& transfer, Timeout& limit) noexcept : transfer_(transfer) {
        transfer_.feeding_ = &limit;
    }
    Feeding(const Feeding&) = delete;
    Feeding& operator=(const Feeding&) = delete;
    ~Feeding() { transfer_.feeding_ = nullptr; }

private:
    Transfer& transfer_;
};

Coro<> Transfer::make_piece(Timeout& limit) {
    const Feeding feeding(*this, limit);
    std::optional<std::string> piece = co_await upload_->pieces.next();
    upload_->ended = !piece;
    upload_->piece = std::move(piece).value_or(std::string());
    upload_->sent = 0;
}

// More of the body to send, where libcurl waits for it.
Coro<> Transfer::feed_upload() {
    wants_upload_ = false;
    if (!unwanted_) {
        auto making = timeout_at(deadline_, [this](Timeout& limit) { return make_piece(limit); });
        try {
            co_await std::move(making);
        } catch (const gyre::TimeoutError&) {
            check_limits();
            if (!ended_ && !unwanted_) {
                throw;  // it is the generator's own
            }
        }
    }
    upload_->ended = upload_->ended || unwanted_;
    heard_ = loop_->time();
    resume();
}

void Transfer::resume() {
    if (multi_ == nullptr) {  // it has ended
        return;
    }
    paused_ = false;
    const CURLcode code = multi_->resume(easy_.get());
    if (code != CURLE_OK && !ended_) {
        finished(code);
    }
}

Coro<> Transfer::wait_for_headers() {
    while (true) {
        changed_.clear();
        if (has_headers_ || ended_) {
            break;
        }
        if (wants_upload_) {
            co_await feed_upload();
        } else {
            co_await wait_for_change();
        }
    }
    if (!discarding_) {
        check();
    }
}

Coro<std::string> Transfer::next_chunk() {
    std::string chunk;
    while (true) {
        changed_.clear();
        if (!chunks_.empty() || ended_) {
            break;
        }
        if (wants_upload_) {
            co_await feed_upload();
        } else if (paused_) {
            heard_ = loop_->time();  // it was not the server that was silent
            check_limits();
            resume();
        } else {
            co_await wait_for_change();
        }
    }
    if (chunks_.empty()) {
        check();
    } else {
        chunk = std::move(chunks_.front());
        chunks_.pop_front();
        waiting_ -= chunk.size();
    }
    co_return chunk;
}

Coro<std::string> Transfer::read() {
    while (true) {
        changed_.clear();
        if (ended_) {
            break;
        }
        if (wants_upload_) {
            co_await feed_upload();
        } else {
            co_await wait_for_change();
        }
    }
    check();
    co_return std::move(body_);
}

Coro<> Transfer::discard() {
    while (true) {
        changed_.clear();
        if (ended_) {
            break;
        }
        co_await wait_for_change();
    }
    if (received_ <= kMostDiscarded) {
        check();
    }
}

Response Transfer::take_response() { return std::move(response_); }

Response Transfer::streamed(std::shared_ptr<Transfer> self) {
    Response response = self->response_;
    response.transfer_ = std::move(self);
    return response;
}

}  // namespace gyre::http::detail
