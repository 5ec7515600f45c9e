#include "html.hpp"

#include <gyre/http/url.hpp>

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <utility>

namespace demo {

namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

using Visit = std::function<bool(const GumboNode&)>;

const GumboVector* children(const GumboNode& node) {
    switch (node.type) {
        case GUMBO_NODE_DOCUMENT:
            return &node.v.document.children;
        case GUMBO_NODE_ELEMENT:
        case GUMBO_NODE_TEMPLATE:
            return &node.v.element.children;
        default:
            return nullptr;
    }
}

// Visits the nodes in the page's order until one says that it is enough. A page may nest as deep as
// it likes, so the way down is not the stack's.
void walk(const GumboNode& root, const Visit& visit) {
    std::vector<const GumboNode*> ahead = {&root};
    while (!ahead.empty()) {
        const GumboNode& node = *ahead.back();
        ahead.pop_back();
        if (!visit(node)) {
            return;
        }
        if (const GumboVector* inner = children(node)) {
            for (unsigned int i = inner->length; i > 0; --i) {
                ahead.push_back(static_cast<const GumboNode*>(inner->data[i - 1]));
            }
        }
    }
}

// How deep the page may nest, or more: elements that are never closed in so many words, such as br
// and li, do not count.
std::size_t depth_of(std::string_view html) {
    constexpr std::array<std::string_view, 22> unclosed = {
        "area", "base", "br", "col",    "dd",     "dt", "embed", "hr", "img", "input", "li",
        "link", "meta", "p",  "option", "source", "td", "th",    "tr", "wbr", "track", "param"};
    std::size_t depth = 0;
    std::size_t deepest = 0;
    for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
        ++at;
        const std::size_t end = std::min(html.find_first_of(" \t\r\n\f/>", at), html.size());
        const std::string name = lower(html.substr(at, std::min<std::size_t>(end - at, 16)));
        if (name.empty() && at < html.size() && html[at] == '/') {
            depth -= depth > 0 ? 1 : 0;
        } else if (!name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
                   std::find(unclosed.begin(), unclosed.end(), name) == unclosed.end()) {
            deepest = std::max(deepest, ++depth);
        }
    }
    return deepest;
}

// gumbo takes time by the square of the depth, and stack for all of it.
std::string_view checked(std::string_view html) {
    constexpr std::size_t deepest = 10000;
    if (depth_of(html) > deepest) {
        throw std::runtime_error("a page of HTML nests too deep");
    }
    return html;
}

class Page {
public:
    explicit Page(std::string_view html)
        : output_(gumbo_parse_with_options(&kGumboDefaultOptions, html.data(), html.size())) {
        if (output_ == nullptr) {
            throw std::runtime_error("a page cannot be parsed");
        }
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    ~Page() { gumbo_destroy_output(&kGumboDefaultOptions, output_); }

    [[nodiscard]] const GumboNode& root() const noexcept { return *output_->document; }

private:
    GumboOutput* output_;
};

bool is(const GumboNode& node, GumboTag tag) {
    return node.type == GUMBO_NODE_ELEMENT && node.v.element.tag == tag;
}

const char* href(const GumboNode& node) {
    const GumboAttribute* attribute = gumbo_get_attribute(&node.v.element.attributes, "href");
    return attribute != nullptr ? attribute->value : nullptr;
}

// Not for people to read as it stands, or beside what it explains.
bool is_no_text(const GumboNode& node) {
    constexpr std::array<GumboTag, 4> tags = {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_RT,
                                              GUMBO_TAG_RP};
    return std::any_of(tags.begin(), tags.end(), [&node](GumboTag tag) { return is(node, tag); });
}

std::string text_in(const GumboNode& root) {
    std::string text;
    walk(root, [&text](const GumboNode& node) {
        const bool is_text = node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
                             node.type == GUMBO_NODE_CDATA;
        if (is_text && !is_no_text(*node.parent)) {
            text += node.v.text.text;
        }
        return true;
    });
    return text;
}

// The length of the space at the beginning of `text`, or with `at_end` at its end: a no-break space
// and those of typographers count, as they do for Python.
std::size_t space_in(std::string_view text, bool at_end) {
    constexpr std::array<std::string_view, 26> spaces = {
        " ",      "\t",     "\n",     "\r",     "\f",     "\v",     "\u0085", "\u00A0", "\u1680",
        "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
        "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", "\x1F"};
    for (const std::string_view space : spaces) {
        if (at_end ? text.ends_with(space) : text.starts_with(space)) {
            return space.size();
        }
    }
    return 0;
}

std::string strip(std::string_view text) {
    while (const std::size_t size = space_in(text, false)) {
        text.remove_prefix(size);
    }
    while (const std::size_t size = space_in(text, true)) {
        text.remove_suffix(size);
    }
    return std::string(text);
}

}  // namespace

std::optional<std::string> first_heading(std::string_view html) {
    const Page page(checked(html));
    std::optional<std::string> heading;
    walk(page.root(), [&heading](const GumboNode& node) {
        if (!is(node, GUMBO_TAG_H1)) {
            return true;
        }
        heading = strip(text_in(node));
        return false;
    });
    return heading;
}

std::vector<std::string> links(std::string_view html, const std::string& url) {
    const Page page(checked(html));
    std::string base = url;
    std::vector<std::string> found;
    bool based = false;
    walk(page.root(), [&](const GumboNode& node) {
        const bool is_base = is(node, GUMBO_TAG_BASE) && !based;
        if (!is_base && !is(node, GUMBO_TAG_A) && !is(node, GUMBO_TAG_AREA)) {
            return true;
        }
        const char* const link = href(node);
        if (link == nullptr) {
            return true;
        }
        try {
            std::string target = gyre::http::urljoin(base, strip(link));
            if (is_base) {
                base = std::move(target);
                based = true;
            } else {
                found.push_back(std::move(target));
            }
        } catch (const std::invalid_argument&) {  // a link to nowhere
        }
        return true;
    });
    return found;
}

}  // namespace demo
