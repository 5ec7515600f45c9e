#include "html.hpp"

#include <gyre/http/url.hpp>

#include <gumbo.h>

#include <functional>
#include <stdexcept>
#include <utility>

namespace demo {

namespace {

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

std::string text_in(const GumboNode& root) {
    std::string text;
    walk(root, [&text](const GumboNode& node) {
        if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
            node.type == GUMBO_NODE_CDATA) {
            text += node.v.text.text;
        }
        return true;
    });
    return text;
}

std::string strip(const std::string& text) {
    constexpr const char* spaces = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(spaces);
    const std::size_t last = text.find_last_not_of(spaces);
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

}  // namespace

std::optional<std::string> first_heading(std::string_view html) {
    const Page page(html);
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
    const Page page(html);
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
