// Section 28: how a read waits, what it keeps meanwhile, and the forms it may be written in.
#include "connected.hpp"

#include <optional>

namespace {

std::exception_ptr an_error() { return std::make_exception_ptr(std::runtime_error("broken")); }

Coro<std::string> first_line(StreamReader reader) { return reader.readline(); }

}  // namespace

GYRE_TEST_CASE("StreamReader: a read that finds its bytes takes no turn and no frame (S334)" *
               in_order) {
    StreamReader reader;
    reader.feed_data("abcde\nf\ng;rest");
    const auto frames = detail::step.live_frames;
    const Ticks ticks_here(loop);
    std::string data = co_await reader.read(1);
    CHECK(data == "a");
    data = co_await reader.readexactly(2);
    CHECK(data == "bc");
    data = co_await reader.readline();
    CHECK(data == "de\n");
    data = co_await reader.readuntil();
    CHECK(data == "f\n");
    data = co_await reader.readuntil(";");
    CHECK(data == "g;");
    reader.feed_eof();
    auto rest = reader.read();
    CHECK(detail::step.live_frames == frames);
    data = co_await rest;
    CHECK(data == "rest");
    CHECK(ticks_here.count() == 0);
}

GYRE_TEST_CASE("StreamReader: a read begins when it is awaited, once (S334)") {
    StreamReader reader;
    auto late = reader.read(2);
    reader.feed_data("abcd");
    std::string data = co_await reader.read(1);
    CHECK(data == "a");
    data = co_await late;
    CHECK(data == "bc");
    std::string end = co_await ending(std::move(late));
    CHECK(end == "RuntimeError");
    { auto unused = reader.read(1); }
    data = co_await reader.read(5);
    CHECK(data == "d");

    // One name for reads of any kind.
    reader.feed_data("line\n");
    auto any = reader.read(1);
    any = reader.readline();
    data = co_await any;
    CHECK(data == "line\n");
}

GYRE_TEST_CASE("StreamReader: reads stand wherever a coroutine does (S334)" * in_order) {
    StreamReader reader;
    Task<std::string> named = create_task(reader.readline(), {.name = "line"});
    CHECK(named.get_name() == "line");
    co_await sleep(0s);
    reader.feed_data("one\n");
    std::string data = co_await named;
    CHECK(data == "one\n");

    reader.feed_data("two\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n");
    Coro<std::string> coro = reader.readline();
    data = co_await std::move(coro);
    CHECK(data == "two\n");
    data = co_await first_line(reader);
    CHECK(data == "three\n");
    data = co_await wait_for(reader.readline(), 1h);
    CHECK(data == "four\n");
    data = co_await shield(reader.readline());
    CHECK(data == "five\n");
    auto both = co_await gather(reader.readline(), reader.readexactly(2));
    CHECK(std::get<0>(both) == "six\n");
    CHECK(std::get<1>(both) == "se");
    auto limited = [&reader](Timeout&) { return reader.readuntil("\n"); };
    data = co_await timeout(1h, limited);
    CHECK(data == "ven\n");
    std::vector<Coro<std::string>> many;
    many.push_back(reader.readline());
    many.emplace_back(reader.readline());
    std::vector<std::string> lines = co_await gather(std::move(many));
    CHECK(lines == std::vector<std::string>{"eight\n", "nine\n"});
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        Task<std::string> last = group.create_task(reader.readline());
        std::string line = co_await last;
        CHECK(line == "ten\n");
    });
    auto called = create_task([&reader] { return reader.read(4); });
    reader.feed_data("call");
    data = co_await called;
    CHECK(data == "call");
    data = co_await wait_for(create_task(reader.read(0)), 1h);
    CHECK(data.empty());

    Stream s = co_await stream();
    Coro<> draining = s.writer.drain();
    co_await std::move(draining);
    co_await wait_for(s.writer.drain(), 1h);
    auto drained = co_await gather(s.writer.drain(), create_task(s.writer.drain()));
    static_cast<void>(drained);
    auto twice = s.writer.drain();
    co_await twice;
    std::string end = co_await ending(std::move(twice));
    CHECK(end == "RuntimeError");
    co_await s.close();
}

TEST_CASE("StreamReader: a read is run by a loop, outside of any coroutine") {
    const std::unique_ptr<EventLoop> loop = new_event_loop("virtual");
    StreamReader reader;
    reader.feed_data("abc");
    CHECK(run_until_complete(*loop, reader.read(2)) == "ab");
    CHECK(run(reader.read(2), {.loop = "virtual"}) == "c");
}

GYRE_TEST_CASE("StreamReader: woken, and the bytes taken by another one: it waits on (S334)" *
               in_order) {
    StreamReader reader;
    auto waiting = create_task(reader.read(10));
    co_await sleep(0s);
    reader.feed_data("first");
    std::string data = co_await reader.read(10);
    CHECK(data == "first");
    co_await ticks(3);
    CHECK(outcome(waiting) == "pending");
    reader.feed_data("second");
    data = co_await waiting;
    CHECK(data == "second");
}

GYRE_TEST_CASE("StreamReader: woken, and another one waits by the time it looks (S341)" *
               in_order) {
    StreamReader reader;
    auto waiting = create_task(ending(reader.readexactly(3)));
    co_await sleep(0s);
    reader.feed_data("abc");
    std::string data = co_await reader.read(2);
    CHECK(data == "ab");
    auto other = create_task(reader.readexactly(2), {.eager_start = true});
    std::string end = co_await waiting;
    CHECK(end == "RuntimeError");
    reader.feed_data("d");
    data = co_await other;
    CHECK(data == "cd");
}

GYRE_TEST_CASE("StreamReader: what another one takes is not searched (S336)" * in_order) {
    StreamReader reader;
    auto waiting = create_task(reader.readuntil("END"));
    co_await sleep(0s);
    reader.feed_data("some dataEN");
    co_await ticks(2);
    std::string data = co_await reader.read(9);
    CHECK(data == "some data");
    co_await ticks(2);
    reader.feed_data("D rest");
    data = co_await waiting;
    CHECK(data == "END");
}

GYRE_TEST_CASE("StreamReader: separators longer than what is there (S338)") {
    StreamReader reader;
    reader.feed_data("data");
    auto reading = create_task(reader.readuntil({std::string("A"), std::string("long sep")}));
    for (const char* chunk : {"Z", "Aaaa"}) {
        co_await ticks(2);
        CHECK(outcome(reading) == "pending");
        reader.feed_data(chunk);
    }
    std::string data = co_await reading;
    CHECK(data == "dataZA");

    StreamReader other;
    other.feed_data("ABCDEFG");
    auto overlapping = other.readuntil({std::string("DEF"), std::string("BCDE")});
    data = co_await overlapping;
    CHECK(data == "ABCDE");
}

GYRE_TEST_CASE("StreamReader: lines too long that come while it waits (S339)") {
    StreamReader reader(7);
    auto reading = create_task(ending(reader.readline()));
    co_await sleep(0s);
    for (const char* chunk : {"chunk1", "chunk2\n", "chunk3\n"}) {
        reader.feed_data(chunk);
    }
    reader.feed_eof();
    std::string end = co_await reading;
    CHECK(end == "ValueError");
    std::string line = co_await reader.readline();
    CHECK(line == "chunk3\n");
    CHECK(reader.at_eof());
}

GYRE_TEST_CASE("StreamReader: what is missing is in the error's text (S335, S336)") {
    StreamReader reader;
    reader.feed_data("line1\nline2\nline3\n");
    reader.feed_eof();
    std::string end = co_await ending(reader.readexactly(36));
    CHECK(end == "18 bytes read on a total of 36 expected bytes");
    end = co_await ending(reader.readuntil("x"));
    CHECK(end == "0 bytes read on a total of undefined expected bytes");
}

GYRE_TEST_CASE("StreamReader: a read that was woken has its bytes before an error (S342)" *
               in_order) {
    StreamReader reader;
    auto waiting = create_task(ending(reader.read(10)));
    co_await sleep(0s);
    reader.feed_data("data");
    reader.set_exception(an_error());
    std::string end = co_await waiting;
    CHECK(end == "data");
    end = co_await ending(reader.read(10));
    CHECK(end == "broken");

    StreamReader other;
    waiting = create_task(ending(other.readexactly(10)));
    co_await sleep(0s);
    other.feed_data("too few");
    other.set_exception(an_error());
    other.feed_eof();
    end = co_await waiting;
    CHECK(end == "broken");
}

GYRE_TEST_CASE("StreamReader: cancelled when its bytes are there already (S343)" * in_order) {
    StreamReader reader;
    auto reading = create_task(reader.read(10));
    co_await sleep(0s);
    reader.feed_data("data");
    reading.cancel();
    std::string end = co_await ending(reading);
    CHECK(end == "CancelledError");
    std::string data = co_await reader.read(10);
    CHECK(data == "data");

    // Cancelled first, and the bytes after; an error after.
    reading = create_task(reader.read(10));
    co_await sleep(0s);
    reading.cancel();
    reader.feed_data("more");
    end = co_await ending(reading);
    CHECK(end == "CancelledError");
    data = co_await reader.read(10);
    CHECK(data == "more");
    reading = create_task(reader.readline());
    co_await sleep(0s);
    reading.cancel();
    end = co_await ending(reading);
    CHECK(end == "CancelledError");
    reader.set_exception(an_error());
    end = co_await ending(reader.readline());
    CHECK(end == "broken");
}

GYRE_TEST_CASE("StreamReader: a frame that goes while it reads leaves the stream usable (S343)") {
    StreamReader reader;
    {
        auto gen = reader.lines();
        auto next = create_task([&gen]() -> Coro<> {
            auto line = co_await gen.next();
            CHECK_FALSE(line.has_value());
        });
        co_await ticks(2);
        next.cancel();
        std::string end = co_await ending(next);
        CHECK(end == "CancelledError");
    }
    reader.feed_data("line\n");
    std::string line = co_await reader.readline();
    CHECK(line == "line\n");
}

GYRE_TEST_CASE("StreamReader: what a waiting read needs is not held up (S333)") {
    Stream s = co_await stream({.limit = 16});
    auto reading = create_task(s.reader.readexactly((1 << 20) + 1));
    auto sending = create_task(sock_sendall(s.peer, megabyte));
    while (!sending.done()) {
        CHECK(s.writer.transport().is_reading());
        co_await sleep(0s);
    }
    CHECK(s.writer.transport().is_reading());
    co_await sock_sendall(s.peer, "x");
    std::string data = co_await reading;
    CHECK(data == megabyte + "x");
    co_await s.close();
}

GYRE_TEST_CASE("streams: blocks of every size, as they come and as they are taken (S334)") {
    Stream s = co_await stream({.limit = 1 << 22});
    std::string sent;
    std::string got;
    std::size_t size = 1;
    for (int i = 0; i < 60; ++i) {
        size = size * 7 % 300'007;
        std::string piece(size, static_cast<char>('a' + i % 26));
        for (std::size_t at = 0; at < piece.size(); at += 997) {
            piece[at] = static_cast<char>('A' + at % 26);
        }
        sent += piece;
        auto sending = create_task(sock_sendall(s.peer, piece));
        std::size_t left = size - size / 3;  // the rest comes on top of what is there
        while (left != 0) {
            std::string data = co_await s.reader.read(static_cast<std::ptrdiff_t>(left));
            left -= data.size();
            got += data;
        }
        co_await sending;
    }
    auto rest = s.reader.readexactly(static_cast<std::ptrdiff_t>(sent.size() - got.size()));
    got += co_await rest;
    CHECK((got == sent));
    co_await s.close();
}
