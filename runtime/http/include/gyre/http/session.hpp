// Session: requests that share connections, cookies and limits.
#pragma once

#include <gyre/async_generator.hpp>
#include <gyre/coro.hpp>
#include <gyre/http/api.hpp>
#include <gyre/http/errors.hpp>
#include <gyre/http/options.hpp>
#include <gyre/http/response.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace gyre::http {

namespace detail {
class SessionState;
}

/// An HTTP client: HTTP/1.1 and 2, TLS, redirects, compression, cookies, connections that are used
/// again. A handle: copies are the same session.
///
/// ```
/// co_await with(http::Session(), [](http::Session& session) -> Coro<> {
///     http::Response page = co_await session.get("https://example.org/");
///     std::cout << page.status << ' ' << page.body.size() << '\n';
/// });
/// ```
///
/// Names are looked up by gyre's own getaddrinfo. More requests than SessionOptions::limit wait for
/// their turn, in order. A session belongs to the loop of its first request; let go of, it closes.
///
/// Cancel safety: a cancelled request is given up at once, its connection closed. Errors, each with
/// the URL: InvalidUrl, ConnectionError, TlsError, TimeoutError, TooManyRedirects, BadAnswer; an
/// answer of 404 is none, see Response::raise_for_status(). Thread rule: the loop's thread.
/// aiohttp: ClientSession; httpx: AsyncClient.
class GYRE_HTTP_API Session {
public:
    explicit Session(const SessionOptions& options = {});

    /// Completes with the whole answer, or its headers where the options say `stream`.
    [[nodiscard]] Coro<Response> request(std::string method, std::string url,
                                         const RequestOptions& options = {}) const;
    /// The same with a body that is made as it is sent, no faster than the server takes it. It is
    /// not sent again by a redirect, which then is the answer.
    [[nodiscard]] Coro<Response> request(std::string method, std::string url,
                                         AsyncGenerator<std::string> body,
                                         const RequestOptions& options = {}) const;

    [[nodiscard]] Coro<Response> get(std::string url, const RequestOptions& options = {}) const {
        return request("GET", std::move(url), options);
    }
    [[nodiscard]] Coro<Response> head(std::string url, const RequestOptions& options = {}) const {
        return request("HEAD", std::move(url), options);
    }
    [[nodiscard]] Coro<Response> post(std::string url, const RequestOptions& options = {}) const {
        return request("POST", std::move(url), options);
    }
    [[nodiscard]] Coro<Response> put(std::string url, const RequestOptions& options = {}) const {
        return request("PUT", std::move(url), options);
    }

    /// Ends what is under way, with a ConnectionError, and closes the connections. The second time
    /// it does nothing.
    [[nodiscard]] Coro<> close() const;
    [[nodiscard]] bool closed() const noexcept;

    /// For with(): `async with ClientSession() as session`.
    [[nodiscard]] Coro<Session> enter() const;
    [[nodiscard]] Coro<> exit(std::exception_ptr error) const;

private:
    std::shared_ptr<detail::SessionState> state_;
};

}  // namespace gyre::http
