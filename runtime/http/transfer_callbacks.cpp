// What libcurl tells of a transfer while it runs. Nothing of libcurl may be called from here but
// what asks for information.
#include "status.hpp"
#include "transfer.hpp"

#include <gyre/http/errors.hpp>

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

}  // namespace

int Transfer::on_request(void* self, char* /*peer*/, char* /*own*/, int /*peer_port*/,
                         int /*own_port*/) noexcept {
    Transfer& transfer = *static_cast<Transfer*>(self);
    transfer.heard_ = transfer.loop_->time();
    return CURL_PREREQFUNC_OK;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count,
                                void* self) noexcept {
    Transfer& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.take_header({data, size * count}) ? size * count : 0;
    } catch (...) {
        transfer.error_ = std::current_exception();
        return 0;
    }
}

bool Transfer::take_header(std::string_view line) {
    heard_ = loop_->time();
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
            if (response_.reason.empty()) {
                response_.reason = usual_reason(response_.status);
            }
            discarding_ = follow_ && is_redirect(response_);
            if (stream_) {
                changed_.set();
            }
            if (upload_ != nullptr && status >= 300) {
                // libcurl sends no more, but waits for ever where it has paused what it sends.
                stop_feeding();
            }
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
    try {
        if (transfer.stream_ && !transfer.discarding_ && transfer.waiting_ >= kMostWaiting) {
            transfer.paused_ = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        return transfer.take_data({data, size * count}) ? size * count : 0;
    } catch (...) {
        transfer.error_ = std::current_exception();
        return 0;
    }
}

bool Transfer::take_data(std::string_view bytes) {
    heard_ = loop_->time();
    if (discarding_) {
        received_ += bytes.size();
        return received_ <= kMostDiscarded;
    }
    if (bytes.size() > max_body_ - received_) {
        refused_ = "the body of the answer is larger than max_body";
        return false;
    }
    received_ += bytes.size();
    if (!stream_) {
        body_.append(bytes);
        return true;  // who waits wants all of it
    }
    chunks_.emplace_back(bytes);
    waiting_ += bytes.size();
    changed_.set();
    return true;
}

std::size_t Transfer::on_upload(char* data, std::size_t size, std::size_t count,
                                void* self) noexcept {
    return static_cast<Transfer*>(self)->give_upload(data, size * count);
}

std::size_t Transfer::give_upload(char* data, std::size_t size) {
    Upload& upload = *upload_;
    const std::size_t bytes = std::min(size, upload.piece.size() - upload.sent);
    if (bytes == 0) {
        if (upload.ended) {
            return 0;
        }
        wants_upload_ = true;
        changed_.set();
        return CURL_READFUNC_PAUSE;
    }
    std::memcpy(data, upload.piece.data() + upload.sent, bytes);
    upload.sent += bytes;
    return bytes;
}

std::exception_ptr Transfer::error_of(CURLcode result) const {
    const char* detail = message_[0] != '\0' ? message_.data() : curl_easy_strerror(result);
    const std::string text = what_ + ": " + (refused_ != nullptr ? refused_ : detail);
    switch (result) {
        case CURLE_OPERATION_TIMEDOUT:
            return std::make_exception_ptr(
                TimeoutError(what_ + ": no connection within the time limit", response_.url));
        case CURLE_URL_MALFORMAT:
            return std::make_exception_ptr(InvalidUrl(text, response_.url));
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return std::make_exception_ptr(TlsError(text, response_.url));
        case CURLE_RECV_ERROR:
            // Also for a broken connection: its text alone tells them apart.
            if (text.find("chunked-encoding") == std::string::npos) {
                return std::make_exception_ptr(ConnectionError(text, response_.url));
            }
            [[fallthrough]];
        case CURLE_UNSUPPORTED_PROTOCOL:  // the scheme is known to be good: an answer without
                                          // headers
        case CURLE_WRITE_ERROR:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
            return std::make_exception_ptr(BadAnswer(text, response_.url));
        case CURLE_OUT_OF_MEMORY:
            // Also for a line of the headers that is longer than libcurl allows.
            if (header_bytes_ > 0 && !has_headers_) {
                return std::make_exception_ptr(
                    BadAnswer(what_ + ": a header of the answer is too large", response_.url));
            }
            return std::make_exception_ptr(std::bad_alloc());
        default:
            return std::make_exception_ptr(ConnectionError(text, response_.url));
    }
}

}  // namespace gyre::http::detail
