// loops: the table of the event loops on this machine.
#include "common/program.hpp"

#include <gyre/loops.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using Row = std::array<std::string, 5>;

std::vector<Row> make_table() {
    std::vector<Row> table{{"LOOP", "ENGINE", "CLOCK", "USABLE", ""}};
    for (const gyre::LoopInfo& loop : gyre::available_loops()) {
        table.push_back({loop.name, loop.engine, loop.clock, loop.usable ? "yes" : "no",
                         loop.usable ? loop.description : loop.why_not});
    }
    return table;
}

void print_aligned(const std::vector<Row>& table) {
    std::array<std::size_t, 5> widths{};
    for (const Row& row : table) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    for (const Row& row : table) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        std::puts(line.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    demo::Program program("loops", "Lists the event loops, and which can be used on this machine.");
    return program.run(argc, argv, [&] {
        print_aligned(make_table());
        const auto chosen = gyre::new_event_loop(program.loop());
        std::printf("\nchosen here: %s\n", std::string(chosen->name()).c_str());
    });
}
