// waiting MODE: the ways to wait for f and g, and for h, which fails.
#include "common/clock.hpp"
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using std::chrono::seconds;

gyre::Coro<std::string> f(seconds delay, std::string what) {
    co_await gyre::sleep(delay);
    std::printf("function f %s\n", what.c_str());
    co_return what;
}

gyre::Coro<std::string> g(seconds delay, std::string what) {
    co_await gyre::sleep(delay);
    std::printf("function g %s\n", what.c_str());
    co_return what;
}

gyre::Coro<std::string> h(seconds delay, std::string what) {
    co_await gyre::sleep(delay);
    throw gyre::ValueError(what);
}

void print_both(const std::string& result_f, const std::string& result_g) {
    std::printf("%s %s\n", result_f.c_str(), result_g.c_str());
}

void print_list(const std::tuple<std::string, std::string>& results) {
    const auto& [result_f, result_g] = results;
    std::printf("['%s', '%s']\n", result_f.c_str(), result_g.c_str());
}

gyre::Coro<> awaits() {
    const std::string result_f = co_await f(2s, "prva");
    const std::string result_g = co_await g(2s, "druga");
    print_both(result_f, result_g);
}

gyre::Coro<> coroutines() {
    auto coro_f = f(2s, "prva");
    auto coro_g = g(2s, "druga");
    const std::string result_f = co_await std::move(coro_f);
    const std::string result_g = co_await std::move(coro_g);
    print_both(result_f, result_g);
}

gyre::Coro<> tasks() {
    auto task_f = gyre::create_task(f(2s, "prva"));
    auto task_g = gyre::create_task(g(2s, "druga"));
    co_await gyre::sleep(1s);
    const std::string result_f = co_await task_f;
    const std::string result_g = co_await task_g;
    print_both(result_f, result_g);
}

gyre::Coro<> gather() {
    const auto results = co_await gyre::gather(f(2s, "prva"), g(2s, "druga"));
    print_list(results);
}

gyre::Coro<> gather_error() {
    try {
        co_await gyre::gather(f(2s, "prva"), g(3s, "druga"), h(1s, "tretja"));
    } catch (const gyre::ValueError& error) {
        std::printf("gather failed: %s\n", error.what());
    }
    co_await gyre::sleep(3s);
}

gyre::Coro<> gather_exceptions() {
    std::vector<gyre::Coro<std::string>> all;
    all.push_back(f(2s, "prva"));
    all.push_back(g(2s, "druga"));
    all.push_back(h(2s, "tretja"));
    const auto results = co_await gyre::gather(gyre::return_exceptions, std::move(all));
    for (const gyre::Result<std::string>& result : results) {
        try {
            std::printf("%s\n", result.value().c_str());
        } catch (const std::exception& error) {
            std::printf("failed: %s\n", error.what());
        }
    }
}

gyre::Coro<> wait_for() {
    auto both = gyre::gather(f(1s, "prva"), g(2s, "druga"));
    try {
        const auto results = co_await gyre::wait_for(both, 1500ms);
        print_list(results);
    } catch (const gyre::TimeoutError&) {
        std::puts("oops took longer than 1.5s!");
    }
}

gyre::Coro<> timeout() {
    try {
        co_await gyre::timeout(2500ms, []() -> gyre::Coro<> {
            co_await f(2s, "prva");
            co_await g(2s, "druga");
        });
    } catch (const gyre::TimeoutError&) {
        std::puts("oops took longer than 2.5s!");
    }
}

gyre::Coro<> as_completed() {
    std::vector<gyre::Coro<std::string>> all;
    all.push_back(f(3s, "prva"));
    all.push_back(h(2s, "tretja"));
    all.push_back(g(1s, "druga"));
    auto completions = gyre::as_completed(std::move(all), 5s);
    while (const auto task = co_await completions.next()) {
        try {
            const std::string result = co_await *task;
            std::printf("one task down! %s\n", result.c_str());
        } catch (const gyre::ValueError& error) {
            std::printf("ouch %s\n", error.what());
        }
    }
}

gyre::Coro<> wait() {
    auto task_f = gyre::create_task(f(1s, "prva"));
    auto task_g = gyre::create_task(g(3s, "druga"));
    const std::vector both{task_f, task_g};
    const auto first = co_await gyre::wait(both, {.return_when = gyre::FIRST_COMPLETED});
    std::printf("done: %zu, pending: %zu\n", first.done.size(), first.pending.size());
    for (const gyre::Task<std::string>& task : first.done) {
        if (task == task_f) {
            const std::string result = co_await task_f;
            std::printf("The result of f() is %s.\n", result.c_str());
        }
    }
    for (gyre::Task<std::string> task : first.pending) {
        task.cancel();
    }
    co_await gyre::wait(first.pending);
    std::printf("g cancelled: %s\n", task_g.cancelled() ? "True" : "False");
}

gyre::Coro<> timed(gyre::Coro<> body) {
    std::printf("started at %s\n", demo::time_of_day().c_str());
    co_await std::move(body);
    std::printf("finished at %s\n", demo::time_of_day().c_str());
}

const std::map<std::string, gyre::Coro<> (*)()> modes{
    {"awaits", awaits},
    {"coroutines", coroutines},
    {"tasks", tasks},
    {"gather", gather},
    {"gather-error", gather_error},
    {"gather-exceptions", gather_exceptions},
    {"wait-for", wait_for},
    {"timeout", timeout},
    {"as-completed", as_completed},
    {"wait", wait},
};

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> names;
    for (const auto& [name, body] : modes) {
        names.push_back(name);
    }
    std::string mode;
    demo::Program program("waiting", "The ways to wait, and what each does with an error.");
    program.add_choice("MODE", mode, names, "how to wait");
    return program.run(argc, argv,
                       [&] { gyre::run(timed(modes.at(mode)()), {.loop = program.loop()}); });
}
