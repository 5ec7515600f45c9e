// SessionState: what the copies of a Session share.
#pragma once

#include "multi.hpp"
#include "request.hpp"

#include <gyre/coro.hpp>
#include <gyre/http/response.hpp>
#include <gyre/http/session.hpp>
#include <gyre/timeouts.hpp>

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <set>
#include <string>

namespace gyre::http::detail {

class Transfer;

class SessionState {
public:
    explicit SessionState(const SessionOptions& options);
    SessionState(const SessionState&) = delete;
    SessionState& operator=(const SessionState&) = delete;
    ~SessionState();

    /// Made with the first request, on the loop that runs. Throws RuntimeError on another one.
    [[nodiscard]] Multi& multi();
    [[nodiscard]] CURLSH* cookies() const noexcept { return cookies_; }
    void enter(Transfer& transfer) { transfers_.insert(&transfer); }
    void leave(Transfer& transfer) noexcept { transfers_.erase(&transfer); }
    void enter(Timeout& lookup) { lookups_.insert(&lookup); }
    void leave(Timeout& lookup) noexcept { lookups_.erase(&lookup); }
    /// Ends what runs and what still looks for an address.
    void close();
    [[nodiscard]] bool closed() const noexcept { return closed_; }

    // The options, kept.
    SessionOptions options;
    std::string user_agent;
    std::string ca_file;
    std::string proxy;

private:
    std::optional<Multi> multi_;
    CURLSH* cookies_ = nullptr;
    std::set<Transfer*> transfers_;  // under way
    std::set<Timeout*> lookups_;
    bool closed_ = false;
};

/// The request with its redirects.
[[nodiscard]] Coro<Response> carry_out(std::shared_ptr<SessionState> session, Request request);

}  // namespace gyre::http::detail
