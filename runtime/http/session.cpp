#include "session_state.hpp"
#include "status.hpp"
#include "transfer.hpp"

#include <gyre/http/session.hpp>
#include <gyre/http/url.hpp>
#include <gyre/resolver.hpp>
#include <gyre/run.hpp>
#include <gyre/sleep.hpp>
#include <gyre/timeouts.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <vector>

namespace gyre::http {

namespace detail {

namespace {

struct FreeUrl {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

// What has to be known of a URL.
struct Place {
    Place() = default;

    std::string url;  // with blanks and what is not ASCII percent-encoded
    std::string scheme;
    std::string host;
    std::string port;

    [[nodiscard]] bool is_same_origin(const Place& other) const {
        return scheme == other.scheme && host == other.host && port == other.port;
    }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) {
        return {};
    }
    const std::unique_ptr<char, void (*)(void*)> owner(text, &curl_free);
    return text;
}

Place place_of(const std::string& url) {
    const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
    if (parsed == nullptr) {
        throw std::bad_alloc();
    }
    const bool plain =
        std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    const unsigned flags = plain ? 0 : CURLU_URLENCODE | CURLU_ALLOW_SPACE;
    if (const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), flags);
        code != CURLUE_OK) {
        throw InvalidUrl("a URL such as http://host/path is expected, not \"" + url +
                             "\": " + curl_url_strerror(code),
                         url);
    }
    Place place;
    place.url = plain ? url : part(parsed.get(), CURLUPART_URL);
    place.scheme = part(parsed.get(), CURLUPART_SCHEME);
    place.host = part(parsed.get(), CURLUPART_HOST);
    place.port = part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (place.scheme != "http" && place.scheme != "https") {
        throw InvalidUrl("a URL of http or https is expected, not \"" + url + '"', url);
    }
    return place;
}

// Lets the session's end interrupt a look-up.
class Lookup {
public:
    Lookup(SessionState& session, Timeout& limit) : session_(session), limit_(limit) {
        session_.enter(limit_);
    }
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    ~Lookup() { session_.leave(limit_); }

private:
    SessionState& session_;
    Timeout& limit_;
};

Coro<std::vector<AddressInfo>> look_up(SessionState& session, const Place& place, Timeout& limit) {
    const Lookup lookup(session, limit);
    AddressOptions options;
    options.type = SOCK_STREAM;
    auto looking = getaddrinfo(place.host, place.port, options);
    co_return co_await std::move(looking);
}

bool is_address(const std::string& host) {
    ::in_addr ignored{};
    return host.starts_with('[') || ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

void check_open(const SessionState& session, const Request& request, const std::string& url) {
    if (session.closed()) {
        throw ConnectionError(request.method + ' ' + url + ": the session was closed", url);
    }
}

// host:port:address,address…, for CURLOPT_RESOLVE; nothing for an address.
Coro<std::string> resolve(SessionState& session, const Place& place, const Request& request,
                          const std::string& url) {
    std::string entry;
    if (is_address(place.host)) {
        co_return entry;
    }
    auto looking = timeout_at(request.deadline,
                              [&](Timeout& limit) { return look_up(session, place, limit); });
    std::vector<AddressInfo> found;
    std::string error;
    bool late = false;
    try {
        found = co_await std::move(looking);
    } catch (const gyre::TimeoutError&) {
        late = true;
    } catch (const Error& failure) {
        error = failure.what();
    }
    const std::string what = request.method + ' ' + url + ": ";
    check_open(session, request, url);
    if (late) {
        throw TimeoutError(what + "the name was not found within the time limit", url);
    }
    if (!error.empty()) {
        throw ConnectionError(what + place.host + ": " + error, url);
    }
    entry = place.host + ':' + place.port + ':';
    for (std::size_t index = 0; index < found.size(); ++index) {
        const std::string host = found[index].address.host();
        entry += index == 0 ? "" : ",";
        entry += host.find(':') == std::string::npos ? host : '[' + host + ']';
    }
    co_return entry;
}

// Who is asked next, how, and without what is not for them.
std::string redirect(Request& request, const Response& response, const Place& from) {
    std::string next;
    Place to;
    try {
        next = urljoin(response.url, response.headers.get("location").value_or(""));
        to = place_of(next);
    } catch (const std::exception& error) {
        throw TooManyRedirects(
            request.method + ' ' + response.url + ": redirected to nowhere: " + error.what(),
            response.url);
    }
    const bool asks_anew =
        response.status == 303 ||
        ((response.status == 301 || response.status == 302) && request.method == "POST");
    if (asks_anew && request.method != "HEAD") {
        request.method = "GET";
        request.body.clear();
        request.has_body = false;
    }
    const bool elsewhere = !to.is_same_origin(from);
    if (elsewhere) {
        request.credentials = std::nullopt;
    }
    std::erase_if(request.headers, [&](const auto& field) {
        const auto is = [&](const char* name) {
            return ::strcasecmp(field.first.c_str(), name) == 0;
        };
        return (elsewhere &&
                (is("authorization") || is("proxy-authorization") || is("cookie") || is("host"))) ||
               (asks_anew && (is("content-type") || is("content-length")));
    });
    return next;
}

}  // namespace

Coro<Response> carry_out(std::shared_ptr<SessionState> session, Request request) {
    if (session->closed()) {
        throw RuntimeError("the session is closed");
    }
    std::string url = request.url;
    if (request.timeouts.total) {
        request.deadline = gyre::detail::saturating_add(
            get_running_loop().time(), gyre::detail::to_nanoseconds(*request.timeouts.total));
    }
    for (int redirects = 0;; ++redirects) {
        const Place place = place_of(url);
        const Place named = session->proxy.empty() ? place : place_of(session->proxy);
        const std::string addresses = co_await resolve(*session, named, request, url);
        check_open(*session, request, url);  // it may have been closed between two redirects
        auto transfer = std::make_shared<Transfer>(session, request, place.url, addresses);
        transfer->start();
        co_await transfer->wait_for_headers();
        if (request.stream && !transfer->is_redirected()) {
            co_return Transfer::streamed(std::move(transfer));
        }
        if (!transfer->is_redirected()) {
            std::string body = co_await transfer->read();
            Response response = transfer->take_response();
            response.body = std::move(body);
            co_return response;
        }
        co_await transfer->discard();
        if (redirects == session->options.max_redirects) {
            throw TooManyRedirects(request.method + ' ' + request.url + ": more than " +
                                       std::to_string(redirects) + " redirects",
                                   request.url);
        }
        url = redirect(request, transfer->response(), place);
    }
}

SessionState::SessionState(const SessionOptions& given)
    : options(given),
      user_agent(given.user_agent.empty() ? "gyre" : given.user_agent),
      ca_file(given.ca_file),
      proxy(given.proxy) {
    initialise();
    cookies_ = curl_share_init();
    if (cookies_ == nullptr) {
        throw std::bad_alloc();
    }
    options.user_agent = options.ca_file = options.proxy = {};  // kept as strings
    curl_share_setopt(cookies_, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
}

SessionState::~SessionState() {
    multi_.reset();
    curl_share_cleanup(cookies_);
}

Multi& SessionState::multi() {
    EventLoop& loop = get_running_loop();
    if (!multi_) {
        multi_.emplace(loop, options.limit, options.limit_per_host);
    }
    if (&multi_->loop() != &loop) {
        throw RuntimeError("the session belongs to another loop, that of its first request");
    }
    return *multi_;
}

void SessionState::close() {
    closed_ = true;
    while (!transfers_.empty()) {
        Transfer& transfer = **transfers_.begin();
        const std::string& url = transfer.response().url;
        transfer.fail(
            std::make_exception_ptr(ConnectionError(url + ": the session was closed", url)));
    }
    for (Timeout* lookup : lookups_) {
        if (!lookup->expired()) {
            lookup->reschedule(get_running_loop().time());
        }
    }
    multi_.reset();
}

namespace {

Coro<> close_session(std::shared_ptr<SessionState> state) {
    if (!state->closed()) {
        state->close();
        co_await sleep(std::chrono::seconds(0));  // those who waited hear of it
    }
}

Coro<Session> same(Session session) { co_return session; }

}  // namespace

}  // namespace detail

Session::Session(const SessionOptions& options)
    : state_(std::make_shared<detail::SessionState>(options)) {}

Coro<Response> Session::request(std::string method, std::string url,
                                const RequestOptions& options) const {
    return detail::carry_out(
        state_, detail::Request(std::move(method), std::move(url), options, state_->options.timeout,
                                state_->options.max_body));
}

Coro<Response> Session::request(std::string method, std::string url,
                                AsyncGenerator<std::string> body,
                                const RequestOptions& options) const {
    detail::Request request(std::move(method), std::move(url), options, state_->options.timeout,
                            state_->options.max_body);
    request.upload = std::make_shared<detail::Upload>(std::move(body));
    return detail::carry_out(state_, std::move(request));
}

Coro<> Session::close() const { return detail::close_session(state_); }

bool Session::closed() const noexcept { return state_->closed(); }

Coro<Session> Session::enter() const { return detail::same(*this); }

Coro<> Session::exit(std::exception_ptr /*error*/) const { return close(); }

}  // namespace gyre::http
