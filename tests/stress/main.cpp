// stress NAME [COUNT] [LOOP]: one line of figures, or what does not hold and status 1.
#include "stress.hpp"

#include <cstdlib>
#include <map>

namespace {

struct Program {
    gyre::Coro<> (*main)(int);
    int usual;
};

const std::map<std::string, Program> programs = {
    {"children", {stress::children, 1000}},
    {"idle", {stress::idle, 9000}},
    {"churn", {stress::churn, 20000}},
    {"out_of_descriptors", {stress::out_of_descriptors, 50}},
    {"resets", {stress::resets, 10000}},
    {"slow_reader", {stress::slow_reader, 64}},
    {"slow_loris", {stress::slow_loris, 2000}},
    {"signals", {stress::signals, 100000}},
};

}  // namespace

int main(int argc, char** argv) {
    const auto found = programs.find(argc > 1 ? argv[1] : "");
    if (found == programs.end()) {
        std::fputs("usage: stress NAME [COUNT] [LOOP]; NAME is one of", stderr);
        for (const auto& [name, program] : programs) {
            std::fprintf(stderr, " %s", name.c_str());
        }
        std::fputs("\n", stderr);
        return 2;
    }
    const int count = argc > 2 ? std::atoi(argv[2]) : found->second.usual;
    const std::string loop = argc > 3 ? argv[3] : "";
    try {
        gyre::run(found->second.main(count), {.loop = loop});
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
        return 1;
    }
}
