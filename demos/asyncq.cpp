// asyncq: producers and consumers, all at once, on a queue.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "common/random.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using Item = std::pair<std::string, demo::Nanoseconds>;  // what it is, when it was made

demo::Random dice;

std::string make_item(int size = 5) {
    std::random_device random;
    std::string item;
    for (int i = 0; i < 2 * size; ++i) {
        item += "0123456789abcdef"[random() % 16];
    }
    return item;
}

gyre::Coro<> random_sleep(std::string caller) {
    const int delay = dice.randint(0, 10);
    std::printf("%s sleeping for %d seconds.\n", caller.c_str(), delay);
    co_await gyre::sleep(std::chrono::seconds(delay));
}

gyre::Coro<> produce(int name, gyre::Queue<Item>& queue) {
    const int count = dice.randint(0, 10);
    for (int i = 0; i < count; ++i) {
        co_await random_sleep("Producer " + std::to_string(name));
        Item item(make_item(), gyre::get_running_loop().time());
        co_await queue.put(item);
        std::printf("Producer %d added <%s> to queue.\n", name, item.first.c_str());
    }
}

gyre::Coro<> consume(int name, gyre::Queue<Item>& queue) {
    while (true) {
        co_await random_sleep("Consumer " + std::to_string(name));
        const Item item = co_await queue.get();
        const demo::Seconds waited = gyre::get_running_loop().time() - item.second;
        std::printf("Consumer %d got element <%s> in %.5f seconds.\n", name, item.first.c_str(),
                    waited.count());
        queue.task_done();
    }
}

gyre::Coro<> produce_and_consume(int nprod, int ncon, gyre::Queue<Item>& queue) {
    std::vector<gyre::Task<>> producers;
    for (int i = 0; i < nprod; ++i) {
        producers.push_back(gyre::create_task(produce(i, queue)));
    }
    std::vector<gyre::Task<>> consumers;
    for (int i = 0; i < ncon; ++i) {
        consumers.push_back(gyre::create_task(consume(i, queue)));
    }
    co_await gyre::gather(std::move(producers));
    co_await queue.join();  // the consumers are done with every item, then
    for (gyre::Task<>& consumer : consumers) {
        consumer.cancel();
    }
}

}  // namespace

int main(int argc, char** argv) {
    int nprod = 5;
    int ncon = 10;
    demo::Program program("asyncq", "Producers and consumers on a queue.");
    program.add_number("-p,--nprod", nprod, 0, "how many producers");
    program.add_number("-c,--ncon", ncon, 0, "how many consumers");
    program.add_seed(dice);
    return program.run(argc, argv, [&] {
        gyre::Queue<Item> queue;  // outlives the consumers, which end with the runner
        gyre::Runner runner({.loop = program.loop()});
        const auto start = runner.get_loop().time();
        runner.run(produce_and_consume(nprod, ncon, queue));
        const demo::Seconds elapsed = runner.get_loop().time() - start;
        std::printf("Program completed in %.5f seconds.\n", elapsed.count());
    });
}
