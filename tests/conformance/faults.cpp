// Calls of the system that are interrupted, refused and cut short: nobody notices.
#include "serving.hpp"

#include <cstdint>
#include <string>

using faults::Kind;

namespace {

// Bytes that differ, so that none can stand in for another.
std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        text[index] = static_cast<char>(index * 7 + index / 251);
    }
    return text;
}

Coro<> feed(StreamWriter writer, const std::string& text) {
    writer.write(text);
    co_await writer.drain();
    writer.write_eof();
}

Coro<std::string> through_echo(const std::string& text) {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    StreamPair pair = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    auto feeding = create_task(feed(pair.writer, text));
    std::string back = co_await pair.reader.read();
    co_await feeding;
    co_await end_of(pair);
    co_await end_of(server);
    co_return back;
}

}  // namespace

GYRE_TEST_CASE("faults: each kind comes, and every byte arrives, in its place") {
    const auto interrupted = faults::count(Kind::interrupted);
    const auto again = faults::count(Kind::again);
    const auto cut = faults::count(Kind::cut);
    const std::string text = pattern(100'000);
    const auto all_came = [&] {
        return faults::count(Kind::interrupted) > interrupted &&
               faults::count(Kind::again) > again && faults::count(Kind::cut) > cut;
    };
    // How many calls there are to refuse is a matter of chance, too.
    for (std::uint64_t seed = 7; seed < 27 && !all_came(); ++seed) {
        const faults::Faults some({seed, 0.3, 0.5});
        const std::string back = co_await through_echo(text);
        CHECK(back == text);
    }
    CHECK(faults::count(Kind::interrupted) > interrupted);
    CHECK(faults::count(Kind::again) > again);
    CHECK(faults::count(Kind::cut) > cut);
}

GYRE_TEST_CASE("faults: none where a case wants none") {
    const faults::NoFaults none;
    const auto interrupted = faults::count(Kind::interrupted);
    const std::string text = pattern(1000);
    const std::string back = co_await through_echo(text);
    CHECK(back == text);
    CHECK(faults::count(Kind::interrupted) == interrupted);
}
