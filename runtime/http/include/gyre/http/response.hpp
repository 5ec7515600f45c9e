// Response: what a server answered.
#pragma once

#include <gyre/async_generator.hpp>
#include <gyre/coro.hpp>
#include <gyre/http/api.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyre::http {

namespace detail {
class Transfer;
}

/// What text() makes of bytes that are not in the charset: U+FFFD as httpx does, or a BadAnswer,
/// where aiohttp has its UnicodeDecodeError.
enum class TextErrors { replace, strict };

/// Headers as they came. Names are compared without regard to case.
class GYRE_HTTP_API Headers {
public:
    using Field = std::pair<std::string, std::string>;

    /// The value of the first of that name; nullopt where there is none.
    [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> get_all(std::string_view name) const;
    [[nodiscard]] bool contains(std::string_view name) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] auto end() const noexcept { return fields_.end(); }

    void add(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
    }

private:
    [[nodiscard]] const Field* find(std::string_view name) const noexcept;
    std::vector<Field> fields_;
};

/// An answer: complete, or with RequestOptions::stream its headers, and the body as it is taken.
///
/// ```
/// Response response = co_await session.get(url);
/// response.raise_for_status();
/// use(response.text());
/// ```
///
/// Thread rule: the loop's thread. aiohttp: ClientResponse; httpx: Response.
class GYRE_HTTP_API Response {
public:
    Response() = default;

    int status = 0;
    std::string reason;   ///< "Not Found"; the usual words where the server sent none (HTTP/2)
    std::string version;  ///< "1.1", "2"
    Headers headers;
    std::string url;   ///< of the last redirect
    std::string body;  ///< empty where the answer is streamed: see read()

    [[nodiscard]] bool ok() const noexcept { return status < 400; }
    /// The body in UTF-8, from the charset of the Content-Type; without one that is known it is
    /// taken for UTF-8. What is not in that charset: see TextErrors. aiohttp, httpx: the same.
    [[nodiscard]] std::string text(TextErrors errors = TextErrors::replace) const;
    /// The body where it is JSON: the text, for a parser of one's choice. Throws BadAnswer for
    /// another content type.
    [[nodiscard]] std::string json() const;
    /// Throws HttpError where the status is 400 or more. aiohttp, httpx: the same.
    void raise_for_status() const;

    /// The pieces of the body in order, no faster than they are taken: meanwhile the server is held
    /// up. A body that is complete already is one piece. Cancel safety: a piece is not lost.
    /// Throws as the request does.
    [[nodiscard]] AsyncGenerator<std::string> chunks() const;
    /// What is left of a streamed body.
    [[nodiscard]] Coro<std::string> read() const;

private:
    friend class detail::Transfer;
    std::shared_ptr<detail::Transfer> transfer_;  // of a streamed body; with it the connection
};

}  // namespace gyre::http
