// urljoin: as Python's.
#include <gyre/http/url.hpp>

#include "../test.hpp"

namespace {

struct Case {
    const char* base;
    const char* link;
    const char* joined;
};

// What urllib.parse.urljoin of Python 3.11 gives; the first are those of RFC 3986, section 5.4.
constexpr Case kCases[] = {
    {"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
    {"http://a/b/c/d;p?q", "g:h", "g:h"},
    {"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
    {"http://a/b/c/d;p?q", "/g", "http://a/g"},
    {"http://a/b/c/d;p?q", "//g", "http://g"},
    {"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
    {"http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
    {"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q#s"},
    {"http://a/b/c/d;p?q", "g#s", "http://a/b/c/g#s"},
    {"http://a/b/c/d;p?q", "g?y#s", "http://a/b/c/g?y#s"},
    {"http://a/b/c/d;p?q", ";x", "http://a/b/c/;x"},
    {"http://a/b/c/d;p?q", "g;x", "http://a/b/c/g;x"},
    {"http://a/b/c/d;p?q", "g;x?y#s", "http://a/b/c/g;x?y#s"},
    {"http://a/b/c/d;p?q", ".", "http://a/b/c/"},
    {"http://a/b/c/d;p?q", "./", "http://a/b/c/"},
    {"http://a/b/c/d;p?q", "..", "http://a/b/"},
    {"http://a/b/c/d;p?q", "../", "http://a/b/"},
    {"http://a/b/c/d;p?q", "../g", "http://a/b/g"},
    {"http://a/b/c/d;p?q", "../..", "http://a/"},
    {"http://a/b/c/d;p?q", "../../", "http://a/"},
    {"http://a/b/c/d;p?q", "../../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "../../../../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "/./g", "http://a/g"},
    {"http://a/b/c/d;p?q", "/../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "g.", "http://a/b/c/g."},
    {"http://a/b/c/d;p?q", ".g", "http://a/b/c/.g"},
    {"http://a/b/c/d;p?q", "g..", "http://a/b/c/g.."},
    {"http://a/b/c/d;p?q", "..g", "http://a/b/c/..g"},
    {"http://a/b/c/d;p?q", "./../g", "http://a/b/g"},
    {"http://a/b/c/d;p?q", "./g/.", "http://a/b/c/g/"},
    {"http://a/b/c/d;p?q", "g/./h", "http://a/b/c/g/h"},
    {"http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
    {"http://a/b/c/d;p?q", "g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {"http://a/b/c/d;p?q", "g;x=1/../y", "http://a/b/c/y"},
    {"http://a/b/c/d;p?q", "g?y/./x", "http://a/b/c/g?y/./x"},
    {"http://a/b/c/d;p?q", "g?y/../x", "http://a/b/c/g?y/../x"},
    {"http://a/b/c/d;p?q", "g#s/./x", "http://a/b/c/g#s/./x"},
    {"http://a/b/c/d;p?q", "g#s/../x", "http://a/b/c/g#s/../x"},
    {"http://a/b/c/d;p?q", "http:g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "http:/g", "http://a/g"},
    {"http://example.org/docs/page.html?x=1#top", "mailto:me@example.org", "mailto:me@example.org"},
    {"http://example.org/docs/page.html?x=1#top", "javascript:void(0)", "javascript:void(0)"},
    {"http://example.org/docs/page.html?x=1#top", "data:text/plain,hi", "data:text/plain,hi"},
    {"http://example.org/docs/page.html?x=1#top", "tel:+4989", "tel:+4989"},
    {"http://example.org/docs/page.html?x=1#top", "about:blank", "about:blank"},
    {"http://example.org/docs/page.html?x=1#top", "https://other.net", "https://other.net"},
    {"http://example.org/docs/page.html?x=1#top", "//other.net:99999/x",
     "http://other.net:99999/x"},
    {"http://example.org/docs/page.html?x=1#top", "http://other.net:port/",
     "http://other.net:port/"},
    {"http://example.org/docs/page.html?x=1#top", "http://other.net:/x", "http://other.net:/x"},
    {"http://example.org/docs/page.html?x=1#top", "HTTP://Other.NET/Path", "http://Other.NET/Path"},
    {"http://example.org/docs/page.html?x=1#top", "Https://x/", "Https://x/"},
    {"http://example.org/docs/page.html?x=1#top", "#", "http://example.org/docs/page.html?x=1"},
    {"http://example.org/docs/page.html?x=1#top", "#a#b",
     "http://example.org/docs/page.html?x=1#a#b"},
    {"http://example.org/docs/page.html?x=1#top", "?", "http://example.org/docs/page.html?x=1"},
    {"http://example.org/docs/page.html?x=1#top", "?#", "http://example.org/docs/page.html?x=1"},
    {"http://example.org/docs/page.html?x=1#top", "?a=b&c=d",
     "http://example.org/docs/page.html?a=b&c=d"},
    {"http://example.org/docs/page.html?x=1#top", "/", "http://example.org/"},
    {"http://example.org/docs/page.html?x=1#top", "//", "http://example.org/docs/page.html?x=1"},
    {"http://example.org/docs/page.html?x=1#top", "///x", "http://example.org/x"},
    {"http://example.org/docs/page.html?x=1#top", "////x/y", "http://example.org//x/y"},
    {"http://example.org/docs/page.html?x=1#top", "a//b", "http://example.org/docs/a/b"},
    {"http://example.org/docs/page.html?x=1#top", "a/../../b", "http://example.org/b"},
    {"http://example.org/docs/page.html?x=1#top", "../../../../up", "http://example.org/up"},
    {"http://example.org/docs/page.html?x=1#top", "%2e%2e/x", "http://example.org/docs/%2e%2e/x"},
    {"http://example.org/docs/page.html?x=1#top", "x y", "http://example.org/docs/x y"},
    {"http://example.org/docs/page.html?x=1#top", "  x  ", "http://example.org/docs/x  "},
    {"http://example.org/docs/page.html?x=1#top", "\tx\n", "http://example.org/docs/x"},
    {"http://example.org/docs/page.html?x=1#top", "x\ny", "http://example.org/docs/xy"},
    {"http://example.org/docs/page.html?x=1#top", "a\\b", "http://example.org/docs/a\\b"},
    {"http://example.org/docs/page.html?x=1#top", "ftp://f/x", "ftp://f/x"},
    {"http://example.org/docs/page.html?x=1#top", "file:///etc/hosts", "file:///etc/hosts"},
    {"http://example.org/docs/page.html?x=1#top", "ws:chat", "ws:chat"},
    {"http://example.org/docs/page.html?x=1#top", "//user:pw@h:8080/p", "http://user:pw@h:8080/p"},
    {"http://example.org/docs/page.html?x=1#top", "http://[::1]:80/x", "http://[::1]:80/x"},
    {"http://example.org/docs/page.html?x=1#top", "//[fe80::1%25eth0]/",
     "http://[fe80::1%25eth0]/"},
    {"http://example.org/docs/page.html?x=1#top", "//[v1.x]/", "http://[v1.x]/"},
    {"http://example.org/docs/page.html?x=1#top", "/a;b/c;d", "http://example.org/a;b/c;d"},
    {"http://example.org/docs/page.html?x=1#top", "a:b", "a:b"},
    {"http://example.org/docs/page.html?x=1#top", "1a:b", "http://example.org/docs/1a:b"},
    {"http://example.org/docs/page.html?x=1#top", "./a:b", "http://example.org/docs/a:b"},
    {"http://example.org/docs/page.html?x=1#top", ":x", "http://example.org/docs/:x"},
    {"http://example.org/docs/page.html?x=1#top", "\303\251/\303\274",
     "http://example.org/docs/\303\251/\303\274"},
    {"http://example.org/docs/page.html?x=1#top", "x?y=\303\251",
     "http://example.org/docs/x?y=\303\251"},
    {"http://example.org/docs/page.html?x=1#top", "http:", "http://example.org/docs/page.html?x=1"},
    {"http://example.org/docs/page.html?x=1#top", "http:?q", "http://example.org/docs/page.html?q"},
    {"http://example.org/docs/page.html?x=1#top", "http:#f",
     "http://example.org/docs/page.html?x=1#f"},
    {"http://example.org/docs/page.html?x=1#top", "https:g", "https:g"},
    {"http://example.org/docs/page.html?x=1#top", "svn+ssh:x", "svn+ssh:x"},
    {"http://example.org/docs/page.html?x=1#top", "g?y=a:b", "http://example.org/docs/g?y=a:b"},
    {"http://example.org/docs/page.html?x=1#top", "?http://x/",
     "http://example.org/docs/page.html?http://x/"},
    {"", "x", "x"},
    {"x", "", "x"},
    {"", "", ""},
    {"/a/b", "c", "/a/c"},
    {"a/b", "../c", "c"},
    {"a", "..", "/"},
    {"a", "b", "b"},
    {"http://a", "b", "http://a/b"},
    {"http://a", "../b", "http://a/b"},
    {"http://a", "?q", "http://a?q"},
    {"http://a?x", "b", "http://a/b"},
    {"http://a#f", "b", "http://a/b"},
    {"http://a/b/", "c", "http://a/b/c"},
    {"http://a/b//c/d", "../e", "http://a/b/e"},
    {"http://a//b//", "c", "http://a/b/c"},
    {"file:///a/b", "c", "file:///a/c"},
    {"file:///a", "//h/x", "file://h/x"},
    {"mailto:a@b", "c", "c"},
    {"data:,x", "y", "y"},
    {"https://[::1]:8443/a/b", "../c", "https://[::1]:8443/c"},
    {"http://a/b/c", "http:d", "http://a/b/d"},
    {"HTTP://a/b/c", "http:d", "http://a/b/d"},
    {"svn://h/a/b", "c", "svn://h/a/c"},
    {"svn+ssh://h/a/b", "../c", "svn+ssh://h/c"},
    {"foo://h/a/b", "c", "c"},
    {"foo://h/a/b", "foo:c", "foo:c"},
    {"http://h:bad/a/b", "c", "http://h:bad/a/c"},
    {"http://h/a?x=/../y", "z", "http://h/z"},
    {"http://h/a;p/b", "c", "http://h/a;p/c"},
    {"http://h/a/b;p", "c;q", "http://h/a/c;q"},
    {"http://h/a/b;p", ";q", "http://h/a/;q"},
    {"http://h/a/b;p?q", "?r", "http://h/a/b;p?r"},
    {"http://h/a/b;p?q#f", "#g", "http://h/a/b;p?q#g"},
    {"//h/a/b", "c", "//h/a/c"},
    {"?x", "y", "/y"},
    {"#x", "y", "/y"},
    {"http://h/a/./b/../c", "d", "http://h/a/d"},
    {"http://h/..", "x", "http://h/x"},
    {"http://h/a/b/c/", "../../..", "http://h/"},
    {" http://h/a", "b", "http://h/b"},
    {"http://h/a/b", "..x/../y", "http://h/a/y"},
    {"sip:a@b", "c", "c"},
    {"rtsp://h/a/b;c", "d", "rtsp://h/a/d"},
    {"ws://h/a", "b", "ws://h/b"},
    {"ftp://h/a;t=i", "b", "ftp://h/b"},
};

constexpr Case kBroken[] = {
    {"http://a/", "//[::1", ""},
    {"http://a/", "http://]x", ""},
    {"http://[bad]/", "x", ""},
    {"http://a/", "//[v1]/", ""},
    {"http://a/", "//[1.2.3.4]/", ""},
    {"http://a/", "//\u2100.com/", ""},
    {"http://a/", "//evil.com\uff0f@a/", ""},
};

}  // namespace

TEST_CASE("urljoin: the results of Python's") {
    for (const Case& each : kCases) {
        INFO("base: ", each.base, ", link: ", each.link);
        std::string joined = "an error";
        try {
            joined = http::urljoin(each.base, each.link);
        } catch (const ValueError&) {
        }
        CHECK(joined == each.joined);
    }
}

TEST_CASE("urljoin: a broken host is a ValueError, as Python's") {
    for (const Case& each : kBroken) {
        INFO("base: ", each.base, ", link: ", each.link);
        CHECK_THROWS_AS(static_cast<void>(http::urljoin(each.base, each.link)), ValueError);
    }
}
