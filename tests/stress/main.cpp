// stress NAME [COUNT] [LOOP]: one line of figures, or what does not hold and status 1.
#include "stress.hpp"

#include <cstdlib>
#include <map>

namespace {

struct Program {
    Program(gyre::Coro<> (*coroutine)(int), int count) : main(coroutine), usual(count) {}
    Program(void (*function)(int, const std::string&), int count) : plain(function), usual(count) {}

    void run(int count, const std::string& loop) const {
        if (plain != nullptr) {
            plain(count, loop);
        } else {
            gyre::run(main(count), {.loop = loop});
        }
    }

    gyre::Coro<> (*main)(int) = nullptr;
    void (*plain)(int, const std::string&) = nullptr;  // has loops of its own
    int usual;
};

const std::map<std::string, Program> programs = {
    {"children", {stress::children, 1000}},
    {"idle", {stress::idle, 9000}},
    {"churn", {stress::churn, 20000}},
    {"out_of_descriptors", {stress::out_of_descriptors, 50}},
    {"beyond_select", {stress::beyond_select, 2000}},
    {"resets", {stress::resets, 10000}},
    {"half_close", {stress::half_close, 64}},
    {"unread", {stress::unread, 1000}},
    {"in_flight", {stress::in_flight, 200}},
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
        found->second.run(count, loop);
        return 0;
    } catch (const gyre::ExceptionGroup& group) {
        std::fprintf(stderr, "%s: %s\n", argv[1], gyre::describe(group.exceptions()[0]).c_str());
        return 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
        return 1;
    }
}
