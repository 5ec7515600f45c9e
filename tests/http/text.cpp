// Response::text: from whichever encoding the server names, as httpx, and strictly, as aiohttp.
#include <gyre/http.hpp>

#include "../test.hpp"

#include <string_view>

namespace {

using namespace std::string_view_literals;

http::Response typed(std::string_view type, std::string_view body) {
    http::Response response;
    response.url = "http://h/";
    response.headers.add("Content-Type", std::string(type));
    response.body = body;
    return response;
}

struct Case {
    std::string_view type;
    std::string_view body;
    std::string_view text;
    bool good = true;  // else strictly it is none
};

constexpr Case kCases[] = {
    {"text/html", "caf\u00e9", "caf\u00e9"},
    {"text/html", "\xe9", "\ufffd", false},
    {"", "caf\u00e9", "caf\u00e9"},
    {"text/html; charset=utf-8", "\ufeffcaf\u00e9", "\ufeffcaf\u00e9"},
    {"text/html; charset=UTF8", "caf\xe9!", "caf\ufffd!", false},
    {"text/html; charset=iso-8859-1", "caf\xe9\x80", "caf\u00e9\u0080"},
    {"text/html;charset=\"ISO-8859-1\"", "\xe9", "\u00e9"},
    {"text/html; a=b; Charset = 'latin1' ; c", "\xe9", "\u00e9"},
    {"text/html; charset=iso_8859-1", "\xe9", "\u00e9"},
    {"text/html; charset=latin-1; charset=utf-8", "\xc3\xa9", "\u00c3\u00a9"},
    {"text/html; charset=windows-1252", "\x80\x93q\x94", "\u20ac\u201cq\u201d"},
    {"text/html; charset=windows-1252", "a\x81z", "a\ufffdz", false},
    {"text/html; charset=koi8-r", "\xc1\xc2", "\u0430\u0431"},
    {"text/html; charset=Shift_JIS", "\x82\xa0", "\u3042"},
    {"text/html; charset=us-ascii", "a\xe9z", "a\ufffdz", false},
    {"text/html; charset=utf-16", "\xff\xfe\xe9\0!\0"sv, "\u00e9!"},
    {"text/html; charset=utf-16le", "a\0\0\xd8z\0"sv, "a\ufffdz", false},
    {"text/html; charset=utf-16le", "a\0z"sv, "a\ufffd", false},
    {"text/html; charset=nonsense", "caf\u00e9", "caf\u00e9"},
    {"text/html; charset=utf-16/x", "caf\u00e9", "caf\u00e9"},
    {"text/html; charset=", "caf\u00e9", "caf\u00e9"},
    {"text/html; charset", "caf\u00e9", "caf\u00e9"},
};

// What Python's bytes.decode() makes of them; each piece that is no character is one U+FFFD.
constexpr Case kBytes[] = {
    {"", ""sv, ""},
    {"", "a\0b"sv, "a\0b"sv},
    {"", "\u00e9\u20ac\U0001f600", "\u00e9\u20ac\U0001f600"},
    {"", "\xf4\x8f\xbf\xbf", "\U0010ffff"},
    {"", "\x80\xbf", "\ufffd\ufffd", false},
    {"", "\xc0\xaf", "\ufffd\ufffd", false},
    {"", "\xe0\x80\xaf", "\ufffd\ufffd\ufffd", false},
    {"", "\xed\xa0\x80", "\ufffd\ufffd\ufffd", false},
    {"", "\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd", false},
    {"", "\xe2\x82z", "\ufffdz", false},
    {"", "\xf0\x9f\x98", "\ufffd", false},
    {"", "\xf0\x9f\x98\xf0\x9f\x98\x80", "\ufffd\U0001f600", false},
    {"", "\xff\xfe", "\ufffd\ufffd", false},
};

void check(const Case& each) {
    INFO("type: ", std::string(each.type), " body: ", std::string(each.body));
    const http::Response response = typed(each.type, each.body);
    CHECK(response.text() == each.text);
    if (each.good) {
        CHECK(response.text(http::TextErrors::strict) == each.text);
    } else {
        CHECK_THROWS_AS(static_cast<void>(response.text(http::TextErrors::strict)),
                        http::BadAnswer);
    }
}

}  // namespace

TEST_CASE("text: the charset of the Content-Type counts, without one UTF-8") {
    for (const Case& each : kCases) {
        check(each);
    }
}

TEST_CASE("text: of what is no UTF-8 each piece is U+FFFD, as Python's") {
    for (const Case& each : kBytes) {
        check(each);
    }
}

TEST_CASE("text: a body that is larger than any buffer is converted to its end") {
    const std::string body(300'000, '\xe9');
    std::string text;
    for (std::size_t i = 0; i < body.size(); ++i) {
        text += "\u00e9";
    }
    CHECK(typed("text/plain; charset=latin1", body).text() == text);
    CHECK(typed("text/plain", text).text() == text);
    CHECK(typed("text/plain; charset=ascii", body).text().size() == 3 * body.size());
}

TEST_CASE("text: what is none strictly is an error that names the URL and the charset") {
    try {
        static_cast<void>(typed("a/b; charset=ASCII", "\xe9").text(http::TextErrors::strict));
        FAIL("no error");
    } catch (const http::BadAnswer& error) {
        CHECK(error.url() == "http://h/");
        CHECK(std::string(error.what()) == "http://h/: the body is no text in ascii");
    }
}
