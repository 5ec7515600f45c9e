// A body as text: bytes of whichever encoding the server names, in UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gyre::http::detail {

/// The charset of a Content-Type; empty where it says none.
[[nodiscard]] std::string charset_of(std::string_view content_type);

/// Of what is not in that encoding, each piece is U+FFFD, or with `strict` all is nullopt. An
/// encoding that is not known is taken for UTF-8.
[[nodiscard]] std::optional<std::string> decoded(std::string_view body, const std::string& charset,
                                                 bool strict);

}  // namespace gyre::http::detail
