// Section 28: StreamWriter.
#include "connected.hpp"

#include <optional>
#include <system_error>

GYRE_TEST_CASE("StreamWriter: write never waits; drain waits while too much waits (S345)") {
    Stream s = co_await stream();
    s.writer.write("hello ");
    s.writer.writelines({"wor", "ld"});
    s.writer.writelines(std::vector<std::string>{"!", "\n"});
    const Ticks ticks_here(loop);
    co_await s.writer.drain();
    CHECK(ticks_here.count() == 0);
    std::string data = co_await receive(s.peer, 13);
    CHECK(data == "hello world!\n");

    s.writer.write(megabyte);
    auto draining = create_task(s.writer.drain());
    co_await ticks(3);
    CHECK(outcome(draining) == "pending");
    std::size_t received = 0;
    while (received < megabyte.size()) {
        data = co_await sock_recv(s.peer, 1 << 16);
        received += data.size();
    }
    co_await draining;
    CHECK(s.writer.transport().get_write_buffer_size() == 0);
    co_await s.close();
}

GYRE_TEST_CASE("StreamWriter: drain throws the reader's error (S345)") {
    Stream s = co_await stream();
    s.reader.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
    std::string end = co_await ending(s.writer.drain());
    CHECK(end == "broken");
    co_await s.close();
}

GYRE_TEST_CASE("StreamWriter: drain on a closing transport yields, after its end fails (S345)" *
               in_order) {
    Stream s = co_await stream();
    s.writer.close();
    CHECK(s.writer.is_closing());
    const Ticks ticks_here(loop);
    std::string end = co_await ending(s.writer.drain());
    CHECK(ticks_here.count() == 1);
    CHECK(end.find("Connection reset") != std::string::npos);
    co_await s.writer.wait_closed();
    end = co_await ending(s.writer.drain());
    CHECK(end.find("Connection reset") != std::string::npos);
}

GYRE_TEST_CASE("StreamWriter: a loop of write and drain learns that the peer is gone (S345)") {
    Stream s = co_await stream();
    s.peer.close();
    std::string end = "done";
    while (end == "done") {
        s.writer.write("data");
        end = co_await ending(s.writer.drain());
    }
    const bool told = end.find("Connection reset") != std::string::npos;
    CHECK((told || end.find("Broken pipe") != std::string::npos));
    end = co_await ending(s.close());
    CHECK(end.find("Broken pipe") != std::string::npos);
}

GYRE_TEST_CASE("StreamWriter: several tasks may drain, and go on together (S346)") {
    Stream s = co_await stream();
    s.writer.write(megabyte);
    std::vector<Task<>> draining;
    for (int i = 0; i < 3; ++i) {
        draining.push_back(create_task(s.writer.drain()));
    }
    co_await ticks(2);
    draining[1].cancel();
    co_await ticks(2);
    CHECK(outcome(draining[0]) == "pending");
    CHECK(outcome(draining[1]) == "CancelledError");
    std::size_t received = 0;
    while (received < megabyte.size()) {
        std::string data = co_await sock_recv(s.peer, 1 << 16);
        received += data.size();
    }
    co_await draining[0];
    co_await draining[2];
    co_await s.close();
}

GYRE_TEST_CASE(
    "StreamWriter: an end of the connection ends drain, cleanly if it was clean (S347)") {
    for (const bool clean : {true, false}) {
        Stream s = co_await stream();
        s.writer.write(megabyte);
        auto draining = create_task(s.writer.drain());
        co_await ticks(2);
        if (clean) {
            s.writer.transport().abort();
        } else {
            s.peer.close();
        }
        std::string end = co_await ending(draining);
        CHECK((end == "done") == clean);
        std::string closed = co_await ending(s.writer.wait_closed());
        CHECK(closed == end);
    }
}

GYRE_TEST_CASE("StreamWriter: wait_closed until the end, with its error (S348)") {
    Stream s = co_await stream();
    s.writer.write(megabyte);
    s.writer.close();
    s.writer.close();
    auto closing = create_task(s.writer.wait_closed());
    co_await ticks(3);
    CHECK(outcome(closing) == "pending");
    std::size_t received = 0;
    while (received < megabyte.size()) {
        std::string data = co_await sock_recv(s.peer, 1 << 16);
        received += data.size();
    }
    co_await closing;
    co_await s.writer.wait_closed();
    std::string end = co_await sock_recv(s.peer, 1);
    CHECK(end.empty());

    const faults::NoFaults none;  // all is written before the peer closes
    Stream other = co_await stream();
    co_await sock_sendall(other.peer, "unread");
    other.writer.write("not read either");
    other.peer.close();
    std::string reading = co_await ending(other.reader.readexactly(100));
    std::string closed = co_await ending(other.writer.wait_closed());
    CHECK(reading.find("Connection reset") != std::string::npos);
    CHECK(closed == reading);
}

GYRE_TEST_CASE("StreamReader: after close it is at the end of file (S349)") {
    Stream s = co_await stream();
    auto reading = create_task(s.reader.read());
    co_await ticks(2);
    co_await s.close();
    co_await reading;
    CHECK(outcome(reading) == "");
    CHECK(s.reader.at_eof());
}

GYRE_TEST_CASE("streams: the peer's end of file leaves the way back open (S350)") {
    Stream s = co_await stream();
    s.peer.shutdown_write();
    std::string data = co_await s.reader.read();
    CHECK(data.empty());
    CHECK_FALSE(s.writer.is_closing());
    s.writer.write("answer");
    CHECK(s.writer.can_write_eof());
    s.writer.write_eof();
    CHECK(thrown_by([&] { s.writer.write("more"); }) == "RuntimeError");
    data = co_await receive_all(s.peer);
    CHECK(data == "answer");
    co_await s.close();
}

GYRE_TEST_CASE("StreamWriter: the last handle to go closes behind what was written (S355)") {
    std::optional<Stream> s(co_await stream());
    Socket peer = std::move(s->peer);
    StreamReader reader = s->reader;
    s->writer.write("last words");
    s.reset();
    std::string data = co_await receive_all(peer);
    CHECK(data == "last words");
    data = co_await reader.read();
    CHECK(data.empty());
}

GYRE_TEST_CASE("StreamWriter: debug mode reports one that nobody closed (S355)") {
    Reports reports(loop);
    const bool debug = loop.get_debug();
    for (const bool told : {true, false}) {
        loop.set_debug(told);
        for (const bool closed : {true, false}) {
            reports.messages.clear();
            std::optional<Stream> s(co_await stream());
            Socket peer = std::move(s->peer);
            const std::optional<StreamWriter> copy = s->writer;
            if (closed) {
                s->writer.close();
            }
            s.reset();
            CHECK(reports.count() == 0);
            s.emplace(StreamPair(StreamReader(), *copy), Socket());
            const_cast<std::optional<StreamWriter>&>(copy).reset();
            s.reset();
            CHECK(reports.count() == (told && !closed ? 1 : 0));
            CHECK(joined(reports.messages).starts_with(reports.count() == 0 ? "" : "unclosed Str"));
            std::string data = co_await sock_recv(peer, 1);
            CHECK(data.empty());
        }
    }
    loop.set_debug(debug);
}

GYRE_TEST_CASE("StreamWriter: drain waits for nothing and takes no turn while all is sent (S345)" *
               in_order) {
    Stream s = co_await stream();
    const auto frames = detail::step.live_frames;
    const Ticks ticks_here(loop);
    for (int i = 0; i < 100; ++i) {
        s.writer.write("some");
        auto draining = s.writer.drain();
        CHECK(detail::step.live_frames == frames);
        co_await draining;
    }
    CHECK(ticks_here.count() == 0);
    std::string data = co_await receive(s.peer, 400);
    CHECK(data.size() == 400);
    co_await s.close();
}

GYRE_TEST_CASE("StreamWriter: a write and a drain after close (S345)" * in_order) {
    Stream s = co_await stream();
    s.writer.close();
    s.writer.write("data");
    std::string end = co_await ending(s.writer.drain());
    CHECK(end.find("Connection reset") != std::string::npos);
    co_await s.writer.wait_closed();
}

GYRE_TEST_CASE(
    "StreamWriter: drain of one that closes with much to send waits for the end (S347)") {
    for (const bool clean : {true, false}) {
        Stream s = co_await stream();
        s.writer.write(megabyte);
        s.writer.close();
        auto draining = create_task(s.writer.drain());
        co_await ticks(5);
        CHECK(outcome(draining) == "pending");
        if (clean) {
            s.writer.transport().abort();
        } else {
            s.peer.close();
        }
        std::string end = co_await ending(draining);
        CHECK((end == "done") == clean);
        end = co_await ending(s.writer.wait_closed());
        CHECK((end == "done") == clean);
    }
}

GYRE_TEST_CASE("StreamWriter: a drain that is cancelled while it yields (S345)" * in_order) {
    Stream s = co_await stream();
    s.writer.close();
    auto draining = create_task(s.writer.drain());
    co_await sleep(0s);
    draining.cancel();
    std::string end = co_await ending(draining);
    CHECK(end == "CancelledError");
    co_await s.writer.wait_closed();
}

GYRE_TEST_CASE("StreamWriter: wait_closed with bytes that nobody reads (S348)") {
    Stream s = co_await stream();
    co_await sock_sendall(s.peer, "line\nunread");
    std::string line = co_await s.reader.readline();
    CHECK(line == "line\n");
    co_await s.close();
    CHECK(s.writer.is_closing());
}
