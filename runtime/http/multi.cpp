#include "multi.hpp"

#include "transfer.hpp"

#include <gyre/errors.hpp>

#include <chrono>
#include <new>
#include <utility>

namespace gyre::http::detail {

void initialise() {
    static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (result != CURLE_OK) {
        throw RuntimeError(std::string("libcurl cannot be used: ") + curl_easy_strerror(result));
    }
}

Multi::Multi(EventLoop& loop, std::size_t limit, std::size_t limit_per_host) : loop_(loop) {
    multi_ = curl_multi_init();
    if (multi_ == nullptr) {
        throw std::bad_alloc();
    }
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(limit));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(limit_per_host));
    // Else libcurl keeps four times as many as there are transfers, which is none behind the last.
    constexpr std::size_t idle = 100;
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(limit == 0 ? idle : limit));
    loop_.retain();
}

Multi::~Multi() {
    curl_multi_cleanup(multi_);
    if (!loop_.is_closed()) {
        for (const auto& [fd, watched] : watched_) {
            loop_.remove_reader(fd);
            loop_.remove_writer(fd);
        }
    }
    if (armed_) {
        timer_.cancel();
    }
    loop_.release();
}

void Multi::add(CURL* easy) {
    if (const CURLMcode code = curl_multi_add_handle(multi_, easy); code != CURLM_OK) {
        throw RuntimeError(std::string("curl_multi_add_handle: ") + curl_multi_strerror(code));
    }
}

void Multi::remove(CURL* easy) noexcept { curl_multi_remove_handle(multi_, easy); }

CURLcode Multi::resume(CURL* easy) {
    // It may call the transfer's callbacks at once. What they refuse is known here alone.
    const CURLcode code = curl_easy_pause(easy, CURLPAUSE_CONT);
    if (code == CURLE_OK) {
        act(CURL_SOCKET_TIMEOUT, 0);
    }
    return code;
}

// libcurl closes a socket right after it said CURL_POLL_REMOVE: it cannot wait until later.
int Multi::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self,
                     void* /*data*/) noexcept {
    try {
        static_cast<Multi*>(self)->watch(fd, what);
        return 0;
    } catch (...) {
        return -1;
    }
}

void Multi::watch(int fd, int what) {
    if (loop_.is_closed()) {
        return;
    }
    const bool read = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    const bool write = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    Watched& watched = watched_[fd];
    if (read && !watched.reading) {
        loop_.add_reader(fd, [this, fd] { act(fd, CURL_CSELECT_IN); });
    } else if (!read && watched.reading) {
        loop_.remove_reader(fd);
    }
    watched.reading = read;
    if (write && !watched.writing) {
        loop_.add_writer(fd, [this, fd] { act(fd, CURL_CSELECT_OUT); });
    } else if (!write && watched.writing) {
        loop_.remove_writer(fd);
    }
    watched.writing = write;
    if (what == CURL_POLL_REMOVE) {
        watched_.erase(fd);
    }
}

int Multi::on_timer(CURLM* /*multi*/, long milliseconds, void* self) noexcept {
    try {
        static_cast<Multi*>(self)->arm(milliseconds);
        return 0;
    } catch (...) {
        return -1;
    }
}

void Multi::arm(long milliseconds) {
    if (armed_ && at_once_ && milliseconds == 0) {
        return;  // of many requests that start together each asks for it
    }
    if (std::exchange(armed_, false)) {
        timer_.cancel();
    }
    if (milliseconds >= 0 && !loop_.is_closed()) {
        timer_ = loop_.call_later(std::chrono::milliseconds(milliseconds), [this] {
            armed_ = false;
            act(CURL_SOCKET_TIMEOUT, 0);
        });
        armed_ = true;
        at_once_ = milliseconds == 0;
    }
}

void Multi::act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, events, &running);
    hear_of_ends();
    if (!armed_) {
        // libcurl does not always say again what it is still waiting for.
        long milliseconds = -1;
        curl_multi_timeout(multi_, &milliseconds);
        arm(milliseconds);
    }
}

void Multi::hear_of_ends() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg == CURLMSG_DONE) {
            const CURLcode result = message->data.result;
            void* transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            static_cast<Transfer*>(transfer)->finished(result);
        }
    }
}

}  // namespace gyre::http::detail
