// Section 27: servers, where they listen and from when on.
#include "serving.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <system_error>

namespace {

int option_of(const ServerSocket& socket, int level, int name) {
    int value = -1;
    ::socklen_t size = sizeof value;
    ::getsockopt(socket.fileno(), level, name, &value, &size);
    return value;
}

}  // namespace

GYRE_TEST_CASE("create_server: port 0 is a free one, the socket's address tells (S322)") {
    Server server = co_await create_server(notes, "127.0.0.1", 0);
    CHECK(server.sockets().size() == 1);
    const ServerSocket socket = server.sockets()[0];
    CHECK(socket.getsockname().host() == "127.0.0.1");
    CHECK(socket.port() != 0);
    CHECK(option_of(socket, SOL_SOCKET, SO_REUSEADDR) == 1);
    CHECK(option_of(socket, SOL_SOCKET, SO_REUSEPORT) == 0);
    CHECK(&server.get_loop() == &loop);
    co_await end_of(server);
    auto starting =
        create_server(notes, "127.0.0.1", 0, {.reuse_address = false, .reuse_port = true});
    server = co_await std::move(starting);
    CHECK(option_of(server.sockets()[0], SOL_SOCKET, SO_REUSEADDR) == 0);
    CHECK(option_of(server.sockets()[0], SOL_SOCKET, SO_REUSEPORT) == 1);
    co_await end_of(server);
}

GYRE_TEST_CASE("create_server: an empty host is every interface (S322)") {
    Server server = co_await create_server(notes, "", 0);
    CHECK(server.sockets().size() >= 1);
    for (const ServerSocket& socket : server.sockets()) {
        const std::string host = socket.getsockname().host();
        CHECK((host == "0.0.0.0" || host == "::"));
        if (host == "::") {
            CHECK(option_of(socket, IPPROTO_IPV6, IPV6_V6ONLY) == 1);
        } else {
            CHECK(connects(socket.port()));
        }
    }
    co_await ticks(3);
    server.abort_clients();
    co_await end_of(server);

    auto starting = create_server(notes, "", 0, {.family = AF_INET});
    server = co_await std::move(starting);
    CHECK(server.sockets().size() == 1);
    CHECK(server.sockets()[0].getsockname().host() == "0.0.0.0");
    co_await end_of(server);
}

GYRE_TEST_CASE("create_server: several hosts, each once (S322)") {
    const std::vector<std::string> hosts{"127.0.0.1", "127.0.0.2", "127.0.0.1"};
    Server server = co_await create_server(notes, hosts, 0);
    std::string text;
    for (const ServerSocket& socket : server.sockets()) {
        text += socket.getsockname().host() + " ";
    }
    CHECK(text == "127.0.0.1 127.0.0.2 ");
    co_await end_of(server);
    server = co_await start_server(nothing, hosts, 0);
    CHECK(server.sockets().size() == 2);
    co_await end_of(server);
    std::string end = co_await attempt(create_server(notes, std::vector<std::string>{}, 0));
    CHECK(end.find("no address") != std::string::npos);
}

GYRE_TEST_CASE("create_server: over a socket that is bound, of streams only (S322, S307)") {
    Socket socket = Socket::open(SocketAddress::Family::ipv4);
    socket.bind(SocketAddress::ip("127.0.0.1", 0));
    const SocketAddress address = socket.local_address();
    Server server = co_await create_server(notes, std::move(socket));
    CHECK(server.sockets()[0].getsockname() == address);
    CHECK(connects(address.port()));
    server.abort_clients();
    co_await end_of(server);
    server = co_await start_server(nothing, listening());
    CHECK(connects(port_of(server)));
    co_await end_of(server);
    std::string end = co_await attempt(
        create_server(notes, Socket::open(SocketAddress::Family::ipv4, Socket::Kind::datagram)));
    CHECK(end == "ValueError");
}

GYRE_TEST_CASE("create_server: an address in use is an error that names it; nothing stays (S323)") {
    const std::string here = own_host();
    Server first = co_await create_server(notes, here, 0);
    const std::uint16_t port = port_of(first);
    const std::vector<std::string> hosts{"127.0.0.2", here};
    std::string text;
    std::error_code code;
    try {
        Server second = co_await create_server(notes, hosts, port);
    } catch (const std::system_error& error) {
        text = error.what();
        code = error.code();
    }
    CHECK(code == std::errc::address_in_use);
    CHECK(text.find(here + ":" + std::to_string(port)) != std::string::npos);
    CHECK(loop.statistics().descriptors == 1);
    Server third = co_await create_server(notes, "127.0.0.2", port);
    co_await end_of(third);
    co_await end_of(first);
}

GYRE_TEST_CASE("create_server: an address that is not ours is left out, unless it is all (S323)") {
    std::string end = co_await attempt(create_server(notes, "203.0.113.1", 0));
    CHECK(end.find("bind 203.0.113.1:0") != std::string::npos);
    const std::vector<std::string> hosts{"203.0.113.1", "127.0.0.1", "198.51.100.1"};
    Server server = co_await create_server(notes, hosts, 0);
    CHECK(server.sockets().size() == 1);
    co_await end_of(server);
}

GYRE_TEST_CASE("create_server: if one socket cannot listen, none does (S323)") {
    const std::string here = own_host();
    // Bound beside each other, only one of them can listen.
    Socket taken = Socket::open(SocketAddress::Family::ipv4);
    taken.set_reuse_address(true);
    taken.bind(SocketAddress::ip(here, 0));
    const std::uint16_t port = taken.local_address().port();
    const std::vector<std::string> hosts{"127.0.0.2", here};
    auto starting = create_server(notes, hosts, port, {.start_serving = false});
    Server server = co_await std::move(starting);
    taken.listen(1);
    std::string end = co_await ending(server.start_serving());
    CHECK(end.find("Address already in use") != std::string::npos);
    co_await end_of(server);
    taken.close();
    server = co_await create_server(notes, hosts, port);
    co_await end_of(server);
}

GYRE_TEST_CASE("create_server: it serves at once, or when told to, once (S324)") {
    Server server = co_await create_server(notes, "127.0.0.1", 0);
    CHECK(server.is_serving());
    CHECK(connects(port_of(server)));
    co_await server.start_serving();
    server.abort_clients();
    co_await end_of(server);

    auto starting = create_server(notes, "127.0.0.1", 0, {.start_serving = false});
    server = co_await std::move(starting);
    CHECK_FALSE(server.is_serving());
    CHECK_FALSE(connects(port_of(server)));
    CHECK(loop.statistics().descriptors == 0);
    co_await server.start_serving();
    co_await server.start_serving();
    CHECK(server.is_serving());
    CHECK(connects(port_of(server)));
    server.abort_clients();
    co_await end_of(server);
    std::string end = co_await ending(server.start_serving());
    CHECK(end == "RuntimeError");

    server = co_await start_server(until_eof, "127.0.0.1", 0, {.start_serving = false});
    auto serving = create_task(server.serve_forever());
    co_await ticks(2);
    CHECK(server.is_serving());
    StreamPair client = co_await connect_to(server);
    co_await end_of(std::move(client));
    serving.cancel();
    end = co_await ending(serving);
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("serve_forever: one at a time, not on a closed server (S325)" * in_order) {
    Server server = co_await start_server(nothing, "127.0.0.1", 0);
    auto serving = create_task(server.serve_forever());
    co_await sleep(0s);
    std::string end = co_await ending(server.serve_forever());
    CHECK(end == "RuntimeError");
    CHECK(outcome(serving) == "pending");
    serving.cancel("enough");
    end = co_await ending(serving);
    CHECK(end == "CancelledError(enough)");
    CHECK_FALSE(server.is_serving());
    end = co_await ending(server.serve_forever());
    CHECK(end == "RuntimeError");
}

GYRE_TEST_CASE("serve_forever: cancelled, it closes and waits for the connections (S325)") {
    const faults::NoFaults none;  // a connection is accepted within so many iterations
    for (const bool by_close : {false, true}) {
        Server server = co_await start_server(until_eof, "127.0.0.1", 0);
        auto serving = create_task(server.serve_forever());
        StreamPair client = co_await connect_to(server);
        client.writer.write("something");
        co_await ticks(5);
        if (by_close) {
            server.close();
        } else {
            serving.cancel();
        }
        co_await ticks(5);
        CHECK(outcome(serving) == "pending");
        CHECK_FALSE(server.is_serving());
        co_await end_of(std::move(client));
        std::string end = co_await ending(serving);
        CHECK(end == "CancelledError");
    }
}

GYRE_TEST_CASE("serve_forever: a second cancel ends it although connections are left (S325)") {
    const faults::NoFaults none;  // a connection is accepted within so many iterations
    Server server = co_await start_server(until_eof, "127.0.0.1", 0);
    auto serving = create_task(server.serve_forever());
    StreamPair client = co_await connect_to(server);
    co_await ticks(5);
    serving.cancel("first");
    co_await ticks(2);
    serving.cancel("second");
    std::string end = co_await ending(serving);
    CHECK(end == "CancelledError(second)");
    co_await end_of(std::move(client));
    co_await server.wait_closed();
}
