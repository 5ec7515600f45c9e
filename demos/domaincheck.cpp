// domaincheck: Python's short keywords as domains, in two columns: those that exist, and the
// others.
#include "common/domains.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kMaxLength = 4;

std::string without_dots(const std::string& text) {
    const std::size_t first = text.find_first_not_of('.');
    const std::size_t last = text.find_last_not_of('.');
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

gyre::Coro<> check(std::string tld) {
    std::puts("FOUND\t\tNOT FOUND");
    std::puts("=====\t\t=========");
    auto results = demo::multi_probe(demo::keyword_domains(kMaxLength, "." + without_dots(tld)));
    while (const auto result = co_await results.next()) {
        std::printf("%s%s\n", result->found ? "" : "\t\t", result->domain.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string tld;
    demo::Program program("domaincheck",
                          "Looks up Python's short keywords as domains below a top-level domain.");
    program.add_resolver();
    program.add_text("tld", tld, " ", "the top-level domain");
    return program.run(argc, argv, [&] {
        if (tld.empty()) {
            std::printf("Please provide a TLD. Example: %s COM.BR\n", argv[0]);
            return;
        }
        gyre::run(check(std::move(tld)), program.run_options());
    });
}
