// areq: many pages at once, and the links that are found on them in one file.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "web/log.hpp"
#include "web/pages.hpp"
#include "web/site.hpp"

#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace http = gyre::http;

struct Options {
    Options() = default;
    std::string urls_file;
    std::string output = "foundurls.txt";
    int limit = 100;
    int per_host = 0;
    std::optional<demo::Seconds> timeout;
    bool live = false;
};

const std::set<std::string> kLive = {
    "https://1.1.1.1/",
    "https://docs.python.org/3/this-url-will-404.html",
    "https://regex101.com/",
    "https://www.bloomberg.com/markets/economics",
    "https://www.ietf.org/rfc/rfc2616.txt",
    "https://www.mediamatters.org/",
    "https://www.nytimes.com/guides/",
    "https://www.politico.com/tipsheets/morning-money",
};

// re.findall('href="(.*?)"', html), in which a dot is anything but the end of a line.
std::vector<std::string> find_hrefs(std::string_view html) {
    constexpr std::string_view start = "href=\"";
    std::vector<std::string> found;
    std::size_t at = html.find(start);
    while (at != std::string_view::npos) {
        at += start.size();
        const std::size_t end = html.find_first_of("\"\n", at);
        if (end != std::string_view::npos && html[end] == '"') {
            found.emplace_back(html.substr(at, end - at));
            at = end + 1;
        }
        at = html.find(start, at);
    }
    return found;
}

class Crawl {
public:
    Crawl(http::Session session, gyre::File output, demo::Log& log)
        : session_(std::move(session)), output_(std::move(output)), log_(log) {}

    // Whoever cannot write is reported when nobody is under way any more.
    gyre::Coro<> write_all(const std::set<std::string>& urls) {
        std::vector<gyre::Coro<>> pages;
        for (const std::string& url : urls) {
            pages.push_back(write_one(url));
        }
        const auto results = co_await gyre::gather(gyre::return_exceptions, std::move(pages));
        for (const auto& result : results) {
            if (!result.has_value()) {
                std::rethrow_exception(result.error());
            }
        }
    }

private:
    // A page's lines are one write: nobody's come between them, and none is cut off by Ctrl-C.
    gyre::Coro<> write_one(std::string url) {
        const std::set<std::string> found = co_await parse(url);
        if (!found.empty()) {
            std::string lines;
            for (const std::string& link : found) {
                lines += url + '\t' + link + '\n';
            }
            co_await output_.write(lines);
            log_.info("Wrote results for source URL: " + url);
        }
        log_.advance();
    }

    gyre::Coro<std::string> fetch_html(std::string url) {
        auto asking = session_.get(url, {.stream = true});
        http::Response response = co_await std::move(asking);
        response.raise_for_status();
        log_.info("Got response [" + std::to_string(response.status) + "] for URL: " + url);
        response.body = co_await response.read();
        co_return response.text(http::TextErrors::strict);
    }

    // A page that cannot be had has no links, and stops no other.
    gyre::Coro<std::set<std::string>> parse(std::string url) {
        std::set<std::string> found;
        std::string html;
        try {
            html = co_await fetch_html(url);
        } catch (const http::HttpError& error) {
            log_.error("gyre::http exception for " + url + " [" + std::to_string(error.status()) +
                       "]: " + error.reason());
            co_return found;
        } catch (const std::exception& error) {
            log_.error("gyre::http exception for " + url + " [None]: " + error.what());
            co_return found;
        }
        for (const std::string& link : find_hrefs(html)) {
            try {
                found.insert(http::urljoin(url, link));
            } catch (const gyre::ValueError&) {
                log_.error("Error parsing URL: " + link);
            }
        }
        log_.info("Found " + std::to_string(found.size()) + " links for " + url);
        co_return found;
    }

    http::Session session_;
    gyre::File output_;
    demo::Log& log_;
};

gyre::Coro<std::set<std::string>> read_urls(std::string path) {
    gyre::File file = co_await gyre::open_file(path);
    std::set<std::string> urls;
    auto lines = file.lines();
    while (true) {
        const std::optional<std::string> line = co_await lines.next();
        if (!line) {
            break;
        }
        constexpr const char* spaces = " \t\r\n\f\v";
        const std::size_t first = line->find_first_not_of(spaces);
        if (first != std::string::npos) {
            urls.insert(line->substr(first, line->find_last_not_of(spaces) - first + 1));
        }
    }
    co_return urls;
}

http::SessionOptions session_options(const Options& options) {
    http::SessionOptions session;
    session.limit = static_cast<std::size_t>(options.limit);
    session.limit_per_host = static_cast<std::size_t>(options.per_host);
    if (options.timeout) {
        session.timeout.total = demo::time_limit(*options.timeout);
    }
    return session;
}

gyre::Coro<> bulk_crawl_and_write(Options options, std::set<std::string> urls) {
    gyre::File fresh = co_await gyre::open_file(options.output, "w");
    co_await fresh.write("source_url\tparsed_url\n");
    co_await fresh.close();
    gyre::File output = co_await gyre::open_file(options.output, "a");
    auto crawling = gyre::with(http::Session(session_options(options)),
                               [&](http::Session& session) -> gyre::Coro<> {
                                   demo::Log log("areq", urls.size());
                                   Crawl crawl(session, output, log);
                                   co_await crawl.write_all(urls);
                               });
    co_await std::move(crawling);
    co_await output.close();
}

gyre::Coro<> crawl(Options options) {
    std::set<std::string> urls = kLive;
    if (!options.urls_file.empty()) {
        urls = co_await read_urls(options.urls_file);
    }
    if (options.live || !options.urls_file.empty()) {
        co_await bulk_crawl_and_write(options, urls);
        co_return;
    }
    auto visit = [&options](const std::string& base) {
        std::set<std::string> sights;
        for (const std::string& path : demo::Pages::sights()) {
            sights.insert(base + path);
        }
        return bulk_crawl_and_write(options, std::move(sights));
    };
    co_await demo::on_site("areq", "", visit);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    demo::Program program("areq", "Writes down the links that are found on many pages.");
    program.add_text("URLS_FILE", options.urls_file, " ",
                     "a file with the address of a page a line; without it a site of its own");
    program.add_text("-o,--output", options.output, "FILE", "where the links go");
    program.add_number("--limit", options.limit, 0, "connections at once; 0: any number");
    program.add_number("--per-host", options.per_host, 0, "the same for each host");
    program.add_seconds("--timeout", options.timeout, "how long a page may take; 300 if not given");
    program.add_flag("--live", options.live, "the pages that the original asks for");
    return program.run(argc, argv, [&] { gyre::run(crawl(options), {.loop = program.loop()}); });
}
