#include "pages.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace demo {

namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";

struct Page {
    std::string_view path;
    std::string_view heading;
    std::string_view body;
};

// A tour of what stands in an href: relative, absolute, twice the same, to another site, to what is
// no page, with an entity, with a fragment.
constexpr std::array kPages = {
    Page{"/", "A small site",
         R"(<p><a href="/about.html">About</a>, <a href="news/">News</a>,
<a href="docs/intro.html">Documentation</a>, <a href="/old.html">what has moved</a> and
<a href="missing.html">what is missing</a>.</p>
<p><a href="https://example.org/">Elsewhere</a>, <a href="mailto:nobody@example.org">a letter</a>,
<a href="javascript:history.back">nothing</a>, <a href="#top">up</a>.</p>)"},
    Page{"/about.html", "About",
         R"(<p><a href="/">Home</a>, <a href="./about.html#who">who</a>,
<a href="private/diary.html">a diary</a> that robots are asked not to read.</p>)"},
    Page{"/news/", "News",
         R"(<p><a href="1.html">One</a>, <a href="2.html">Two</a>, <a href="../">Home</a>.</p>)"},
    Page{"/news/1.html", "One",
         R"(<p><a href="2.html?from=1&amp;how=next">Next</a>, <a href=".">News</a>.</p>)"},
    Page{"/news/2.html", "Two",
         R"(<p><a href="1.html">Back</a>, <a href="//example.org/two">elsewhere</a>.</p>)"},
    Page{"/docs/intro.html", "Introduction",
         R"(<p><a href="deep/er.html">Deeper</a>, <a href="/circle.html">in circles</a>.</p>)"},
    Page{"/docs/deep/er.html", "Deeper",
         R"(<p><a href="../../docs/intro.html">Up</a>, <a href="est.html">Deepest</a>.</p>)"},
    Page{"/docs/deep/est.html", "Deepest", R"(<p>No way on but <a href="/">home</a>.</p>)"},
    Page{"/private/diary.html", "A diary", "<p>Dear diary, a robot was here.</p>"},
};

constexpr std::array kEpisodes = {
    std::string_view("The loop that never ends"),
    std::string_view("Futures &amp; promises"),
    std::string_view("Waiting without waiting"),
    std::string_view("A task among tasks"),
    std::string_view("<em>Queues</em>, and who stands in them"),
    std::string_view("Sockets on Sunday"),
    std::string_view("Caf\u00e9 concurrency"),
};

constexpr std::array kGenres = {
    std::string_view("french horn indie"),        std::string_view("microtonal sea shanty"),
    std::string_view(R"(fingerfolk\/game reel)"), std::string_view(R"(caf\u00e9 skiffle)"),
    std::string_view("swiss post-yodel"),         std::string_view("barbershop drone"),
    std::string_view("binary bossa nova"),        std::string_view("glockencore"),
    std::string_view("deep lute house"),          std::string_view("acoustic hyperpolka"),
    std::string_view("tape-hiss waltz"),          std::string_view("nautical dub"),
};

Answer html(std::string_view heading, std::string_view body) {
    std::string text = "<!doctype html>\n\n<html><head><title>";
    text += heading;
    text += "</title></head>\n<body><h1 id=\"top\">";
    text += heading;
    text += "</h1>\n";
    text += body;
    text += "\n</body></html>\n";
    return Answer(200, std::string(kHtml), std::move(text));
}

Answer redirect(int status, std::string to) {
    Answer answer(status, std::string(kHtml), "<p>It is <a href=\"" + to + "\">here</a>.</p>\n");
    answer.location = std::move(to);
    return answer;
}

Answer missing() {
    return Answer(404, std::string(kHtml), "<!doctype html>\n<h1>Not Found</h1>\n");
}

// The number that `text` is, or -1.
int number_in(std::string_view text) {
    int number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

Answer episode(std::size_t number) {
    if (number % 7 == 0) {  // one that has no heading
        return Answer(200, std::string(kHtml), "<!doctype html>\n<p>In preparation</p>\n");
    }
    std::string page =
        "<!doctype html>\n<html><body><div><h1>\n  #" + std::to_string(number) + ": ";
    page += kEpisodes[number % kEpisodes.size()];
    page += "\n</h1></div></body></html>\n";
    return Answer(200, std::string(kHtml), std::move(page));
}

// A picture of one pixel, whose colour is drawn from the code.
std::string gif(std::string_view code) {
    using namespace std::string_view_literals;
    std::string picture("GIF89a\x01\x00\x01\x00\x80\x00\x00"sv);
    picture += static_cast<char>(code[0] * 9);
    picture += static_cast<char>(code[1] * 9);
    picture += static_cast<char>((code[0] + code[1]) * 5);
    picture += "\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00;"sv;
    return picture;
}

// "cn/cn.gif"; that of Iran has moved.
Answer flag(std::string_view path) {
    const std::string code(path.substr(0, 2));
    const bool letters =
        std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (code.size() == 2 && letters && path == code + '/' + code + ".gif") {
        return code == "ir" ? redirect(302, "/flags/moved/ir.gif")
                            : Answer(200, "image/gif", gif(code));
    }
    return path == "moved/ir.gif" ? Answer(200, "image/gif", gif("ir")) : missing();
}

}  // namespace

std::vector<std::string> Pages::sights() {
    std::vector<std::string> paths;
    for (const Page& page : kPages) {
        paths.emplace_back(page.path);
    }
    paths.insert(paths.end(), {"/old.html", "/missing.html", "/circle.html"});
    return paths;
}

Answer Pages::get(std::string_view path) {
    for (const Page& page : kPages) {
        if (page.path == path) {
            return html(page.heading, page.body);
        }
    }
    if (path == "/robots.txt") {
        return Answer(200, "text/plain", "User-agent: *\nDisallow: /private/\nCrawl-delay: 0.02\n");
    }
    if (path == "/old.html") {
        return redirect(301, "/about.html");
    }
    if (path == "/circle.html") {
        return redirect(302, "circle.html");
    }
    if (path == "/genre/") {
        const std::string_view genre = kGenres[genre_++ % kGenres.size()];
        return Answer(200, "application/json", '"' + std::string(genre) + '"');
    }
    constexpr std::string_view flags = "/flags/";
    if (path.starts_with(flags)) {
        return flag(path.substr(flags.size()));
    }
    constexpr std::string_view episodes = "/episodes/show/";
    const bool shown = path.starts_with(episodes);
    const int number = number_in(path.substr(std::min(path.size(), shown ? episodes.size() : 1)));
    if (number < 1) {
        return missing();
    }
    return shown ? episode(static_cast<std::size_t>(number))
                 : redirect(302, std::string(episodes) + std::to_string(number));
}

}  // namespace demo
