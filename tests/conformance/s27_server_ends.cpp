// Section 27: how a server and its connections end.
#include "serving.hpp"

#include <optional>
#include <system_error>

GYRE_TEST_CASE("Server: close stops listening at once, connections go on (S326)") {
    const faults::NoFaults none;  // a connection is accepted within so many iterations
    Server server = co_await start_server(until_eof, "127.0.0.1", 0);
    const std::uint16_t port = port_of(server);
    StreamPair client = co_await connect_to(server);
    co_await ticks(3);
    server.close();
    CHECK(server.sockets().empty());
    CHECK_FALSE(server.is_serving());
    CHECK_FALSE(connects(port));
    server.close();
    co_await ticks(3);
    CHECK_FALSE(client.reader.at_eof());
    client.writer.write("more");
    co_await client.writer.drain();
    co_await end_of(std::move(client));
    co_await server.wait_closed();
}

GYRE_TEST_CASE("Server: wait_closed until it is closed and no connection is left (S327)") {
    const faults::NoFaults none;  // a connection is accepted within so many iterations
    for (const bool close_first : {true, false}) {
        Server server = co_await start_server(until_eof, "127.0.0.1", 0);
        StreamPair client = co_await connect_to(server);
        co_await ticks(5);
        auto waiting = create_task(server.wait_closed());
        co_await ticks(3);
        CHECK(outcome(waiting) == "pending");
        if (close_first) {
            server.close();
        } else {
            co_await end_of(client);
        }
        co_await ticks(5);
        CHECK(outcome(waiting) == "pending");
        if (close_first) {
            co_await end_of(client);
        } else {
            server.close();
        }
        co_await waiting;
        co_await server.wait_closed();
    }
}

GYRE_TEST_CASE("Server: wait_closed does not wait for a connection that closes meanwhile (S327)") {
    const faults::NoFaults none;  // a connection is accepted within so many iterations
    Server server = co_await start_server(until_eof, "127.0.0.1", 0);
    StreamPair client = co_await connect_to(server);
    co_await ticks(5);
    auto waiting = create_task(server.wait_closed());
    server.close();
    client.writer.close();
    co_await waiting;
    co_await client.writer.wait_closed();
}

GYRE_TEST_CASE("Server: with() closes and waits (S328)") {
    const faults::NoFaults none;  // a connection is accepted within so many iterations
    Server server = co_await start_server(until_eof, "127.0.0.1", 0);
    std::optional<StreamPair> client;
    Event ended;
    int value = co_await with(server, [&]() -> Coro<int> {
        StreamPair pair = co_await connect_to(server);
        client = pair;
        co_await ticks(5);
        create_task([&]() -> Coro<> {
            co_await ticks(5);
            CHECK_FALSE(server.is_serving());
            ended.set();
            co_await end_of(*client);
        });
        co_return 5;
    });
    CHECK(value == 5);
    CHECK(ended.is_set());
    CHECK(server.sockets().empty());
    auto failing = with(co_await start_server(nothing, "127.0.0.1", 0),
                        []() -> Coro<> { co_await fails("body"); });
    std::string end = co_await ending(std::move(failing));
    CHECK(end == "body");
    CHECK(loop.statistics().descriptors == 0);
}

GYRE_TEST_CASE("Server: close_clients closes what it accepted, behind what waits (S329)") {
    auto handle = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        writer.write(megabyte);
        std::string data = co_await reader.read();
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    StreamPair one = co_await connect_to(server);
    StreamPair two = co_await connect_to(server);
    std::string data = co_await one.reader.readexactly(1);
    data = co_await two.reader.readexactly(1);
    server.close();
    server.close_clients();
    data = co_await one.reader.read();
    CHECK(data.size() == megabyte.size() - 1);
    data = co_await two.reader.read();
    CHECK(data.size() == megabyte.size() - 1);
    co_await server.wait_closed();
    co_await end_of(std::move(one));
    co_await end_of(std::move(two));
}

GYRE_TEST_CASE("Server: abort_clients drops what waits (S329)") {
    const std::string much(16 << 20, 'x');
    auto handle = [&much](StreamReader reader, StreamWriter writer) -> Coro<> {
        writer.write(much);
        std::string data = co_await ending(reader.read());
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    StreamPair client = co_await connect_to(server);
    std::string data = co_await client.reader.readexactly(1);
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    data = co_await ending(client.reader.read());
    CHECK(data.size() < much.size() - 1);
    data = co_await ending(end_of(client));
    server.abort_clients();
    server.close_clients();
}

GYRE_TEST_CASE("Server: it lives without a handle to it (S332)") {
    std::uint16_t port = 0;
    auto protocol = std::make_shared<Notes>();
    auto held = std::make_shared<std::optional<Server>>();
    {
        auto starting = create_server(
            [held, protocol] {
                held->value().close();
                return protocol;
            },
            "127.0.0.1", 0);
        Server server = co_await std::move(starting);
        *held = server;
        port = port_of(server);
    }
    StreamPair client = co_await open_connection("127.0.0.1", port);
    client.writer.write("hello");
    co_await end_of(std::move(client));
    co_await protocol->lost.wait();
    CHECK(protocol->data == "hello");
    co_await held->value().wait_closed();
    held->reset();
}

TEST_CASE("Server: a loop that closes ends it (S332, S306)") {
    for (const char* spec : {GYRE_TEST_LOOPS}) {
        INFO("loop: ", spec);
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        const auto protocol = std::make_shared<Notes>();
        std::uint16_t port = 0;
        std::optional<Server> kept;
        auto open = [&](bool keep) -> Coro<> {
            auto starting = create_server([protocol] { return protocol; }, "127.0.0.1", 0);
            Server server = co_await std::move(starting);
            port = port_of(server);
            if (keep) {
                kept = server;
            }
            Socket client = Socket::open(SocketAddress::Family::ipv4);
            client.connect(server.sockets()[0].getsockname());
            while (protocol->transport == nullptr) {
                co_await sleep(0s);
            }
        };
        run_until_complete(*loop, open(false));
        const std::uint16_t first = port;
        run_until_complete(*loop, open(true));
        protocol->transport = nullptr;
        CHECK(connects(first));
        CHECK(connects(port));
        loop->close();
        CHECK_FALSE(connects(first));
        CHECK_FALSE(connects(port));
        kept->close();
        kept.reset();
        loop.reset();
        CHECK(protocol.use_count() == 1);
    }
}
