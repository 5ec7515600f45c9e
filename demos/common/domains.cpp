#include "domains.hpp"

#include <gyre/as_completed.hpp>
#include <gyre/resolver.hpp>
#include <gyre/task.hpp>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace demo {

namespace {

constexpr std::string_view kKeywords[] = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
};

}  // namespace

std::vector<std::string> keyword_domains(std::size_t max_length, const std::string& suffix) {
    std::vector<std::string> domains;
    for (const std::string_view keyword : kKeywords) {
        if (keyword.size() <= max_length) {
            std::string& domain = domains.emplace_back(std::string(keyword) + suffix);
            std::transform(domain.begin(), domain.end(), domain.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        }
    }
    return domains;
}

gyre::Coro<Probe> probe(std::string domain) {
    Probe result;
    result.domain = domain;
    try {
        std::vector<gyre::AddressInfo> addresses = co_await gyre::getaddrinfo(domain, nullptr);
        result.found = true;
    } catch (const gyre::ResolveError&) {
    }
    co_return result;
}

gyre::AsyncGenerator<Probe> multi_probe(std::vector<std::string> domains) {
    std::vector<gyre::Coro<Probe>> probes;
    for (std::string& domain : domains) {
        probes.push_back(probe(std::move(domain)));
    }
    auto completions = gyre::as_completed(std::move(probes));
    while (const auto task = co_await completions.next()) {
        Probe result = co_await *task;
        co_yield std::move(result);
    }
}

}  // namespace demo
