// Pages: what the site of the web programs has to show.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace demo {

struct Answer {
    Answer(int code, std::string content_type, std::string content)
        : status(code), type(std::move(content_type)), body(std::move(content)) {}
    int status;
    std::string type;
    std::string body;
    std::string location;                 ///< of a redirect
    std::chrono::milliseconds delay{50};  ///< as if from far away
};

/// Pages with links in them, robots.txt, redirects, what is missing; `/genre/`, a JSON string,
/// another each time; `/185` and so on, which redirect to an episode's page; `/flags/cn/cn.gif`.
class Pages {
public:
    [[nodiscard]] Answer get(std::string_view path);

    /// Paths worth a visit, one of them to nowhere.
    [[nodiscard]] static std::vector<std::string> sights();

private:
    std::size_t genre_ = 0;
};

}  // namespace demo
