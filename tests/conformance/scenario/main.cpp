// scenario: prints the trace of a scenario, or compares stored ones with what they were.
#include "interpreter.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace {

constexpr const char* kUsage =
    "usage: scenario [--loop SPEC] FILE            print the trace of a scenario\n"
    "       scenario [--loop SPEC] --check PACK…   compare stored scenarios with their traces\n";

using Lines = std::vector<std::string>;

std::string read(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

// One of a pack: "=== NAME", the text, "--- trace", the trace.
struct Stored {
    std::string name;
    std::string text;
    Lines trace;
};

std::vector<Stored> read_pack(const std::string& path) {
    std::vector<Stored> pack;
    std::istringstream input(read(path));
    bool in_trace = false;
    for (std::string line; std::getline(input, line);) {
        if (line.starts_with("=== ")) {
            pack.push_back({line.substr(4), {}, {}});
            in_trace = false;
        } else if (pack.empty()) {
            throw std::runtime_error(path + " is no pack of scenarios");
        } else if (line == "--- trace") {
            in_trace = true;
        } else if (in_trace) {
            pack.back().trace.push_back(line);
        } else {
            pack.back().text += line + "\n";
        }
    }
    return pack;
}

// Prints the first line that differs. True if none does.
bool compare(const Stored& stored, const std::string& loop) {
    const Lines trace = scenario::Scenario(stored.text).run(loop);
    if (trace == stored.trace) {
        return true;
    }
    const auto [expected, actual] =
        std::mismatch(stored.trace.begin(), stored.trace.end(), trace.begin(), trace.end());
    std::printf("%s, line %td\n  expected: %s\n  actual:   %s\n", stored.name.c_str(),
                expected - stored.trace.begin() + 1,
                expected == stored.trace.end() ? "(nothing)" : expected->c_str(),
                actual == trace.end() ? "(nothing)" : actual->c_str());
    return false;
}

bool check(const std::vector<std::string>& packs, const std::string& loop) {
    std::size_t passed = 0;
    std::size_t failed = 0;
    for (const std::string& path : packs) {
        for (const Stored& stored : read_pack(path)) {
            ++(compare(stored, loop) ? passed : failed);
        }
    }
    std::printf("%zu passed, %zu failed\n", passed, failed);
    return failed == 0 && passed > 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::string loop = "virtual";
    bool stored = false;
    std::vector<std::string> files;
    for (int index = 1; index < argc; ++index) {
        if (std::strcmp(argv[index], "--loop") == 0 && index + 1 < argc) {
            loop = argv[++index];
        } else if (std::strcmp(argv[index], "--check") == 0) {
            stored = true;
        } else {
            files.emplace_back(argv[index]);
        }
    }
    if (files.empty() || (!stored && files.size() != 1)) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    try {
        if (stored) {
            return check(files, loop) ? 0 : 1;
        }
        for (const std::string& line : scenario::Scenario(read(files.front())).run(loop)) {
            std::puts(line.c_str());
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "scenario: %s\n", error.what());
        return 1;
    }
    return 0;
}
