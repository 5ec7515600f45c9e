// blogdom: which short keywords of Python are free as a blog's domain, in order of arrival.
#include "common/domains.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

gyre::Coro<> search(std::vector<std::string> domains) {
    std::vector<gyre::Coro<demo::Probe>> probes;
    for (std::string& domain : domains) {
        probes.push_back(demo::probe(std::move(domain)));
    }
    auto completions = gyre::as_completed(std::move(probes));
    while (const auto task = co_await completions.next()) {
        const demo::Probe result = co_await *task;
        std::printf("%c %s\n", result.found ? '+' : ' ', result.domain.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string suffix = ".dev";
    int max_length = 4;
    demo::Program program("blogdom",
                          "Looks up Python's keywords as domains: + marks those that exist.");
    program.add_resolver();
    program.add_text("--suffix", suffix, "SUFFIX", "what comes behind each keyword");
    program.add_number("--max-length", max_length, 0, "the most letters of a keyword");
    return program.run(argc, argv, [&] {
        std::vector<std::string> domains =
            demo::keyword_domains(static_cast<std::size_t>(max_length), suffix);
        gyre::run(search(std::move(domains)), program.run_options());
    });
}
