// What a request may fail with. Each text names the method and the URL.
#pragma once

#include <gyre/errors.hpp>
#include <gyre/http/api.hpp>

#include <string>
#include <utility>

namespace gyre::http {

/// Any failure of a request. aiohttp: ClientError; httpx: HTTPError.
class GYRE_HTTP_API ClientError : public Error {
public:
    ClientError(const std::string& text, std::string url) : Error(text), url_(std::move(url)) {}
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    std::string url_;
};

/// An answer of 400 or more, by raise_for_status(). aiohttp: ClientResponseError; httpx:
/// HTTPStatusError.
class GYRE_HTTP_API HttpError : public ClientError {
public:
    HttpError(int status, std::string reason, const std::string& url);
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    int status_;
    std::string reason_;
};

/// The server could not be found or reached, or the connection broke. aiohttp:
/// ClientConnectionError; httpx: NetworkError.
class GYRE_HTTP_API ConnectionError : public ClientError {
public:
    using ClientError::ClientError;
};

/// The certificate, or the handshake, was not good. aiohttp: ClientSSLError.
class GYRE_HTTP_API TlsError : public ConnectionError {
public:
    using ConnectionError::ConnectionError;
};

/// The answer is no HTTP, or larger than what is allowed. aiohttp: ClientPayloadError; httpx:
/// DecodingError, RemoteProtocolError.
class GYRE_HTTP_API BadAnswer : public ClientError {
public:
    using ClientError::ClientError;
};

/// More redirects than max_redirects, or one to nowhere. aiohttp, httpx: TooManyRedirects.
class GYRE_HTTP_API TooManyRedirects : public ClientError {
public:
    using ClientError::ClientError;
};

/// No address of an http or https server. aiohttp: InvalidURL.
class GYRE_HTTP_API InvalidUrl : public ClientError {
public:
    using ClientError::ClientError;
};

/// One of the limits of time: its text says which. aiohttp: ServerTimeoutError; httpx:
/// TimeoutException.
class GYRE_HTTP_API TimeoutError : public gyre::TimeoutError {
public:
    TimeoutError(const std::string& text, std::string url)
        : gyre::TimeoutError(text), url_(std::move(url)) {}
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    std::string url_;
};

}  // namespace gyre::http
