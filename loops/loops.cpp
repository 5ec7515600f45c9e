#include "selector/selector_loop.hpp"
#include "uv/uv_loop.hpp"
#include "virtual/virtual_loop.hpp"

#include <gyre/errors.hpp>
#include <gyre/loops.hpp>

#include <sys/utsname.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <optional>

namespace gyre {

namespace {

constexpr std::string_view kDefault = "uv";

std::mutex installed_mutex;

std::string& installed_spec() {
    static std::string spec;
    return spec;
}

using LoopOwner = std::unique_ptr<EventLoop>;

LoopOwner make_uv() {
    auto* loop = new UvLoop;
    LoopOwner owner(loop);
    loop->open();
    return owner;
}

template <std::unique_ptr<Selector> (*make_selector)()>
LoopOwner make_selector_loop(std::string_view name) {
    auto* loop = new SelectorLoop(std::string(name), make_selector());
    LoopOwner owner(loop);
    loop->open();
    return owner;
}

LoopOwner make_virtual(std::optional<std::uint64_t> seed) {
    auto* loop = new VirtualLoop(seed);
    LoopOwner owner(loop);
    loop->open();
    return owner;
}

std::string kernel() {
    ::utsname system{};
    return ::uname(&system) == 0 ? std::string(system.sysname) + " " + system.release : "unknown";
}

struct Kind {
    std::string_view spec;
    std::string_view description;
    std::string_view clock;
    std::string (*engine)();
    LoopOwner (*make)();
};

// One row a loop: this table is what a new backend adds itself to.
const std::array kinds{
    Kind{"uv", "libuv's loop, as uvloop is to asyncio", "1 ms",
         [] { return std::string("libuv ") + uv_version_string(); }, [] { return make_uv(); }},
    Kind{"selector:epoll", "epoll, the best selector of Linux", "1 ns", kernel,
         [] { return make_selector_loop<make_epoll_selector>("selector:epoll"); }},
    Kind{"selector:poll", "poll, on every Unix", "1 ns", kernel,
         [] { return make_selector_loop<make_poll_selector>("selector:poll"); }},
    Kind{"selector:select", "select, for descriptors below 1024", "1 ns", kernel,
         [] { return make_selector_loop<make_select_selector>("selector:select"); }},
    Kind{"virtual",
         "a clock that jumps to the next deadline, for tests (virtual:SEED draws the order)",
         "exact", [] { return std::string("gyre"); }, [] { return make_virtual(std::nullopt); }},
};

std::optional<std::uint64_t> seed_of(std::string_view spec) {
    constexpr std::string_view prefix = "virtual:";
    if (!spec.starts_with(prefix)) {
        return std::nullopt;
    }
    const std::string_view digits = spec.substr(prefix.size());
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return seed;
}

[[noreturn]] void throw_unknown(std::string_view spec) {
    std::string text = "unknown loop '" + std::string(spec) + "'; there are: selector";
    for (const Kind& kind : kinds) {
        text += ", " + std::string(kind.spec);
    }
    throw ValueError(text + ", virtual:SEED");
}

LoopOwner make(std::string_view spec) {
    if (const auto seed = seed_of(spec)) {
        return make_virtual(seed);
    }
    const std::string_view full = spec == "selector" ? "selector:epoll" : spec;
    for (const Kind& kind : kinds) {
        if (kind.spec == full) {
            return kind.make();
        }
    }
    throw_unknown(spec);
}

void check_spec(std::string_view spec) {
    bool known = spec == "selector" || seed_of(spec).has_value();
    for (const Kind& kind : kinds) {
        known = known || kind.spec == spec;
    }
    if (!known) {
        throw_unknown(spec);
    }
}

}  // namespace

std::vector<LoopInfo> available_loops() {
    std::vector<LoopInfo> rows;
    for (const Kind& kind : kinds) {
        LoopInfo row;
        row.name = kind.spec;
        row.description = kind.description;
        row.engine = kind.engine();
        row.clock = kind.clock;
        try {
            kind.make();
        } catch (const std::exception& error) {
            row.usable = false;
            row.why_not = error.what();
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::unique_ptr<EventLoop> new_event_loop(std::string_view spec) {
    if (!spec.empty()) {
        return make(spec);
    }
    {
        const std::lock_guard lock(installed_mutex);
        if (!installed_spec().empty()) {
            return make(installed_spec());
        }
    }
    const char* from_environment = std::getenv("GYRE_LOOP");
    return make(from_environment != nullptr && *from_environment != '\0' ? from_environment
                                                                         : kDefault);
}

void install(std::string_view spec) {
    if (!spec.empty()) {
        check_spec(spec);
    }
    const std::lock_guard lock(installed_mutex);
    installed_spec() = spec;
}

}  // namespace gyre
