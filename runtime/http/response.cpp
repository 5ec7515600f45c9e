#include "text.hpp"
#include "transfer.hpp"

#include <gyre/http/errors.hpp>
#include <gyre/http/response.hpp>

#include <strings.h>

#include <algorithm>
#include <cctype>

namespace gyre::http {

namespace {

bool same_name(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool says(std::string text, std::string_view what) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find(what) != std::string::npos;
}

AsyncGenerator<std::string> all_at_once(std::string body) {
    if (!body.empty()) {
        co_yield std::move(body);
    }
}

AsyncGenerator<std::string> as_they_come(std::shared_ptr<detail::Transfer> transfer) {
    while (true) {
        std::string chunk = co_await transfer->next_chunk();
        if (chunk.empty()) {
            co_return;
        }
        co_yield std::move(chunk);
    }
}

Coro<std::string> rest_of(std::shared_ptr<detail::Transfer> transfer, std::string body) {
    while (transfer != nullptr) {
        std::string chunk = co_await transfer->next_chunk();
        if (chunk.empty()) {
            break;
        }
        body += chunk;
    }
    co_return body;
}

}  // namespace

HttpError::HttpError(int status, std::string reason, const std::string& url)
    : ClientError(std::to_string(status) + ' ' + reason + ": " + url, url),
      status_(status),
      reason_(std::move(reason)) {}

const Headers::Field* Headers::find(std::string_view name) const noexcept {
    const auto found = std::find_if(fields_.begin(), fields_.end(), [name](const auto& each) {
        return same_name(each.first, name);
    });
    return found == fields_.end() ? nullptr : &*found;
}

std::optional<std::string> Headers::get(std::string_view name) const {
    const Field* found = find(name);
    return found == nullptr ? std::nullopt : std::optional<std::string>(found->second);
}

std::vector<std::string> Headers::get_all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [each, value] : fields_) {
        if (same_name(each, name)) {
            values.push_back(value);
        }
    }
    return values;
}

bool Headers::contains(std::string_view name) const noexcept { return find(name) != nullptr; }

std::string Response::text(TextErrors errors) const {
    const std::string charset = detail::charset_of(headers.get("content-type").value_or(""));
    std::optional<std::string> text = detail::decoded(body, charset, errors == TextErrors::strict);
    if (!text) {
        throw BadAnswer(url + ": the body is no text in " + (charset.empty() ? "utf-8" : charset),
                        url);
    }
    return *std::move(text);
}

std::string Response::json() const {
    const std::string type = headers.get("content-type").value_or("none");
    if (!says(type, "json")) {
        throw BadAnswer(url + ": JSON is expected, its content type is " + type, url);
    }
    return text();
}

void Response::raise_for_status() const {
    if (!ok()) {
        throw HttpError(status, reason, url);
    }
}

AsyncGenerator<std::string> Response::chunks() const {
    return transfer_ == nullptr ? all_at_once(body) : as_they_come(transfer_);
}

Coro<std::string> Response::read() const { return rest_of(transfer_, body); }

}  // namespace gyre::http
