// Calls of the system that are interrupted, refused and cut short: nobody notices.
#include "connected.hpp"

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

Coro<> echo_back(StreamReader reader, StreamWriter writer) {
    while (true) {
        std::string data = co_await reader.read(65536);
        if (data.empty()) {
            break;
        }
        writer.write(data);
        co_await writer.drain();
    }
    writer.close();
}

Coro<> feed(StreamWriter writer, const std::string& text) {
    writer.write(text);
    co_await writer.drain();
    writer.write_eof();
}

Coro<std::string> through_echo(const std::string& text) {
    Server server = co_await start_server(echo_back, "127.0.0.1", 0);
    StreamPair pair = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    auto feeding = create_task(feed(pair.writer, text));
    std::string back = co_await pair.reader.read();
    co_await feeding;
    pair.writer.close();
    co_await pair.writer.wait_closed();
    server.close();
    co_await server.wait_closed();
    co_return back;
}

}  // namespace

GYRE_TEST_CASE("faults: each kind comes, and every byte arrives, in its place") {
    const auto interrupted = faults::count(Kind::interrupted);
    const auto again = faults::count(Kind::again);
    const auto cut = faults::count(Kind::cut);
    const std::string text = pattern(100'000);
    {
        const faults::Faults some({7, 0.3, 0.5});
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
