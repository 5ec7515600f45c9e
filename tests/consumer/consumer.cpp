// The smallest program that uses gyre from outside its tree.
#include <gyre/gyre.hpp>
#include <gyre/version.hpp>

gyre::Coro<int> answer() {
    co_await gyre::sleep(std::chrono::seconds(0));
    co_return 42;
}

int main() { return gyre::run(answer(), {.loop = "virtual"}) == 42 ? 0 : 1; }
