// What a status code means.
#pragma once

#include <gyre/http/response.hpp>

#include <string_view>

namespace gyre::http::detail {

/// Of 301, 302, 303, 307 and 308 those that say where to.
[[nodiscard]] bool is_redirect(const Response& response);

/// "Not Found" and so on; HTTP/2 sends no words.
[[nodiscard]] std::string_view usual_reason(int status) noexcept;

}  // namespace gyre::http::detail
