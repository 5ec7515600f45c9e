// Section 28: StreamReader.
#include "connected.hpp"

#include <optional>

namespace {

StreamReader fed(std::string_view data, std::size_t limit = kDefaultStreamLimit) {
    StreamReader reader(limit);
    reader.feed_data(data);
    return reader;
}

std::exception_ptr an_error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// "partial/expected" of an IncompleteReadError, "consumed" of a LimitOverrunError, or the outcome.
Coro<std::string> detailed(Coro<std::string> reading) {
    std::string text;
    try {
        text = co_await std::move(reading);
    } catch (const IncompleteReadError& error) {
        const std::optional<std::size_t> expected = error.expected();
        text = "incomplete " + error.partial() + "/" +
               (expected ? std::to_string(*expected) : std::string("?"));
    } catch (const LimitOverrunError& error) {
        text = "overrun " + std::to_string(error.consumed());
    }
    co_return text;
}

}  // namespace

GYRE_TEST_CASE("StreamReader: a limit of 0 is a ValueError (S333)") {
    CHECK(thrown_by([] { StreamReader reader(0); }) == "ValueError");
    std::pair<Socket, Socket> ends = Socket::pair();
    auto opening = open_connection(std::move(ends.first), {.limit = 0});
    std::string end = co_await ending(std::move(opening));
    CHECK(end.find("ValueError") != std::string::npos);
    CHECK(kDefaultStreamLimit == 65536);
}

GYRE_TEST_CASE("StreamReader: reading pauses above twice the limit, resumes at the limit (S333)") {
    Stream s = co_await stream({.limit = 4096});
    const Transport& transport = s.writer.transport();
    co_await sock_sendall(s.peer, std::string(32768, 'x'));
    while (transport.is_reading()) {
        co_await sleep(0s);
    }
    std::string data = co_await s.reader.readexactly(1);
    CHECK_FALSE(transport.is_reading());
    std::size_t total = 1;
    while (!transport.is_reading()) {
        data = co_await s.reader.read(64);
        total += data.size();
    }
    data = co_await s.reader.readexactly(static_cast<std::ptrdiff_t>(32768 - total));
    CHECK(data.size() == 32768 - total);
    co_await s.close();
}

GYRE_TEST_CASE("StreamReader: read(n) gives what is there, up to n (S334)") {
    StreamReader reader = fed("hello world");
    std::string data = co_await reader.read(5);
    CHECK(data == "hello");
    data = co_await reader.read(100);
    CHECK(data == " world");
    data = co_await reader.read(0);
    CHECK(data.empty());

    auto reading = create_task(reader.read(30));
    co_await ticks(3);
    CHECK(outcome(reading) == "pending");
    reader.feed_data("late");
    co_await reading;
    CHECK(outcome(reading) == "late");
    reader.feed_eof();
    data = co_await reader.read(10);
    CHECK(data.empty());
}

GYRE_TEST_CASE("StreamReader: read(n) is not bound by the limit (S334)") {
    StreamReader reader = fed("chunk", 3);
    std::string data = co_await reader.read(5);
    CHECK(data == "chunk");
}

GYRE_TEST_CASE("StreamReader: read() reads until the end of file, beyond the limit (S334)") {
    StreamReader reader(3);
    auto reading = create_task(reader.read());
    co_await sleep(0s);
    reader.feed_data("chunk1\n");
    co_await ticks(2);
    reader.feed_data("chunk2");
    co_await ticks(2);
    CHECK(outcome(reading) == "pending");
    reader.feed_eof();
    co_await reading;
    CHECK(outcome(reading) == "chunk1\nchunk2");

    Stream s = co_await stream({.limit = 16});
    auto sending = create_task([&]() -> Coro<> {
        co_await sock_sendall(s.peer, megabyte);
        s.peer.close();
    });
    std::string all = co_await s.reader.read(-1);
    CHECK(all == megabyte);
    co_await sending;
    co_await s.close();
}

GYRE_TEST_CASE("StreamReader: readexactly (S335)") {
    StreamReader reader = fed("abcdef");
    std::string data = co_await reader.readexactly(0);
    CHECK(data.empty());
    data = co_await reader.readexactly(2);
    CHECK(data == "ab");
    std::string end = co_await ending(reader.readexactly(-1));
    CHECK(end == "ValueError");
    auto reading = create_task(reader.readexactly(6));
    co_await ticks(2);
    CHECK(outcome(reading) == "pending");
    reader.feed_data("ghijk");
    co_await reading;
    CHECK(outcome(reading) == "cdefgh");
    reader.feed_eof();
    end = co_await detailed(reader.readexactly(5));
    CHECK(end == "incomplete ijk/5");
    CHECK(reader.at_eof());
    data = co_await reader.read();
    CHECK(data.empty());
}

GYRE_TEST_CASE("StreamReader: readexactly beyond the limit does not wait for itself (S335, S333)") {
    Stream s = co_await stream({.limit = 3});
    auto sending = create_task(sock_sendall(s.peer, megabyte));
    std::string data = co_await s.reader.readexactly(1 << 20);
    CHECK(data == megabyte);
    co_await sending;
    co_await s.close();
}

GYRE_TEST_CASE("StreamReader: readuntil (S336)") {
    StreamReader reader = fed("one\ntwoAAA");
    std::string data = co_await reader.readuntil();
    CHECK(data == "one\n");
    data = co_await reader.readuntil("AA");
    CHECK(data == "twoAA");
    std::string end = co_await ending(reader.readuntil(""));
    CHECK(end == "ValueError");
    auto reading = ending(reader.readuntil(std::vector<std::string>{}));
    end = co_await std::move(reading);
    CHECK(end == "ValueError");
    reader.feed_data("rest");
    reader.feed_eof();
    end = co_await detailed(reader.readuntil("B"));
    CHECK(end == "incomplete Arest/?");
    CHECK(reader.at_eof());
}

GYRE_TEST_CASE("StreamReader: a separator in pieces, and its beginnings, are found (S336)") {
    for (const std::string separator : {"\r\n\r\n", "aab", "\n"}) {
        StreamReader reader;
        auto reading = create_task(reader.readuntil(separator));
        const std::string text = "aaa\r\n\raa" + separator;
        for (const char each : text) {
            co_await ticks(2);
            CHECK(outcome(reading) ==
                  (separator == "\n" && reading.done() ? "aaa\r\n" : "pending"));
            reader.feed_data(std::string(1, each));
        }
        co_await reading;
        CHECK(outcome(reading) == (separator == "\n" ? "aaa\r\n" : text));
    }
}

GYRE_TEST_CASE("StreamReader: the limit counts what comes before the separator (S337)") {
    StreamReader reader = fed("1234567\n12345678\n", 7);
    std::string end = co_await detailed(reader.readuntil());
    CHECK(end == "1234567\n");
    end = co_await detailed(reader.readuntil());
    CHECK(end == "overrun 8");
    end = co_await detailed(reader.readexactly(9));
    CHECK(end == "12345678\n");

    StreamReader other = fed("some data", 4);
    end = co_await detailed(other.readuntil("AAA"));
    CHECK(end == "overrun 7");
    other.feed_eof();
    std::string data = co_await other.read();
    CHECK(data == "some data");

    // The limit of a separator that has not come whole.
    StreamReader third = fed("dataAA", 3);
    end = co_await detailed(third.readuntil("AAA"));
    CHECK(end == "overrun 4");
    third.feed_data("A");
    end = co_await detailed(third.readuntil("AAA"));
    CHECK(end == "overrun 4");
    data = co_await third.read(100);
    CHECK(data == "dataAAA");
}

GYRE_TEST_CASE("StreamReader: of several separators the one that ends first (S338)") {
    const std::vector<std::string> separators{"AAA", "BB", "\r\n", "\n"};
    StreamReader reader = fed("aaaAAbbBBccAAA\r\nx");
    std::string data = co_await reader.readuntil(separators);
    CHECK(data == "aaaAAbbBB");
    data = co_await reader.readuntil(separators);
    CHECK(data == "ccAAA");
    data = co_await reader.readuntil(separators);
    CHECK(data == "\r\n");
    auto reading = ending(reader.readuntil({std::string("a"), std::string("")}));
    std::string end = co_await std::move(reading);
    CHECK(end == "ValueError");

    // The shortest of those that end there counts for the limit.
    StreamReader tight = fed("dataEND", 4);
    auto reading_2 = detailed(tight.readuntil({std::string("END"), std::string("D")}));
    data = co_await std::move(reading_2);
    CHECK(data == "overrun 6");
}

GYRE_TEST_CASE("StreamReader: several separators over chunks (S338)") {
    StreamReader reader;
    auto reading = create_task(reader.readuntil({std::string("aaab"), std::string("abc")}));
    for (const char* chunk : {"xaa", "a", "bc"}) {
        co_await ticks(2);
        CHECK(outcome(reading) == "pending");
        reader.feed_data(chunk);
    }
    co_await reading;
    CHECK(outcome(reading) == "xaaab");
}

GYRE_TEST_CASE("StreamReader: readline (S339)") {
    StreamReader reader = fed("line1\nline2");
    std::string line = co_await reader.readline();
    CHECK(line == "line1\n");
    auto reading = create_task(reader.readline());
    co_await ticks(2);
    CHECK(outcome(reading) == "pending");
    reader.feed_data(" end\nlast");
    co_await reading;
    CHECK(outcome(reading) == "line2 end\n");
    reader.feed_eof();
    line = co_await reader.readline();
    CHECK(line == "last");
    line = co_await reader.readline();
    CHECK(line.empty());
}

GYRE_TEST_CASE("StreamReader: a line too long is dropped, alone if its end is there (S339)") {
    StreamReader reader = fed("li\nne1\nline2\n", 3);
    std::string end = co_await ending(reader.readline());
    CHECK(end == "li\n");
    end = co_await ending(reader.readline());
    CHECK(end == "ne1\n");
    end = co_await ending(reader.readline());
    CHECK(end == "ValueError");
    reader.feed_data("ok\n");
    end = co_await ending(reader.readline());
    CHECK(end == "ok\n");
    reader.feed_data("endless");
    end = co_await ending(reader.readline());
    CHECK(end == "ValueError");
    reader.feed_data("ok\n");
    end = co_await ending(reader.readline());
    CHECK(end == "ok\n");
}

GYRE_TEST_CASE("StreamReader: at_eof once the end has come and all is read (S340)") {
    StreamReader reader;
    CHECK_FALSE(reader.at_eof());
    reader.feed_data("some data\n");
    reader.feed_data("");
    reader.feed_eof();
    CHECK_FALSE(reader.at_eof());
    std::string line = co_await reader.readline();
    CHECK(line == "some data\n");
    CHECK(reader.at_eof());
    CHECK(thrown_by([&] { reader.feed_data("more"); }) == "RuntimeError");
}

GYRE_TEST_CASE("StreamReader: a second task that waits is a RuntimeError (S341)" * in_order) {
    StreamReader reader;
    auto first = create_task(reader.readline());
    co_await sleep(0s);
    std::string end = co_await ending(reader.read(1));
    CHECK(end == "RuntimeError");
    end = co_await ending(reader.readexactly(1));
    CHECK(end == "RuntimeError");
    CHECK(outcome(first) == "pending");
    reader.feed_data("line\n");
    co_await first;
    CHECK(outcome(first) == "line\n");
}

GYRE_TEST_CASE("StreamReader: after an error every read throws it, also what waits (S342)") {
    StreamReader reader;
    CHECK(reader.exception() == nullptr);
    auto waiting = create_task(ending(reader.readline()));
    co_await ticks(2);
    reader.set_exception(an_error("broken"));
    std::string end = co_await waiting;
    CHECK(end == "broken");
    CHECK(name_of(reader.exception()) == "broken");

    StreamReader other = fed("line\n");
    other.set_exception(an_error("broken"));
    end = co_await ending(other.readline());
    CHECK(end == "broken");
    end = co_await ending(other.read(2));
    CHECK(end == "broken");
    end = co_await ending(other.read());
    CHECK(end == "broken");
    end = co_await ending(other.readexactly(2));
    CHECK(end == "broken");
    end = co_await ending(other.readuntil("x"));
    CHECK(end == "broken");
}

GYRE_TEST_CASE("StreamReader: a cancelled read takes no byte (S343)") {
    for (int kind = 0; kind < 4; ++kind) {
        StreamReader reader;
        Task<std::string> reading;
        switch (kind) {
            case 0:
                reading = create_task(reader.read());
                break;
            case 1:
                reading = create_task(reader.readexactly(10));
                break;
            case 2:
                reading = create_task(reader.readuntil("END"));
                break;
            default:
                reading = create_task(reader.readline());
        }
        co_await ticks(2);
        reader.feed_data("some ");
        co_await ticks(2);
        reader.feed_data("data");
        reading.cancel();
        std::string end = co_await ending(reading);
        CHECK(end == "CancelledError");
        reader.feed_data("\n");
        reader.feed_eof();
        std::string data = co_await reader.read();
        CHECK(data == "some data\n");
    }
}

GYRE_TEST_CASE("StreamReader: a read whose time is up leaves the data to the next (S343)") {
    Stream s = co_await stream();
    std::string end = co_await ending(wait_for(s.reader.readline(), 1ms));
    CHECK(end == "TimeoutError");
    co_await sock_sendall(s.peer, "line\n");
    std::string line = co_await s.reader.readline();
    CHECK(line == "line\n");
    co_await s.close();
}

GYRE_TEST_CASE("StreamReader: lines() gives each line until the end of file (S344)") {
    StreamReader reader = fed("line1\nline2\nline3");
    reader.feed_eof();
    std::vector<std::string> lines = co_await collect(reader.lines());
    CHECK(lines == std::vector<std::string>{"line1\n", "line2\n", "line3"});

    StreamReader slow;
    auto collecting = create_task(collect(slow.lines()));
    for (const char* chunk : {"a", "b\nc", "\n"}) {
        co_await ticks(3);
        slow.feed_data(chunk);
    }
    slow.feed_eof();
    lines = co_await collecting;
    CHECK(lines == std::vector<std::string>{"ab\n", "c\n"});
}

GYRE_TEST_CASE("StreamReader: a read goes on when the handle it was called on is gone") {
    std::optional<Stream> s(co_await stream());
    Task<std::string> reading = create_task(StreamReader(s->reader).readline());
    Coro<std::string> later = StreamReader(s->reader).read(3);
    Task<> draining = create_task(StreamWriter(s->writer).drain());
    co_await sock_sendall(s->peer, "line\nabc");
    co_await reading;
    co_await draining;
    CHECK(outcome(reading) == "line\n");
    std::string data = co_await std::move(later);
    CHECK(std::string("abc").starts_with(data));
    s->writer.close();
    Task<> closing = create_task(s->writer.wait_closed());
    s.reset();
    co_await closing;
}
