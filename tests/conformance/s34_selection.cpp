// Section 34: which loop it is.
#include "raw_loop.hpp"

#include <sys/resource.h>
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <thread>

// There only where UBSan is.
extern "C" [[gnu::weak]] void __ubsan_handle_dynamic_type_cache_miss_abort();

namespace {

// install() and GYRE_LOOP as they were before, at the end of a case.
class Defaults {
public:
    Defaults() {
        if (const char* value = std::getenv("GYRE_LOOP")) {
            before_ = value;
        }
        environment(nullptr);
    }
    Defaults(const Defaults&) = delete;
    Defaults& operator=(const Defaults&) = delete;
    ~Defaults() {
        install({});
        environment(before_ ? before_->c_str() : nullptr);
    }

    static void environment(const char* spec) {
        if (spec == nullptr) {
            ::unsetenv("GYRE_LOOP");
        } else {
            ::setenv("GYRE_LOOP", spec, 1);
        }
    }

private:
    std::optional<std::string> before_;
};

// No descriptor of this number or above can be opened while it lives.
class FewDescriptors {
public:
    explicit FewDescriptors(int limit) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        struct rlimit tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(limit);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    struct rlimit before_ {};
};

int lowest_free() {
    const int fd = ::dup(STDERR_FILENO);
    ::close(fd);
    return fd;
}

std::string name_of_new(std::string_view spec = {}) {
    return std::string(new_event_loop(spec)->name());
}

Coro<std::string> name_of_running() { co_return std::string(get_running_loop().name()); }

}  // namespace

TEST_CASE("a spec names its loop (S406)") {
    const Defaults defaults;
    for (const std::string_view spec : all_loops) {
        CHECK(name_of_new(spec) == spec);
    }
    CHECK(name_of_new("selector") == "selector:epoll");
    CHECK(name_of_new("virtual:42") == "virtual:42");
    CHECK(name_of_new("virtual:18446744073709551615") == "virtual:18446744073709551615");
}

TEST_CASE(
    "the argument goes before install(), that before GYRE_LOOP, that before uv (S406, S407)") {
    const Defaults defaults;
    CHECK(name_of_new() == "uv");
    Defaults::environment("selector:poll");
    CHECK(name_of_new() == "selector:poll");
    CHECK(run(name_of_running()) == "selector:poll");
    install("selector:select");
    CHECK(name_of_new() == "selector:select");
    CHECK(run(name_of_running()) == "selector:select");
    CHECK(name_of_new("virtual") == "virtual");
    CHECK(run(name_of_running(), {.loop = "virtual"}) == "virtual");
    install({});
    CHECK(name_of_new() == "selector:poll");
    Defaults::environment("");  // empty is unset
    CHECK(name_of_new() == "uv");
}

TEST_CASE("install() counts in every thread (S406)") {
    const Defaults defaults;
    std::thread([] { install("virtual:3"); }).join();
    CHECK(name_of_new() == "virtual:3");
}

TEST_CASE("an unknown spec is a ValueError that lists what there is (S406)") {
    const Defaults defaults;
    for (const std::string_view spec :
         {"nope", "uv:", "uv:fast", "selector:", "selector:kqueue", "virtual:", "virtual:x",
          "virtual:-1", "virtual:1.5", "virtual: 1", "virtual:18446744073709551616", " uv", "UV"}) {
        INFO("spec: ", spec);
        std::string text;
        try {
            static_cast<void>(new_event_loop(spec));
        } catch (const ValueError& error) {
            text = error.what();
        }
        CHECK(text.find("'" + std::string(spec) + "'") != std::string::npos);
        for (const std::string_view each : all_loops) {
            CHECK(text.find(each) != std::string::npos);
        }
        CHECK(thrown_by([&] { install(spec); }) == "ValueError");
        CHECK(thrown_by([&] { run(number(1), {.loop = spec}); }) == "ValueError");
    }
    CHECK(name_of_new() == "uv");  // a refused install() changes nothing
    Defaults::environment("nope");
    CHECK(thrown_by([] { return new_event_loop(); }) == "ValueError");
    CHECK(name_of_new("virtual") == "virtual");
}

TEST_CASE("new_event_loop() makes a loop that is nobody's running one (S406)") {
    on_each(all_loops, [](EventLoop& loop) {
        CHECK(thrown_by([] { return &get_running_loop(); }) == "RuntimeError");
        CHECK_FALSE(loop.is_running());
        CHECK_FALSE(loop.is_closed());
    });
}

GYRE_TEST_CASE("inside a coroutine or callback the running loop is the one that runs it (S406)" *
               in_order) {
    CHECK(&get_running_loop() == &loop);
    bool called = false;
    loop.call_soon([&] {
        called = true;
        CHECK(&get_running_loop() == &loop);
    });
    co_await sleep(0s);
    CHECK(called);
}

GYRE_TEST_CASE("another thread has no loop until it runs one (S408)") {
    std::string before;
    std::string inside;
    std::string after;
    std::thread([&] {
        before = thrown_by([] { return &get_running_loop(); });
        inside = run(name_of_running(), {.loop = "selector:poll"});
        after = thrown_by([] { return &get_running_loop(); });
    }).join();
    CHECK(before == "RuntimeError");
    CHECK(inside == "selector:poll");
    CHECK(after == "RuntimeError");
    co_return;
}

TEST_CASE("available_loops() lists each loop with what it is, and each listed one can be made") {
    const std::vector<LoopInfo> loops = available_loops();
    for (const std::string_view spec : all_loops) {
        INFO("loop: ", spec);
        const auto found = std::find_if(loops.begin(), loops.end(),
                                        [&](const LoopInfo& info) { return info.name == spec; });
        REQUIRE(found != loops.end());
        CHECK(found->usable);
        CHECK(found->why_not.empty());
        CHECK_FALSE(found->description.empty());
        CHECK_FALSE(found->engine.empty());
        CHECK_FALSE(found->clock.empty());
    }
    for (const LoopInfo& info : loops) {
        if (info.usable) {
            CHECK(name_of_new(info.name) == info.name);
        }
    }
}

TEST_CASE("a system that has no descriptor left is an error, said in the table, and no leak") {
    if (&__ubsan_handle_dynamic_type_cache_miss_abort != nullptr) {
        MESSAGE("left out: UBSan itself needs descriptors, to look at a type");
        return;
    }
    static_cast<void>(available_loops());  // libuv keeps a few for the process
    const int next = lowest_free();
    std::vector<std::string> thrown;
    std::vector<LoopInfo> loops;
    {
        const FewDescriptors none(next);
        for (const std::string_view spec : all_loops) {
            try {
                static_cast<void>(new_event_loop(spec));
            } catch (const std::system_error& error) {
                thrown.emplace_back(error.what());
            }
        }
        loops = available_loops();
    }
    CHECK(thrown.size() == all_loops.size());
    CHECK(std::all_of(loops.begin(), loops.end(), [](const LoopInfo& info) {
        return !info.usable && info.why_not.find("Too many open files") != std::string::npos;
    }));
    // With one left the loop fails half made. Not so for uv: libuv itself forgets one then.
    for (const std::string_view spec : {"selector:epoll", "selector:poll", "virtual"}) {
        {
            const FewDescriptors one(next + 1);
            static_cast<void>(thrown_by([&] { return new_event_loop(spec); }));
        }
        CHECK(lowest_free() == next);
    }
}
