// check: what sites answer, by a resource that is entered and left: `async with`.
#include "common/program.hpp"
#include "web/site.hpp"

#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace http = gyre::http;

// Enters with the answer, and closes the session that asked for it.
class AsyncSession {
public:
    explicit AsyncSession(std::string url) : url_(std::move(url)) {}

    gyre::Coro<http::Response> enter() const { return session_.get(url_); }
    gyre::Coro<> exit(std::exception_ptr /*error*/) const { return session_.close(); }

private:
    std::string url_;
    http::Session session_;
};

// Python: text[:count].strip(). A byte that goes on with a character is not counted.
std::string beginning(const std::string& text, std::size_t count) {
    std::size_t end = 0;
    while (end < text.size()) {
        const bool goes_on = (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80;
        if (!goes_on && count-- == 0) {
            break;
        }
        ++end;
    }
    constexpr const char* spaces = " \t\r\n\f\v";
    const std::string start = text.substr(0, end);
    const std::size_t first = start.find_first_not_of(spaces);
    return first == std::string::npos
               ? ""
               : start.substr(first, start.find_last_not_of(spaces) - first + 1);
}

gyre::Coro<> check(std::string url) {
    auto visit = gyre::with(AsyncSession(url), [&url](http::Response& response) -> gyre::Coro<> {
        std::printf("%s: status -> %d\n", url.c_str(), response.status);
        const std::string html = response.text(http::TextErrors::strict);
        std::printf("%s: type -> %s\n", url.c_str(), beginning(html, 17).c_str());
        co_return;
    });
    co_await std::move(visit);
}

// One that fails is reported when all have been checked.
gyre::Coro<> check_all(std::vector<std::string> urls) {
    std::vector<gyre::Coro<>> checks;
    for (const std::string& url : urls) {
        checks.push_back(check(url));
    }
    const auto results = co_await gyre::gather(gyre::return_exceptions, std::move(checks));
    for (const auto& result : results) {
        if (!result.has_value()) {
            std::rethrow_exception(result.error());
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> urls;
    bool live = false;
    demo::Program program("check", "Says what sites answer.");
    program.add_texts("URL", urls, "a page; without any a site of its own", false);
    program.add_flag("--live", live, "the sites of the original");
    return program.run(argc, argv, [&] {
        if (live && urls.empty()) {
            urls = {"https://realpython.com", "https://pycoders.com"};
        }
        const auto visit = [&urls](const std::string& base) {
            return check_all(urls.empty() ? std::vector{base, base + "/news/"} : urls);
        };
        const std::string base = urls.empty() ? "" : urls.front();
        gyre::run(demo::on_site("check", base, visit), {.loop = program.loop()});
    });
}
