// What stands in a page of HTML, as a browser reads it: by gumbo.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// The text of the first h1, without the space around it; nullopt where there is no h1.
/// BeautifulSoup: soup.select_one('h1').text.strip().
[[nodiscard]] std::optional<std::string> first_heading(std::string_view html);

/// Where the page's links lead, in order, with base element and entities resolved: URLs.
[[nodiscard]] std::vector<std::string> links(std::string_view html, const std::string& url);

}  // namespace demo
