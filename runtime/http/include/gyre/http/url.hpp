// urljoin: what a link means on the page where it stands.
#pragma once

#include <gyre/http/api.hpp>

#include <string>
#include <string_view>

namespace gyre::http {

/// The URL that `link` means on the page `base`, as a browser has it (RFC 3986, section 5.2), with
/// the results of Python's urllib.parse.urljoin. A link with a scheme of its own that is not
/// relative to anything ("mailto:…", "javascript:…") is given back as it is.
///
/// ```
/// urljoin("http://a/b/c/d", "../g");        // "http://a/b/g"
/// ```
///
/// Throws ValueError for a broken address of IP version 6 in brackets, and for a host with letters
/// that stand for "/" and the like.
[[nodiscard]] GYRE_HTTP_API std::string urljoin(std::string_view base, std::string_view link);

}  // namespace gyre::http
