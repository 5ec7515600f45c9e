#include "transfer.hpp"

#include "multi.hpp"
#include "session_state.hpp"

#include <gyre/http/errors.hpp>
#include <gyre/timeouts.hpp>

#include <strings.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace gyre::http::detail {

namespace {

constexpr std::size_t kMostWaiting = std::size_t{256} << 10;
constexpr std::size_t kMostHeaders = std::size_t{256} << 10;

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

void append(std::unique_ptr<curl_slist, FreeList>& list, const std::string& text) {
    curl_slist* longer = curl_slist_append(list.get(), text.c_str());
    if (longer == nullptr) {
        throw std::bad_alloc();
    }
    static_cast<void>(list.release());
    list.reset(longer);
}

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
      stream_(request.stream) {
    if (easy_ == nullptr) {
        throw std::bad_alloc();
    }
    response_.url = url;
    set_up(request, addresses);
}

Transfer::~Transfer() { give_up(); }

template <class T>
void Transfer::set(CURLoption option, T value) {
    if (const CURLcode code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK) {
        throw ClientError(what_ + ": " + curl_easy_strerror(code), response_.url);
    }
}

void Transfer::set_up(const Request& request, const std::string& addresses) {
    const SessionState& session = *session_;
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, message_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_URL, response_.url.c_str());
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_ACCEPT_ENCODING, "");
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_SHARE, session.cookies());
    set(CURLOPT_COOKIEFILE, "");
    set(CURLOPT_PROXY, session.proxy.c_str());
    set(CURLOPT_USERAGENT, session.user_agent.c_str());
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_data);
    set(CURLOPT_WRITEDATA, this);
    if (!session.ca_file.empty()) {
        set(CURLOPT_CAINFO, session.ca_file.c_str());
    }
    if (!session.options.verify) {
        set(CURLOPT_SSL_VERIFYPEER, 0L);
        set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (timeouts_.connect) {
        // 0 would be libcurl's own limit.
        const auto limit = std::max<long>(1, static_cast<long>(timeouts_.connect->count()));
        set(CURLOPT_CONNECTTIMEOUT_MS, limit);
    }
    if (request.credentials) {
        set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        set(CURLOPT_USERPWD, request.credentials->c_str());
    }
    if (!addresses.empty()) {
        append(resolve_list_, addresses);
        set(CURLOPT_RESOLVE, resolve_list_.get());
    }
    append(header_list_, "Expect:");  // no second's wait for a server that does not know it
    for (const auto& [name, value] : request.headers) {
        append(header_list_, value.empty() ? name + ';' : name + ": " + value);
    }
    set_body(request);
    set(CURLOPT_HTTPHEADER, header_list_.get());
}

void Transfer::set_body(const Request& request) {
    if (upload_ != nullptr) {
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_READFUNCTION, &Transfer::on_upload);
        set(CURLOPT_READDATA, this);
    } else if (request.has_body || request.method == "POST") {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_COPYPOSTFIELDS, request.body.c_str());
        // libcurl takes a body for a form's unless somebody says what it is.
        const auto says = [](const auto& field) {
            return ::strcasecmp(field.first.c_str(), "content-type") == 0;
        };
        if (std::none_of(request.headers.begin(), request.headers.end(), says)) {
            append(header_list_, "Content-Type:");
        }
    }
    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" || request.has_body) {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
}

void Transfer::start() {
    session_->multi().add(easy_.get());
    running_ = true;
    session_->enter(*this);
}

void Transfer::give_up() noexcept {
    if (std::exchange(running_, false)) {
        session_->leave(*this);
        session_->multi().remove(easy_.get());
    }
}

// --- what libcurl calls -------------------------------------------------------------------------

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count,
                                void* self) noexcept {
    try {
        return static_cast<Transfer*>(self)->take_header({data, size * count}) ? size * count : 0;
    } catch (...) {
        return 0;
    }
}

bool Transfer::take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMostHeaders) {
        refused_ = "the headers of the answer are larger than 256 KiB";
        return false;
    }
    if (has_headers_) {
        return true;  // what comes behind the body
    }
    if (line.starts_with("HTTP/")) {
        response_.headers = {};
        const std::size_t blank = std::min(line.find(' '), line.size());
        response_.version = line.substr(5, blank - 5);
        line.remove_prefix(blank);
        const std::string_view words = trimmed(line);
        response_.reason = trimmed(words.substr(std::min<std::size_t>(3, words.size())));
        return true;
    }
    line = trimmed(line);
    if (line.empty()) {
        long status = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
        response_.status = static_cast<int>(status);
        if (status >= 200) {
            has_headers_ = true;
            changed_.set();
        }
        return true;
    }
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
        response_.headers.add(std::string(line.substr(0, colon)),
                              std::string(trimmed(line.substr(colon + 1))));
    }
    return true;
}

std::size_t Transfer::on_data(char* data, std::size_t size, std::size_t count,
                              void* self) noexcept {
    Transfer& transfer = *static_cast<Transfer*>(self);
    const std::size_t bytes = size * count;
    try {
        if (transfer.received_ + bytes > transfer.max_body_) {
            transfer.refused_ = "the body of the answer is larger than max_body";
            return 0;
        }
        if (!transfer.stream_) {
            transfer.body_.append(data, bytes);
        } else if (transfer.waiting_ >= kMostWaiting) {
            transfer.paused_ = true;
            return CURL_WRITEFUNC_PAUSE;
        } else {
            transfer.chunks_.emplace_back(data, bytes);
            transfer.waiting_ += bytes;
        }
        transfer.received_ += bytes;
        transfer.changed_.set();
        return bytes;
    } catch (...) {
        return 0;
    }
}

std::size_t Transfer::on_upload(char* data, std::size_t size, std::size_t count,
                                void* self) noexcept {
    Transfer& transfer = *static_cast<Transfer*>(self);
    Upload& upload = *transfer.upload_;
    const std::size_t bytes = std::min(size * count, upload.piece.size() - upload.sent);
    if (bytes == 0) {
        if (upload.ended) {
            return 0;
        }
        transfer.wants_upload_ = true;
        transfer.changed_.set();
        return CURL_READFUNC_PAUSE;
    }
    std::memcpy(data, upload.piece.data() + upload.sent, bytes);
    upload.sent += bytes;
    return bytes;
}

void Transfer::finished(CURLcode result) {
    give_up();
    if (result != CURLE_OK && error_ == nullptr) {
        error_ = error_of(result);
    }
    ended_ = true;
    changed_.set();
}

void Transfer::fail(std::exception_ptr error) {
    give_up();
    error_ = std::move(error);
    ended_ = true;
    changed_.set();
}

std::exception_ptr Transfer::error_of(CURLcode result) const {
    const char* detail = message_[0] != '\0' ? message_.data() : curl_easy_strerror(result);
    const std::string text = what_ + ": " + (refused_ != nullptr ? refused_ : detail);
    switch (result) {
        case CURLE_OPERATION_TIMEDOUT:
            return std::make_exception_ptr(
                TimeoutError(what_ + ": no connection within the time limit", response_.url));
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return std::make_exception_ptr(InvalidUrl(text, response_.url));
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return std::make_exception_ptr(TlsError(text, response_.url));
        case CURLE_WRITE_ERROR:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
            return std::make_exception_ptr(BadAnswer(text, response_.url));
        case CURLE_OUT_OF_MEMORY:
            return std::make_exception_ptr(std::bad_alloc());
        default:
            return std::make_exception_ptr(ConnectionError(text, response_.url));
    }
}

// --- waiting ------------------------------------------------------------------------------------

void Transfer::check() const {
    if (error_ != nullptr) {
        std::rethrow_exception(error_);
    }
}

bool Transfer::is_connected() const noexcept {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &microseconds);
    return microseconds > 0;
}

Coro<> Transfer::wait_for_change() {
    EventLoop& loop = session_->multi().loop();
    const bool reading = timeouts_.read && is_connected();
    std::optional<std::chrono::nanoseconds> limit;
    bool is_read = false;
    if (deadline_) {
        limit = std::max(*deadline_ - loop.time(), std::chrono::nanoseconds(0));
    }
    if (timeouts_.read && (!limit || *timeouts_.read < *limit)) {
        limit = *timeouts_.read;
        is_read = true;
    }
    changed_.clear();
    bool late = false;
    try {
        co_await wait_for(changed_.wait(), limit);
    } catch (const gyre::TimeoutError&) {
        late = !is_read || reading;  // while it connects, that has its own limit
    }
    if (late) {
        give_up();
        ended_ = true;
        error_ = std::make_exception_ptr(
            TimeoutError(what_ + (is_read ? ": the server was silent for longer than the time limit"
                                          : ": not complete within the time limit"),
                         response_.url));
    }
}

// More of the body to send, where libcurl waits for it.
Coro<> Transfer::feed_upload() {
    wants_upload_ = false;
    std::optional<std::string> piece = co_await upload_->pieces.next();
    upload_->ended = !piece;
    upload_->piece = std::move(piece).value_or(std::string());
    upload_->sent = 0;
    if (running_) {
        curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
        session_->multi().resumed();
    }
}

Coro<> Transfer::wait_for_headers() {
    while (!has_headers_ && !ended_) {
        if (wants_upload_) {
            co_await feed_upload();
        } else {
            co_await wait_for_change();
        }
    }
    check();
}

Coro<std::string> Transfer::next_chunk() {
    while (chunks_.empty() && !ended_) {
        if (wants_upload_) {
            co_await feed_upload();
        } else {
            resume_reading();
            if (chunks_.empty() && !ended_) {
                co_await wait_for_change();
            }
        }
    }
    std::string chunk;
    if (!chunks_.empty()) {
        chunk = std::move(chunks_.front());
        chunks_.pop_front();
        waiting_ -= chunk.size();
        co_return chunk;
    }
    check();
    co_return chunk;
}

void Transfer::resume_reading() {
    if (running_ && std::exchange(paused_, false)) {
        curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
        session_->multi().resumed();
    }
}

Coro<std::string> Transfer::read() {
    while (!ended_) {
        if (wants_upload_) {
            co_await feed_upload();
        } else {
            co_await wait_for_change();
        }
    }
    check();
    co_return std::move(body_);
}

Response Transfer::take_response() { return std::move(response_); }

Response Transfer::streamed(std::shared_ptr<Transfer> self) {
    Response response = self->response_;
    response.transfer_ = std::move(self);
    return response;
}

}  // namespace gyre::http::detail
