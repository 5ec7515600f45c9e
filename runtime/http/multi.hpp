// Multi: libcurl's transfers on a loop.
#pragma once

#include <gyre/event_loop.hpp>

#include <curl/curl.h>

#include <cstddef>
#include <map>

namespace gyre::http::detail {

class Transfer;

/// To be called before anything else of libcurl. Throws RuntimeError.
void initialise();

/// One CURLM. libcurl says by callbacks what to watch and when to be called; they call nothing of
/// libcurl, which it forbids. What it is told comes from the loop, one callback at a time.
class Multi {
public:
    Multi(EventLoop& loop, std::size_t limit, std::size_t limit_per_host);
    Multi(const Multi&) = delete;
    Multi& operator=(const Multi&) = delete;
    ~Multi();

    [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }

    /// The transfer hears of its end by finished().
    void add(CURL* easy);
    void remove(CURL* easy) noexcept;
    /// Goes on with a transfer that libcurl was told to pause.
    [[nodiscard]] CURLcode resume(CURL* easy);

private:
    struct Watched {
        bool reading = false;
        bool writing = false;
    };

    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* data) noexcept;
    static int on_timer(CURLM* multi, long milliseconds, void* self) noexcept;
    void watch(int fd, int what);
    void act(curl_socket_t fd, int events);
    void hear_of_ends();
    void arm(long milliseconds);

    EventLoop& loop_;
    CURLM* multi_;
    std::map<int, Watched> watched_;
    TimerHandle timer_;
    bool armed_ = false;
    bool at_once_ = false;  // the timer is for the next iteration
};

}  // namespace gyre::http::detail
