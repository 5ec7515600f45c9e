// RequestOptions, SessionOptions: how a request is made, and how many at once.
#pragma once

#include <gyre/detail/duration.hpp>
#include <gyre/http/api.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyre::http {

/// Names and values in order: headers, parameters. It keeps what it was given.
///
/// ```
/// http::Fields headers = {{"Accept", "text/html"}, {"X-Token", token}};
/// ```
class GYRE_HTTP_API Fields {
public:
    using Field = std::pair<std::string, std::string>;

    Fields() noexcept = default;
    Fields(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);
    Fields(std::vector<Field> fields);
    Fields(const Fields& other);
    Fields& operator=(const Fields& other);
    ~Fields();

    void add(std::string name, std::string value);

    [[nodiscard]] std::size_t size() const noexcept { return fields_ ? fields_->size() : 0; }
    [[nodiscard]] const Field* begin() const noexcept {
        return fields_ ? fields_->data() : nullptr;
    }
    [[nodiscard]] const Field* end() const noexcept { return begin() + size(); }

private:
    // GCC before 13 copies an aggregate that is written in a co_await expression bit by bit, and
    // destroys the copy, too. What is kept therefore belongs to the object at this address alone.
    const Fields* owner_ = this;
    std::vector<Field>* fields_ = nullptr;
};

/// Limits of time; unset: none.
struct Timeouts {
    /// For all of a request, its redirects and its body included. 5 minutes, as aiohttp's.
    std::optional<std::chrono::milliseconds> total = std::chrono::minutes(5);
    /// Until a connection stands, TLS included.
    std::optional<std::chrono::milliseconds> connect = {};
    /// Between two pieces of the answer.
    std::optional<std::chrono::milliseconds> read = {};
};

/// Those of one request: all of them, or the total alone; unset: the session's.
///
/// ```
/// {.timeout = 5s}
/// {.timeout = http::Timeouts{.connect = 1s, .read = 5s}}
/// ```
class RequestTimeouts : public std::optional<Timeouts> {
public:
    using std::optional<Timeouts>::optional;
    template <class Rep, class Period>
    RequestTimeouts(std::chrono::duration<Rep, Period> total)
        : optional(Timeouts{.total = std::chrono::ceil<std::chrono::milliseconds>(
                                gyre::detail::to_nanoseconds(total))}) {}
};

/// User and password, for HTTP's basic authentication. Not sent to another host by a redirect.
struct BasicAuth {
    std::string_view user;
    std::string_view password;
};

/// What is said beside the method and the URL. The call copies what it needs: the coroutine that it
/// returns refers to none of it. Texts are views: options kept in a variable keep them no longer
/// than they live.
///
/// ```
/// auto asking = session.get(url, {.params = {{"q", "gyre"}}, .follow_redirects = false});
/// Response response = co_await std::move(asking);
/// ```
struct RequestOptions {
    Fields headers = {};
    Fields params = {};            ///< appended to the URL's query, percent-encoded
    std::string_view body = {};    ///< with a Content-Type among the headers, or none
    std::string_view json = {};    ///< a body that is sent as application/json
    RequestTimeouts timeout = {};  ///< in place of the session's
    bool follow_redirects = true;
    std::optional<BasicAuth> auth = {};
    /// Complete with the headers; the body comes by Response::chunks(), at the pace it is taken.
    bool stream = false;
    /// A larger body is a BadAnswer, also one that grows to it when it is decompressed. Unset: the
    /// session's.
    std::optional<std::size_t> max_body = {};
};

/// How a session behaves. aiohttp: TCPConnector and ClientSession's parameters.
struct SessionOptions {
    std::size_t limit = 100;           ///< connections at once; 0: any number
    std::size_t limit_per_host = 100;  ///< the same for each host
    Timeouts timeout = {};
    std::size_t max_body = std::size_t{64} << 20;
    int max_redirects = 10;
    std::string_view user_agent = {};
    std::string_view ca_file = {};  ///< PEM of those who are trusted, in place of the system's
    bool verify = true;             ///< false: any certificate is good
    std::string_view proxy = {};    ///< "http://host:port"; empty: none, the environment included
};

}  // namespace gyre::http
