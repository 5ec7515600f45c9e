// crawl: a site from page to page, politely, and a graph of its links.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "web/html.hpp"
#include "web/robots.hpp"
#include "web/site.hpp"

#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace http = gyre::http;

constexpr std::string_view kAgent = "gyre-crawl";

struct Options {
    Options() = default;
    std::string start;
    int depth = 3;
    int max = 100;
    int per_host = 2;
    std::optional<demo::Seconds> delay = demo::Seconds(0.1);
    bool everywhere = false;
    std::string graph;
};

// --- addresses ----------------------------------------------------------------------------------

struct Address {
    Address() = default;
    std::string origin;  // "http://host:port"
    std::string path;    // with its query
    [[nodiscard]] std::string url() const { return origin + path; }
};

// Two links to one page give the same address. Nullopt for what is not fetched: "mailto:…".
std::optional<Address> address_of(std::string_view url) {
    url = url.substr(0, url.find('#'));
    const std::size_t colon = url.find("://");
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t end = std::min(url.find_first_of("/?", colon + 3), url.size());
    Address address;
    for (const char c : url.substr(0, end)) {
        address.origin += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    const bool http = address.origin.starts_with("http://");
    if ((!http && !address.origin.starts_with("https://")) || end == colon + 3) {
        return std::nullopt;
    }
    const std::string usual_port = http ? ":80" : ":443";
    if (address.origin.ends_with(usual_port)) {
        address.origin.resize(address.origin.size() - usual_port.size());
    }
    address.path = url.substr(end);
    if (!address.path.starts_with('/')) {
        address.path.insert(0, "/");
    }
    return address;
}

// --- a host -------------------------------------------------------------------------------------

// Asked by a few at a time, not too often, and only for what its robots.txt leaves to robots.
class Host {
public:
    Host(http::Session session, std::string origin, const Options& options)
        : session_(std::move(session)),
          origin_(std::move(origin)),
          slots_(options.per_host),
          delay_(options.delay ? demo::time_limit(*options.delay) : std::chrono::milliseconds(0)) {}

    // Nullopt where robots are asked to stay away.
    gyre::Coro<std::optional<http::Response>> get(std::string path) {
        co_await learn_rules();
        if (!robots_->allow(path)) {
            co_return std::nullopt;
        }
        http::Response response = co_await ask(path);
        co_return std::optional<http::Response>(std::move(response));
    }

private:
    gyre::Coro<> learn_rules() {
        const auto guard = co_await learning_.scoped();
        if (robots_) {
            co_return;
        }
        if (unreachable_ != nullptr) {
            std::rethrow_exception(unreachable_);
        }
        http::Response response;
        try {
            response = co_await ask("/robots.txt");
        } catch (const std::exception&) {
            unreachable_ = std::current_exception();
            throw;
        }
        if (response.status >= 500) {  // it may have rules, and nobody knows which
            robots_ = demo::Robots::nothing_allowed();
        } else if (response.status == 200) {
            robots_ = demo::Robots(response.text(), kAgent);
        } else {
            robots_ = demo::Robots();
        }
        delay_ = std::max<demo::Nanoseconds>(delay_, robots_->crawl_delay());
    }

    gyre::Coro<http::Response> ask(std::string path) {
        const auto slot = co_await slots_.scoped();
        const auto now = gyre::get_running_loop().time();
        const auto turn = std::max(now, next_);
        next_ = turn + delay_;
        co_await gyre::sleep(turn - now);
        http::RequestOptions options;
        options.follow_redirects = path == "/robots.txt";  // another page has rules of its own
        auto answer = session_.get(origin_ + path, options);
        co_return co_await std::move(answer);
    }

    http::Session session_;
    std::string origin_;
    gyre::Semaphore slots_;
    gyre::Lock learning_;
    std::optional<demo::Robots> robots_;
    std::exception_ptr unreachable_;
    demo::Nanoseconds delay_;
    demo::Nanoseconds next_{0};
};

// --- the crawl ----------------------------------------------------------------------------------

struct Visit {
    Visit() = default;
    std::string outcome;             // "200", "disallowed", "failed"
    std::exception_ptr error;        // why it failed
    bool good = false;               // a page, or a redirect
    std::optional<Address> moved;    // where a redirect leads
    std::vector<std::string> links;  // in order, each once
};

class Crawl {
public:
    Crawl(http::Session session, const Options& options)
        : session_(std::move(session)), options_(options) {}

    gyre::Coro<> run() {
        const std::optional<Address> start = address_of(options_.start);
        if (!start) {
            throw std::runtime_error("an address of http or https is expected, not " +
                                     options_.start);
        }
        home_.insert(start->origin);
        std::vector<Address> level;
        add(level, *start);
        // By levels, and each level's links in order: the pages and the graph are the same however
        // long each answer takes.
        for (int depth = 0; !level.empty() && depth <= options_.depth; ++depth) {
            std::vector<Address> next;
            while (!level.empty()) {
                std::vector<Address> moved;
                co_await visit_all(depth, std::move(level), moved, next);
                level = std::move(moved);
            }
            level = std::move(next);
        }
    }

    [[nodiscard]] const std::map<std::string, Visit>& visits() const noexcept { return visits_; }

private:
    // In a group, so that no visit goes on when the crawl is over.
    gyre::Coro<> visit_all(int depth, std::vector<Address> level, std::vector<Address>& moved,
                           std::vector<Address>& next) {
        std::exception_ptr error;
        auto visiting = gyre::with_task_group([&](gyre::TaskGroup& group) -> gyre::Coro<> {
            std::vector<gyre::Task<Visit>> tasks;
            for (const Address& address : level) {
                tasks.push_back(group.create_task(visit(address)));
            }
            for (std::size_t i = 0; i < level.size(); ++i) {
                const Visit page = co_await tasks[i];
                if (page.error != nullptr && asked_.size() == 1) {  // the start: there is no more
                    error = page.error;
                    co_return;
                }
                take(depth, level[i].url(), page, moved, next);
            }
        });
        co_await std::move(visiting);
        if (error != nullptr) {
            std::rethrow_exception(error);
        }
    }

    void take(int depth, const std::string& url, const Visit& page, std::vector<Address>& moved,
              std::vector<Address>& next) {
        std::printf("%d %s %s", depth, page.outcome.c_str(), url.c_str());
        if (page.moved) {
            const std::string target = page.moved->url();
            std::printf(" -> %s", target.c_str());
            if (visits_.empty()) {  // the start is where its redirect leads
                home_.insert(page.moved->origin);
            }
            add(moved, *page.moved);
        } else if (page.good) {
            std::printf(" (%zu links)", page.links.size());
        }
        std::printf("\n");
        for (const std::string& link : page.links) {
            if (const std::optional<Address> address = address_of(link)) {
                add(next, *address);
            }
        }
        visits_[url] = page;
    }

    // A page that cannot be had is an outcome, and stops no other.
    gyre::Coro<Visit> visit(Address address) {
        Visit page;
        try {
            std::optional<http::Response> response = co_await host(address).get(address.path);
            read(address, response, page);
        } catch (const std::exception& error) {
            page.outcome = "failed";
            page.error = std::current_exception();
            if (asked_.size() > 1) {
                std::fprintf(stderr, "crawl: %s\n", error.what());
            }
        }
        co_return page;
    }

    static void read(const Address& address, const std::optional<http::Response>& response,
                     Visit& page) {
        if (!response) {
            page.outcome = "disallowed";
            return;
        }
        page.outcome = std::to_string(response->status);
        page.good = response->ok();
        const std::string location = response->headers.get("Location").value_or("");
        const std::string type = response->headers.get("Content-Type").value_or("");
        if (response->status >= 300 && response->status < 400 && !location.empty()) {
            page.moved = address_of(http::urljoin(address.url(), location));
        } else if (page.good && type.find("html") != std::string::npos) {
            std::set<std::string> seen;
            for (std::string& link : demo::links(response->text(), address.url())) {
                const std::optional<Address> target = address_of(link);
                std::string url = target ? target->url() : link;
                if (seen.insert(url).second) {
                    page.links.push_back(std::move(url));
                }
            }
        }
    }

    Host& host(const Address& address) {
        return hosts_.try_emplace(address.origin, session_, address.origin, options_).first->second;
    }

    // Unless it was met before, or is not to be visited.
    void add(std::vector<Address>& level, const Address& address) {
        const bool wanted = options_.everywhere || home_.contains(address.origin);
        const bool asked_for_anyway = address.path == "/robots.txt";
        const bool room = asked_.size() < static_cast<std::size_t>(options_.max);
        if (wanted && room && !asked_for_anyway && asked_.insert(address.url()).second) {
            level.push_back(address);
        }
    }

    http::Session session_;
    const Options& options_;
    std::set<std::string> home_;
    std::set<std::string> asked_;
    std::map<std::string, Host> hosts_;
    std::map<std::string, Visit> visits_;
};

// --- the graph ----------------------------------------------------------------------------------

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            result += '\\';
        }
        if (c == '\n') {
            result += "\\n";
        } else {
            result += c;
        }
    }
    return result + '"';
}

// What was not visited is grey, what could not be had red, a redirect dashed.
std::string graph_of(const std::map<std::string, Visit>& visits) {
    std::string dot = "digraph crawl {\n    rankdir=LR;\n    node [shape=box];\n";
    std::set<std::string> others;
    std::string edges;
    const auto add_edge = [&](const std::string& from, const std::string& to, const char* style) {
        edges += "    " + quoted(from) + " -> " + quoted(to) + style + ";\n";
        if (!visits.contains(to)) {
            others.insert(to);
        }
    };
    for (const auto& [url, page] : visits) {
        dot += "    " + quoted(url) + (page.good ? "" : " [color=red]") + ";\n";
        if (page.moved) {
            add_edge(url, page.moved->url(), " [style=dashed]");
        }
        for (const std::string& link : page.links) {
            add_edge(url, link, "");
        }
    }
    for (const std::string& url : others) {
        dot += "    " + quoted(url) + " [color=grey, fontcolor=grey];\n";
    }
    return dot + edges + "}\n";
}

gyre::Coro<> crawl(Options options) {
    std::optional<gyre::File> graph;  // opened first: what cannot be written is known at once
    if (!options.graph.empty()) {
        graph = co_await gyre::open_file(options.graph, "w");
    }
    http::SessionOptions session_options;
    session_options.user_agent = kAgent;
    session_options.timeout.total = std::chrono::seconds(30);
    http::Session session(session_options);
    Crawl crawl(session, options);
    const auto start = gyre::get_running_loop().time();
    co_await crawl.run();
    const demo::Seconds elapsed = gyre::get_running_loop().time() - start;
    std::printf("%zu pages in %.2f seconds\n", crawl.visits().size(), elapsed.count());
    if (graph) {
        co_await graph->write(graph_of(crawl.visits()));
        co_await graph->close();
    }
    co_await session.close();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    bool live = false;
    demo::Program program("crawl", "Visits the pages of a site, each once, and draws its links.");
    program.add_text("START", options.start, " ", "where to begin; without it a site of its own");
    program.add_number("--depth", options.depth, 0, "how many links away from there");
    program.add_number("--max", options.max, 1, "how many pages at most");
    program.add_text("--graph", options.graph, "FILE", "write the links there, for Graphviz");
    program.add_number("--per-host", options.per_host, 1, "requests to a host at once");
    program.add_seconds("--delay", options.delay,
                        "from a request to a host to the next; 0.1 if not given");
    program.add_flag("--everywhere", options.everywhere, "follow links to other hosts, too");
    program.add_flag("--live", live, "begin at https://example.org/");
    return program.run(argc, argv, [&] {
        if (live && options.start.empty()) {
            options.start = "https://example.org/";
        }
        const auto visit = [&options](const std::string& base) {
            options.start = options.start.empty() ? base + '/' : options.start;
            return crawl(options);
        };
        gyre::run(demo::on_site("crawl", options.start, visit), {.loop = program.loop()});
    });
}
