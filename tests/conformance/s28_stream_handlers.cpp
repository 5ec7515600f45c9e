// Section 28: the handlers of start_server(), and connections as a whole.
#include "serving.hpp"

#include <optional>

namespace {

// Sends, and gives what comes back until the end of file.
Coro<std::string> ask(std::uint16_t port, std::string question) {
    StreamPair connection = co_await open_connection("127.0.0.1", port);
    connection.writer.write(question);
    connection.writer.write_eof();
    std::string answer = co_await connection.reader.read();
    co_await end_of(connection);
    co_return answer;
}

}  // namespace

GYRE_TEST_CASE("start_server: the handler may be a coroutine function, in any form (S352)") {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets().at(0).port();
    std::string answer = co_await ask(port, "hello");
    CHECK(answer == "hello");
    co_await end_of(server);

    int clients = 0;
    auto by_reference = [&clients](StreamReader& reader, StreamWriter& writer) -> Coro<> {
        ++clients;
        std::string data = co_await reader.read();
        writer.write(data + data);
        co_await writer.drain();
    };
    server = co_await start_server(by_reference, "127.0.0.1", 0);
    answer = co_await ask(server.sockets()[0].port(), "ab");
    CHECK(answer == "abab");
    co_await end_of(server);

    auto by_const = [&clients](const StreamReader& reader, const auto& writer) -> Coro<> {
        ++clients;
        std::string line = co_await reader.readline();
        writer.write("got " + line);
    };
    server = co_await start_server(by_const, "127.0.0.1", 0);
    answer = co_await ask(server.sockets()[0].port(), "it\n");
    CHECK(answer == "got it\n");
    co_await end_of(server);
    CHECK(clients == 2);
}

GYRE_TEST_CASE("start_server: the handler may be a plain function (S352)") {
    std::optional<StreamWriter> kept;
    std::vector<Task<>> tasks;
    auto handle = [&](StreamReader reader, StreamWriter writer) {
        CHECK_FALSE(current_task());
        kept = writer;
        tasks.push_back(create_task(echo(reader, writer)));
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    std::string answer = co_await ask(server.sockets()[0].port(), "hello");
    CHECK(answer == "hello");
    CHECK(kept->get_extra_info("sockname").port() != 0);
    CHECK(kept->get_extra_info("peername").host() == "127.0.0.1");
    co_await gather(tasks);
    co_await end_of(server);
}

GYRE_TEST_CASE("start_server: a limit of 0 is a ValueError, not every connection's (S338)") {
    auto handle = [](StreamReader, StreamWriter) {};
    ServerOptions options;
    options.limit = 0;
    CHECK(thrown_by([&] { return start_server(handle, "127.0.0.1", 0, options); }) == "ValueError");
    co_return;
}

GYRE_TEST_CASE("start_server: a plain handler that throws is reported (S352)") {
    Reports reports(loop);
    auto handle = [](StreamReader, StreamWriter) { throw std::runtime_error("boom"); };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    std::string answer = co_await ask(server.sockets()[0].port(), "");
    CHECK(answer.empty());
    CHECK(joined(reports.errors) == "boom");
    co_await end_of(server);
}

GYRE_TEST_CASE("start_server: a handler that fails is reported and its connection closed (S353)") {
    Reports reports(loop);
    auto handle = [](StreamReader reader, StreamWriter) -> Coro<> {
        std::string line = co_await reader.readline();
        throw std::runtime_error(line);
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    std::string answer = co_await ask(server.sockets()[0].port(), "boom");
    CHECK(answer.empty());
    CHECK(joined(reports.messages) == "Unhandled exception in client_connected_cb");
    CHECK(joined(reports.errors) == "boom");
    co_await end_of(server);
}

GYRE_TEST_CASE("start_server: a handler that is cancelled closes its connection silently (S353)") {
    std::optional<StreamWriter> kept;
    auto handle = [&kept](StreamReader, StreamWriter writer) -> Coro<> {
        kept = writer;
        current_task().cancel();
        co_await forever();
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    std::string answer = co_await ask(server.sockets()[0].port(), "");
    CHECK(answer.empty());
    CHECK(kept->is_closing());
    co_await end_of(server);
}

GYRE_TEST_CASE("start_server: closing the server leaves the handlers alone (S354)") {
    Event started;
    auto handle = [&started](StreamReader reader, StreamWriter writer) -> Coro<> {
        started.set();
        co_await echo(std::move(reader), std::move(writer));
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    StreamPair client = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    co_await started.wait();
    server.close();
    client.writer.write("still there?\n");
    std::string line = co_await client.reader.readline();
    CHECK(line == "still there?\n");
    client.writer.close();
    co_await client.writer.wait_closed();
    co_await server.wait_closed();
}

GYRE_TEST_CASE("start_server: a handler that returns leaves a writer that others keep (S355)") {
    std::optional<StreamWriter> kept;
    Event left;
    auto handle = [&](StreamReader, StreamWriter writer) -> Coro<> {
        kept = writer;
        left.set();
        co_return;
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    StreamPair client = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    co_await left.wait();
    co_await ticks(3);
    CHECK_FALSE(kept->is_closing());
    kept->write("late");
    kept.reset();
    std::string data = co_await client.reader.read();
    CHECK(data == "late");
    client.writer.close();
    co_await client.writer.wait_closed();
    co_await end_of(server);
}

GYRE_TEST_CASE("streams: many clients at once") {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].port();
    std::vector<Coro<std::string>> asking;
    for (int i = 0; i < 20; ++i) {
        asking.push_back(ask(port, "question " + std::to_string(i)));
    }
    std::vector<std::string> answers = co_await gather(std::move(asking));
    for (int i = 0; i < 20; ++i) {
        CHECK(answers[static_cast<std::size_t>(i)] == "question " + std::to_string(i));
    }
    co_await end_of(server);
}

TEST_CASE("streams: a loop closed with a connection in use frees it (S306)") {
    for (const char* spec : {GYRE_TEST_LOOPS}) {
        INFO("loop: ", spec);
        const auto frames = detail::step.live_frames;
        std::optional<StreamWriter> writer;
        std::optional<Socket> peer;
        {
            std::unique_ptr<EventLoop> loop = new_event_loop(spec);
            const Reports reports(*loop);
            auto open = [&]() -> Coro<Task<>> {
                Stream s = co_await stream();
                writer = s.writer;
                peer = std::move(s.peer);
                Stream other = co_await stream();
                other.writer.write(megabyte);
                auto hold = [](Stream held) -> Coro<> {
                    std::string data = co_await held.reader.read();
                };
                co_return create_task(hold(std::move(other)));
            };
            Task<> held = run_until_complete(*loop, open());
            run_until_complete(*loop, ticks(2));
            loop->close();
            CHECK(joined(reports.messages) == "Task was destroyed but it is pending!");
        }
        CHECK(writer->is_closing());
        writer->write("ignored");
        writer->close();
        char byte = 0;
        const faults::NoFaults none;
        CHECK(peer->recv({&byte, 1}) == std::size_t{0});
        writer.reset();
        CHECK(detail::step.live_frames == frames);
    }
}
