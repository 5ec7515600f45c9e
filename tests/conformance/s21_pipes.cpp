// Section 21: pipes of asynchronous generators.
#include "generators.hpp"

#include <optional>

GYRE_TEST_CASE("collect: filter, transform, take, with plain functions and coroutines (S261)") {
    auto even = [](int n) { return n % 2 == 0; };
    auto squared = [](int n) -> Coro<int> {
        co_await sleep(0s);
        co_return n* n;
    };
    auto small = [](int n) -> Coro<bool> {
        co_await sleep(0s);
        co_return n < 50;
    };
    auto text = [](int n) { return std::to_string(n); };
    std::vector<int> some = co_await collect(count(10) | filter(even) | transform(squared));
    CHECK(some == std::vector<int>{0, 4, 16, 36, 64});
    std::vector<std::string> texts = co_await collect(count(10) | transform(squared) |
                                                      filter(small) | transform(text) | take(3));
    CHECK(joined(texts) == "0 1 4");
    std::vector<int> none = co_await collect(count(3) | take(0));
    CHECK(none.empty());
}

GYRE_TEST_CASE("take: closes what it takes from (S264)") {
    Log log;
    std::vector<int> values = co_await collect(logged(log, "left") | take(2));
    CHECK(values == std::vector<int>{0, 1});
    CHECK(joined(log) == "left");
}

GYRE_TEST_CASE("a pipe that ends early, by take, an error or aclose(), closes its source (S264)") {
    Log log;
    auto even = [](int n) { return n % 2 == 0; };
    auto same = [](int n) { return n; };
    std::vector<int> values =
        co_await collect(awaits_at_end(log, 2) | filter(even) | transform(same) | take(2));
    CHECK(values == std::vector<int>{0, 2});
    CHECK(joined(log) == "cleaned");
    auto refuses = [](int n) {
        if (n == 2) {
            throw std::runtime_error("refused");
        }
        return n;
    };
    std::string end =
        co_await ending(collect(awaits_at_end(log, 2) | transform(refuses) | take(5)));
    CHECK(end == "refused");
    CHECK(joined(log) == "cleaned cleaned");
    AsyncGenerator<int> pipe = awaits_at_end(log, 2) | take(5) | filter(even);
    static_cast<void>(co_await pipe.next());
    co_await pipe.aclose();
    CHECK(joined(log) == "cleaned cleaned cleaned");
    CHECK(all_tasks().size() == 1);
}

GYRE_TEST_CASE("generators that use generators, deep (S93)") {
    struct Nested {
        static AsyncGenerator<int> level(int depth) {
            if (depth == 0) {
                AsyncGenerator<int> source = count(3);
                while (true) {
                    std::optional<int> value = co_await source.next();
                    if (!value) {
                        break;
                    }
                    co_yield *value;
                }
            } else {
                AsyncGenerator<int> below = level(depth - 1);
                while (true) {
                    std::optional<int> value = co_await below.next();
                    if (!value) {
                        break;
                    }
                    co_yield *value + 1;
                }
            }
        }
    };
    std::vector<int> values = co_await collect(Nested::level(300));
    CHECK(values == std::vector<int>{300, 301, 302});
}
