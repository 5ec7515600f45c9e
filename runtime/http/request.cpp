#include "request.hpp"

#include <gyre/errors.hpp>

#include <strings.h>

#include <algorithm>

namespace gyre::http::detail {

namespace {

// As a form's fields: what is unreserved stays, a blank is a "+".
std::string encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' ||
                           byte == '_' || byte == '~';
        if (plain) {
            out += each;
        } else if (byte == ' ') {
            out += '+';
        } else {
            out += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return out;
}

std::string with_parameters(std::string url, const Fields& parameters) {
    std::string query;
    for (const auto& [name, value] : parameters) {
        query += (query.empty() ? "" : "&") + encoded(name) + '=' + encoded(value);
    }
    if (query.empty()) {
        return url;
    }
    const std::size_t end = std::min(url.find('#'), url.size());
    const std::size_t mark = url.find('?');
    const bool has_query = mark < end;
    const bool open = has_query && (mark + 1 == end || url[end - 1] == '&');
    return url.insert(end, (has_query ? (open ? "" : "&") : "?") + query);
}

void check_field(std::string_view name, std::string_view value) {
    const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    if (name.empty() || name.find(':') != std::string_view::npos ||
        std::any_of(name.begin(), name.end(), breaks) ||
        std::any_of(value.begin(), value.end(), breaks)) {
        throw ValueError("a header is expected to have a name without ':', and no line break: \"" +
                         std::string(name) + '"');
    }
}

}  // namespace

Request::Request(std::string method_, std::string url_, const RequestOptions& options,
                 const Timeouts& timeouts_, std::size_t max_body_)
    : method(std::move(method_)),
      url(with_parameters(std::move(url_), options.params)),
      body(options.json.empty() ? options.body : options.json),
      timeouts(options.timeout.value_or(timeouts_)),
      max_body(options.max_body.value_or(max_body_)),
      has_body(!body.empty()),
      follow_redirects(options.follow_redirects),
      stream(options.stream) {
    std::transform(method.begin(), method.end(), method.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (method.empty() ||
        !std::all_of(method.begin(), method.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
        throw ValueError("a method such as GET is expected, not \"" + method + '"');
    }
    for (const auto& [name, value] : options.headers) {
        check_field(name, value);
        headers.emplace_back(name, value);
    }
    const auto says = [](const auto& field) {
        return ::strcasecmp(field.first.c_str(), "content-type") == 0;
    };
    if (!options.json.empty() && std::none_of(headers.begin(), headers.end(), says)) {
        headers.emplace_back("Content-Type", "application/json");
    }
    if (options.auth) {
        credentials = std::string(options.auth->user) + ':' + std::string(options.auth->password);
    }
}

}  // namespace gyre::http::detail
