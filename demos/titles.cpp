// titles: pages fetched as tasks, and the heading of each, in order.
#include "common/program.hpp"
#include "web/html.hpp"
#include "web/site.hpp"

#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

namespace http = gyre::http;

constexpr const char* kYellow = "\x1b[33m";
constexpr const char* kCyan = "\x1b[36m";
constexpr const char* kWhite = "\x1b[37m";

struct Range {
    Range() = default;
    int from = 185;
    int to = 200;
};

// Colours are for people, and not for those who do without (no-color.org).
bool coloured() {
    const char* const no_color = std::getenv("NO_COLOR");
    return (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

void print(const char* colour, const std::string& text) {
    if (coloured()) {
        std::printf("%s%s\x1b[0m\n", colour, text.c_str());
    } else {
        std::printf("%s\n", text.c_str());
    }
}

gyre::Coro<std::string> get_html(http::Session session, std::string base, int episode) {
    print(kYellow, "Getting HTML for episode " + std::to_string(episode));
    const http::Response response = co_await session.get(base + '/' + std::to_string(episode));
    response.raise_for_status();
    co_return response.text();
}

std::string get_title(const std::string& html, int episode) {
    print(kCyan, "Getting TITLE for episode " + std::to_string(episode));
    return demo::first_heading(html).value_or("MISSING");
}

gyre::Coro<> get_title_range(std::string base, Range range) {
    http::Session session;
    std::vector<gyre::Task<std::string>> pages;
    for (int n = range.from; n < range.to; ++n) {
        pages.push_back(gyre::create_task(get_html(session, base, n)));
    }
    std::exception_ptr error;
    try {
        int episode = range.from;
        for (gyre::Task<std::string>& page : pages) {
            const std::string html = co_await page;
            print(kWhite, "Title found: " + get_title(html, episode++));
        }
        std::printf("Done.\n");
    } catch (...) {
        error = std::current_exception();
    }
    for (gyre::Task<std::string>& page : pages) {
        page.cancel();
    }
    co_await gyre::gather(gyre::return_exceptions, std::move(pages));
    co_await session.close();
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
}

}  // namespace

int main(int argc, char** argv) {
    Range range;
    std::string base;
    bool live = false;
    demo::Program program("titles", "Prints the titles of a podcast's episodes.");
    program.add_number("--from", range.from, 1, "the first episode");
    program.add_number("--to", range.to, 1, "the one after the last");
    program.add_text("--base", base, "URL",
                     "what the number of an episode is appended to; without it a site of its own");
    program.add_flag("--live", live, "the podcast of the original");
    return program.run(argc, argv, [&] {
        if (live && base.empty()) {
            base = "https://talkpython.fm";
        }
        const auto visit = [range](const std::string& address) {
            const bool slash = address.ends_with('/');
            return get_title_range(address.substr(0, address.size() - (slash ? 1 : 0)), range);
        };
        gyre::run(demo::on_site("titles", base, visit), {.loop = program.loop()});
    });
}
