// Transfer: one request to one server and its answer.
#pragma once

#include "request.hpp"

#include <gyre/coro.hpp>
#include <gyre/event.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/http/response.hpp>
#include <gyre/timeouts.hpp>

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gyre::http::detail {

class Multi;
class SessionState;

struct FreeEasy {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeList {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

/// A CURL easy handle. What libcurl calls only takes notes; the coroutine that waits looks at them.
/// It clears `changed_` before it looks, so that nothing is missed between the look and the wait.
class Transfer {
public:
    /// `addresses`: an entry for CURLOPT_RESOLVE, or nothing. Throws InvalidUrl, std::bad_alloc.
    Transfer(std::shared_ptr<SessionState> session, const Request& request, const std::string& url,
             const std::string& addresses);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    /// Gives the request up if it is under way.
    ~Transfer();

    /// On the loop that runs.
    void start();

    /// Until the headers are there. Throws what the request failed with.
    [[nodiscard]] Coro<> wait_for_headers();
    /// The next piece of the body; nothing at its end.
    [[nodiscard]] Coro<std::string> next_chunk();
    /// Until the whole body is there.
    [[nodiscard]] Coro<std::string> read();
    /// Until the end of a body that nobody wants; a long one is given up with its connection.
    [[nodiscard]] Coro<> discard();
    [[nodiscard]] Response take_response();
    /// An answer whose body comes by and by keeps the transfer.
    [[nodiscard]] static Response streamed(std::shared_ptr<Transfer> self);

    /// Its answer says who is to be asked next.
    [[nodiscard]] bool is_redirected() const noexcept { return discarding_; }
    [[nodiscard]] const Response& response() const noexcept { return response_; }

    // --- what others tell -----------------------------------------------------------------------
    void finished(CURLcode result);
    /// The session closes.
    void fail(std::exception_ptr error);

private:
    using Nanoseconds = std::chrono::nanoseconds;
    static constexpr std::size_t kMostDiscarded = std::size_t{64} << 10;
    class Feeding;

    static std::size_t on_header(char* data, std::size_t size, std::size_t count,
                                 void* self) noexcept;
    static std::size_t on_data(char* data, std::size_t size, std::size_t count,
                               void* self) noexcept;
    /// A connection stands, and the request is sent: from now on the server may be silent.
    static int on_request(void* self, char* peer, char* own, int peer_port, int own_port) noexcept;
    static std::size_t on_upload(char* data, std::size_t size, std::size_t count,
                                 void* self) noexcept;

    template <class T>
    void set(CURLoption option, T value);
    void set_up(const Request& request, const std::string& addresses);
    void set_body(const Request& request);
    bool take_header(std::string_view line);
    bool take_data(std::string_view bytes);
    std::size_t give_upload(char* data, std::size_t size);
    [[nodiscard]] Coro<> wait_for_change();
    [[nodiscard]] Coro<> feed_upload();
    [[nodiscard]] Coro<> make_piece(Timeout& limit);
    [[nodiscard]] std::optional<Nanoseconds> next_limit() const;
    void check_limits();
    [[nodiscard]] bool is_silent();
    void stop_feeding();
    void resume();
    void end();
    void check() const;
    [[nodiscard]] std::exception_ptr error_of(CURLcode result) const;
    void give_up() noexcept;

    std::shared_ptr<SessionState> session_;
    Multi* multi_ = nullptr;  // while it runs
    EventLoop* loop_ = nullptr;
    std::unique_ptr<CURL, FreeEasy> easy_;
    std::unique_ptr<curl_slist, FreeList> header_list_;
    std::unique_ptr<curl_slist, FreeList> resolve_list_;
    std::array<char, CURL_ERROR_SIZE> message_{};
    std::string what_;  // "GET http://…"
    Response response_;
    Timeouts timeouts_;
    std::optional<Nanoseconds> deadline_;  // by the loop's clock
    Nanoseconds heard_{};                  // when the last of the answer came
    std::shared_ptr<Upload> upload_;
    Timeout* feeding_ = nullptr;  // the next piece to send is being made
    curl_off_t uploaded_ = 0;
    std::deque<std::string> chunks_;
    std::string body_;
    Event changed_;
    std::exception_ptr error_;
    std::size_t waiting_ = 0;   // bytes in chunks_
    std::size_t received_ = 0;  // bytes of the body
    std::size_t header_bytes_ = 0;
    std::size_t max_body_;
    bool stream_;
    bool follow_;
    bool discarding_ = false;  // the body is that of a redirect
    bool unwanted_ = false;    // the server has answered and takes no more of what is sent
    bool has_headers_ = false;
    bool ended_ = false;
    bool paused_ = false;            // libcurl holds the answer back
    bool wants_upload_ = false;      // libcurl waits for more of the body to send
    const char* refused_ = nullptr;  // why an answer was not taken
};

}  // namespace gyre::http::detail
