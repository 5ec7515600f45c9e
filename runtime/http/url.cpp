#include <gyre/errors.hpp>
#include <gyre/http/url.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <vector>

namespace gyre::http {

namespace {

using std::string_view;

// Schemes with relative links, and of those and others the ones with an authority or parameters: as
// Python's urllib.parse has them.
constexpr std::array<string_view, 20> kRelative = {
    "",    "ftp",      "http", "gopher", "nntp",  "imap", "wais", "file",    "https", "shttp",
    "mms", "prospero", "rtsp", "rtsps",  "rtspu", "sftp", "svn",  "svn+ssh", "ws",    "wss"};
constexpr std::array<string_view, 6> kAuthorityAlone = {"telnet", "snews", "rsync",
                                                        "nfs",    "git",   "git+ssh"};
constexpr std::array<string_view, 16> kParameters = {
    "",     "ftp",   "hdl",   "prospero", "http", "imap", "https", "shttp",
    "rtsp", "rtsps", "rtspu", "sip",      "sips", "mms",  "sftp",  "tel"};

template <class A>
bool contains(const A& all, string_view one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_scheme_char(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

struct Parts {
    std::string scheme;
    std::string authority;
    std::string path;
    std::string parameters;
    std::string query;
    std::string fragment;
};

// Cuts `text` at the first `mark`; gives what is behind it.
std::string cut(std::string& text, char mark) {
    const std::size_t place = text.find(mark);
    if (place == std::string::npos) {
        return {};
    }
    std::string rest = text.substr(place + 1);
    text.resize(place);
    return rest;
}

std::string cleaned(string_view url) {
    std::string text;
    const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    const auto first = std::find_if_not(url.begin(), url.end(), blank);
    std::copy_if(first, url.end(), std::back_inserter(text),
                 [](char c) { return c != '\t' && c != '\r' && c != '\n'; });
    return text;
}

bool is_future_address(const std::string& host) {
    const std::size_t dot = host.find('.');
    return host.starts_with('v') && dot != std::string::npos && dot > 1 && dot + 1 < host.size() &&
           std::all_of(host.begin() + 1, host.begin() + static_cast<std::ptrdiff_t>(dot),
                       [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
}

// Letters that Unicode's compatibility forms make, or contain, one of "/?#@:": whoever normalizes
// such a host would be led to another.
void check_letters(const std::string& authority) {
    constexpr std::array<string_view, 19> misleading = {
        "\u2047", "\u2048", "\u2049", "\u2100", "\u2101", "\u2105", "\u2106",
        "\u2a74", "\ufe13", "\ufe16", "\ufe55", "\ufe56", "\ufe5f", "\ufe6b",
        "\uff03", "\uff0f", "\uff1a", "\uff1f", "\uff20"};
    for (const string_view letter : misleading) {
        if (authority.find(letter) != std::string::npos) {
            throw ValueError("netloc '" + authority +
                             "' contains invalid characters under NFKC normalization");
        }
    }
}

void check_brackets(const std::string& authority) {
    const std::size_t open = authority.find('[');
    const std::size_t end = authority.find(']');
    if ((open == std::string::npos) != (end == std::string::npos)) {
        throw ValueError("Invalid IPv6 URL");
    }
    if (open == std::string::npos) {
        return;
    }
    const std::string host = open < end ? authority.substr(open + 1, end - open - 1) : "";
    ::in6_addr ignored{};
    if (!is_future_address(host) &&
        ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &ignored) != 1) {
        throw ValueError("'" + host + "' does not appear to be an IPv4 or IPv6 address");
    }
}

Parts parse(string_view url, string_view scheme) {
    Parts parts;
    parts.scheme = scheme;
    std::string rest = cleaned(url);
    const std::size_t colon = rest.find(':');
    if (colon != std::string::npos && colon > 0 && is_letter(rest[0]) &&
        std::all_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(colon),
                    is_scheme_char)) {
        parts.scheme = rest.substr(0, colon);
        std::transform(parts.scheme.begin(), parts.scheme.end(), parts.scheme.begin(),
                       [](char c) { return is_letter(c) ? static_cast<char>(c | ' ') : c; });
        rest.erase(0, colon + 1);
    }
    if (rest.starts_with("//")) {
        const std::size_t end = std::min(rest.find_first_of("/?#", 2), rest.size());
        parts.authority = rest.substr(2, end - 2);
        rest.erase(0, end);
        check_brackets(parts.authority);
        check_letters(parts.authority);
    }
    parts.fragment = cut(rest, '#');
    parts.query = cut(rest, '?');
    parts.path = std::move(rest);
    if (contains(kParameters, parts.scheme)) {
        const std::size_t last = parts.path.rfind('/');
        const std::size_t mark = parts.path.find(';', last == std::string::npos ? 0 : last);
        if (mark != std::string::npos) {
            parts.parameters = parts.path.substr(mark + 1);
            parts.path.resize(mark);
        }
    }
    return parts;
}

std::string to_text(const Parts& parts) {
    std::string url = parts.path;
    if (!parts.parameters.empty()) {
        url += ';' + parts.parameters;
    }
    const bool has_authority =
        contains(kRelative, parts.scheme) || contains(kAuthorityAlone, parts.scheme);
    if (!parts.authority.empty() ||
        (!parts.scheme.empty() && has_authority && !url.starts_with("//"))) {
        if (!url.empty() && url[0] != '/') {
            url.insert(0, "/");
        }
        url.insert(0, "//" + parts.authority);
    }
    if (!parts.scheme.empty()) {
        url.insert(0, parts.scheme + ':');
    }
    if (!parts.query.empty()) {
        url += '?' + parts.query;
    }
    if (!parts.fragment.empty()) {
        url += '#' + parts.fragment;
    }
    return url;
}

std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> segments(1);
    for (const char c : path) {
        if (c == '/') {
            segments.emplace_back();
        } else {
            segments.back() += c;
        }
    }
    return segments;
}

// The path of the link seen from the base's, without "." and "..".
std::string resolved(const std::string& base, const std::string& path) {
    std::vector<std::string> segments = split(path);
    if (!path.starts_with('/')) {
        std::vector<std::string> all = split(base);
        if (!all.back().empty()) {
            all.pop_back();
        }
        all.insert(all.end(), segments.begin(), segments.end());
        if (all.size() > 2) {  // no empty ones between the first and the last
            all.erase(std::remove(all.begin() + 1, all.end() - 1, std::string()), all.end() - 1);
        }
        segments = std::move(all);
    }
    std::vector<std::string> kept;
    for (const std::string& each : segments) {
        if (each == "..") {
            if (!kept.empty()) {
                kept.pop_back();
            }
        } else if (each != ".") {
            kept.push_back(each);
        }
    }
    if (segments.back() == "." || segments.back() == "..") {
        kept.emplace_back();
    }
    std::string text;
    for (std::size_t index = 0; index < kept.size(); ++index) {
        text += (index == 0 ? "" : "/") + kept[index];
    }
    return text.empty() ? "/" : text;
}

}  // namespace

std::string urljoin(string_view base, string_view link) {
    if (base.empty() || link.empty()) {
        return std::string(base.empty() ? link : base);
    }
    const Parts from = parse(base, "");
    Parts to = parse(link, from.scheme);
    if (to.scheme != from.scheme || !contains(kRelative, to.scheme)) {
        return std::string(link);
    }
    // Of the schemes with relative links all have an authority, but for "": they share one branch.
    if (!to.authority.empty()) {
        return to_text(to);
    }
    to.authority = from.authority;
    if (to.path.empty() && to.parameters.empty()) {
        to.path = from.path;
        to.parameters = from.parameters;
        if (to.query.empty()) {
            to.query = from.query;
        }
        return to_text(to);
    }
    to.path = resolved(from.path, to.path);
    return to_text(to);
}

}  // namespace gyre::http
