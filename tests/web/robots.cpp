// Robots: what a site asks of those who are not people (RFC 9309).
#include "../../demos/web/robots.hpp"

#include "../test.hpp"

#include <string>
#include <string_view>

namespace {

using demo::Robots;

struct Case {
    std::string_view text;
    std::string_view path;
    bool allowed;
};

void check(const Case& each) {
    INFO("rules: ", std::string(each.text), " path: ", std::string(each.path));
    CHECK(Robots(each.text, "gyre-crawl").allow(each.path) == each.allowed);
}

}  // namespace

TEST_CASE("robots: those named have their groups, the others that of everybody") {
    for (const Case& each : {
             Case{"", "/", true},
             Case{"User-agent: *\nDisallow: /\n", "/", false},
             Case{"User-agent: *\nDisallow:\n", "/", true},
             Case{"User-agent: other\nDisallow: /\n", "/", true},
             Case{"User-agent: *\nDisallow: /\n\nUser-agent: gyre-crawl\nDisallow: /x\n", "/",
                  true},
             Case{"User-agent: gyre-crawl\nDisallow: /x\n\nUser-agent: *\nDisallow: /\n", "/x",
                  false},
             Case{"User-agent: gyre-crawl\n\nUser-agent: *\nDisallow: /\n", "/", false},
             Case{"User-agent: a\nUser-agent: gyre-crawl\nDisallow: /\n", "/", false},
             Case{"User-agent: gyre-crawl\nUser-agent: a\nDisallow: /\n", "/", false},
             Case{"User-agent: a\nDisallow: /\nUser-agent: gyre-crawl\nAllow: /\n", "/", true},
             Case{"User-agent: gyre-crawl\nDisallow: /a\nUser-agent: b\nDisallow: /b\n"
                  "User-agent: gyre-crawl\nDisallow: /c\n",
                  "/a", false},
             Case{"User-agent: gyre-crawl\nDisallow: /a\nUser-agent: b\nDisallow: /b\n"
                  "User-agent: gyre-crawl\nDisallow: /c\n",
                  "/b", true},
             Case{"User-agent: gyre-crawl\nDisallow: /a\nUser-agent: b\nDisallow: /b\n"
                  "User-agent: gyre-crawl\nDisallow: /c\n",
                  "/c", false},
             Case{"User-agent: GYRE-Crawl/1.0\nDisallow: /\n", "/", false},
             Case{"User-agent: gyre-crawler\nDisallow: /\n", "/", true},
             Case{"User-agent: gyre\nDisallow: /\n", "/", true},
             Case{"Disallow: /\n", "/", true},
         }) {
        check(each);
    }
}

TEST_CASE("robots: the longest rule that fits counts, and Allow of two as long") {
    constexpr std::string_view rules =
        "User-agent: *\nAllow: /a/b\nDisallow: /a\nDisallow: /a/b/c\nAllow: /x\nDisallow: /x\n";
    for (const Case& each : {
             Case{rules, "/", true},
             Case{rules, "/a", false},
             Case{rules, "/ab", false},
             Case{rules, "/a/bc", true},
             Case{rules, "/a/b/cd", false},
             Case{rules, "/x/y", true},
             Case{rules, "/A", true},
         }) {
        check(each);
    }
}

TEST_CASE("robots: an escape and what it stands for are the same, where that may be") {
    for (const Case& each : {
             Case{"User-agent: *\nDisallow: /%62%61%7a", "/baz", false},
             Case{"User-agent: *\nDisallow: /baz", "/b%61z", false},
             Case{"User-agent: *\nDisallow: /\xE3\x83\x84", "/%e3%83%84", false},
             Case{"User-agent: *\nDisallow: /%E3%83%84", "/\xE3\x83\x84/x", false},
             Case{"User-agent: *\nDisallow: /a%3cd", "/a%3Cd", false},
             Case{"User-agent: *\nDisallow: /a%2fb", "/a/b", true},
             Case{"User-agent: *\nDisallow: /a%2Fb", "/a%2fb", false},
             Case{"User-agent: *\nDisallow: /%2A", "/x", true},
             Case{"User-agent: *\nDisallow: /100%", "/100%", false},
             Case{"User-agent: *\nDisallow: /%zz", "/%zz", false},
             Case{"User-agent: *\nDisallow: /%4", "/%4", false},
         }) {
        check(each);
    }
}

TEST_CASE("robots: * is anything, $ the end") {
    for (const Case& each : {
             Case{"User-agent: *\nDisallow: /*.gif", "/x.gif?y", false},
             Case{"User-agent: *\nDisallow: /*.gif$", "/x.gif", false},
             Case{"User-agent: *\nDisallow: /*.gif$", "/x.gif?y", true},
             Case{"User-agent: *\nDisallow: /*.gif$", "/a.gif/b.gif", false},
             Case{"User-agent: *\nDisallow: /a$", "/a", false},
             Case{"User-agent: *\nDisallow: /a$", "/a/", true},
             Case{"User-agent: *\nDisallow: /a*b*c$", "/axbxxc", false},
             Case{"User-agent: *\nDisallow: /a*b*c$", "/axcxxb", true},
             Case{"User-agent: *\nDisallow: /a*ab$", "/ab", true},
             Case{"User-agent: *\nDisallow: *", "/", false},
             Case{"User-agent: *\nDisallow: *$", "/x", false},
             Case{"User-agent: *\nDisallow: /*?", "/x?y", false},
             Case{"User-agent: *\nDisallow: /*?", "/x", true},
             Case{"User-agent: *\nDisallow: x", "/x", true},
             Case{"User-agent: *\nDisallow: /a$b", "/a$bc", false},
         }) {
        check(each);
    }
}

TEST_CASE("robots: case, space, remarks, line ends, a mark at the beginning do not matter") {
    for (const std::string_view text : {
             std::string_view("USER-AGENT:*\nDISALLOW:/a"),
             std::string_view("user-agent : *\r\ndisallow\t:  /a  \r\n"),
             std::string_view("User-agent: *\rDisallow: /a\r"),
             std::string_view("\xef\xbb\xbfUser-agent: *\nDisallow: /a"),
             std::string_view("# hello\n\nUser-agent: * # all\n\n# here\nDisallow: /a# and there"),
             std::string_view("nonsense\n: x\nUser-agent: *\nSitemap: http://h/\nDisallow: /a\n\0"),
             std::string_view("User-agent: *\nAllow\nDisallow: /a"),
         }) {
        check(Case{text, "/a", false});
        check(Case{text, "/b", true});
    }
}

TEST_CASE("robots: the delay is that of the group, a minute at most") {
    const auto delay = [](std::string_view text) {
        return Robots(text, "gyre-crawl").crawl_delay();
    };
    CHECK(delay("User-agent: *\nCrawl-delay: 2.5\n") == 2500ms);
    CHECK(delay("User-agent: other\nCrawl-delay: 2\n") == 0ms);
    CHECK(delay("User-agent: *\nCrawl-delay: 1e9\n") == 60s);
    CHECK(delay("User-agent: *\nCrawl-delay: -1\n") == 0ms);
    CHECK(delay("User-agent: *\nCrawl-delay: soon\n") == 0ms);
    CHECK(delay("User-agent: *\nCrawl-delay:\n") == 0ms);
}

TEST_CASE("robots: what is huge is read to its first 500 KiB, and quickly") {
    std::string text = "User-agent: *\nDisallow: /first\n";
    for (int i = 0; text.size() < (std::size_t{5} << 20); ++i) {
        text += "Disallow: /*" + std::to_string(i) + "*a*a*a*b\n";
    }
    text += "Disallow: /last\n";
    const Robots robots(text, "gyre-crawl");
    CHECK_FALSE(robots.allow("/first"));
    CHECK(robots.allow("/last"));
    CHECK(robots.allow("/" + std::string(10'000, 'a')));
    const std::string stars = "User-agent: *\nDisallow: /" + std::string(100'000, '*') + "b$\n";
    CHECK(Robots(stars, "gyre-crawl").allow("/" + std::string(10'000, 'a')));
}

TEST_CASE("robots: nothing is allowed where nobody knows the rules") {
    CHECK_FALSE(Robots::nothing_allowed().allow("/"));
    CHECK_FALSE(Robots::nothing_allowed().allow("/x?y"));
    CHECK(Robots().allow("/"));
}
