// Request: RequestOptions, kept; Upload: a body that is made as it is sent.
#pragma once

#include <gyre/async_generator.hpp>
#include <gyre/http/options.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyre::http::detail {

class Upload {
public:
    explicit Upload(AsyncGenerator<std::string> generator) : pieces(std::move(generator)) {}
    AsyncGenerator<std::string> pieces;
    std::string piece;     // what is being sent
    std::size_t sent = 0;  // of it
    bool ended = false;
};

struct Request {
    Request(std::string method_, std::string url_, const RequestOptions& options,
            const Timeouts& timeouts_, std::size_t max_body_);

    std::string method;
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::shared_ptr<Upload> upload;
    std::optional<std::string> credentials;  // "user:password"
    Timeouts timeouts;
    std::optional<std::chrono::nanoseconds> deadline;  // by the loop's clock
    std::size_t max_body;
    bool has_body = false;
    bool follow_redirects;
    bool stream;
};

}  // namespace gyre::http::detail
