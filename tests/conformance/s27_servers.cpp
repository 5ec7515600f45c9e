// Section 27: servers.
#include "connected.hpp"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <system_error>

namespace {

std::shared_ptr<Notes> notes() { return std::make_shared<Notes>(); }

Coro<> nothing(StreamReader, StreamWriter) { co_return; }

// Reads until the end of file.
Coro<> until_eof(StreamReader reader, StreamWriter writer) {
    std::string data = co_await reader.read();
    writer.close();
}

std::uint16_t port_of(const Server& server) { return server.sockets().at(0).port(); }

Coro<> end_of(Server server) {
    server.close();
    co_await server.wait_closed();
}

Coro<StreamPair> connect_to(const Server& server) {
    return open_connection("127.0.0.1", port_of(server));
}

Coro<> end_of(StreamPair pair) {
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

// What starting the server ends with: "serves", or the error.
template <class S>
Coro<std::string> attempt(S starting) {
    std::string end;
    try {
        Server server = co_await std::move(starting);
        end = "serves";
        co_await end_of(server);
    } catch (...) {
        end = name_of(std::current_exception());
    }
    co_return end;
}

bool connects(std::uint16_t port) {
    const faults::NoFaults none;  // an answer at once
    Socket socket = Socket::open(SocketAddress::Family::ipv4);
    const int flags = ::fcntl(socket.fileno(), F_GETFL);
    ::fcntl(socket.fileno(), F_SETFL, flags & ~O_NONBLOCK);
    try {
        return socket.connect(SocketAddress::ip("127.0.0.1", port));
    } catch (const std::system_error&) {
        return false;
    }
}

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

GYRE_TEST_CASE("Server: many connections that wait are accepted in one iteration (S330)" *
               in_order) {
    const faults::NoFaults none;
    int made = 0;
    auto factory = [&made] {
        ++made;
        return std::make_shared<Notes>();
    };
    auto starting = create_server(factory, "127.0.0.1", 0, {.backlog = 20});
    Server server = co_await std::move(starting);
    std::vector<Socket> clients(10);
    for (Socket& each : clients) {
        each = Socket::open(SocketAddress::Family::ipv4);
        each.connect(SocketAddress::ip("127.0.0.1", port_of(server)));
    }
    while (made == 0) {
        co_await sleep(0s);
    }
    CHECK(made == 10);
    server.abort_clients();
    co_await end_of(server);
}

GYRE_TEST_CASE("Server: a factory that fails drops that connection alone (S330)") {
    Reports reports(loop);
    int made = 0;
    std::shared_ptr<Notes> protocol;
    auto factory = [&] {
        switch (++made) {
            case 1:
                throw std::runtime_error("factory");
            case 2:
                return std::shared_ptr<Notes>();
            default:
                return protocol = std::make_shared<Notes>();
        }
    };
    Server server = co_await create_server(factory, "127.0.0.1", 0);
    for (int i = 0; i < 2; ++i) {
        StreamPair client = co_await connect_to(server);
        std::string data = co_await client.reader.read();
        CHECK(data.empty());
        co_await end_of(std::move(client));
    }
    CHECK(joined(reports.errors) == "factory ValueError");
    StreamPair client = co_await connect_to(server);
    client.writer.write("hello");
    co_await end_of(std::move(client));
    while (protocol == nullptr) {
        co_await sleep(0s);
    }
    co_await protocol->lost.wait();
    CHECK(protocol->data == "hello");
    co_await end_of(server);
}

GYRE_TEST_CASE("Server: without descriptors it reports, and tries again after a second (S331)") {
    if constexpr (GYRE_TEST_SANITIZED) {
        co_return;  // the sanitizer needs descriptors of its own to look at memory
    }
    Reports reports(loop);
    auto protocol = std::make_shared<Notes>();
    Server server = co_await create_server([&] { return protocol; }, "127.0.0.1", 0);
    Socket client = Socket::open(SocketAddress::Family::ipv4);
    client.connect(SocketAddress::ip("127.0.0.1", port_of(server)));
    ::rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    // Every number below the limit is in use.
    std::vector<int> filled;
    ::rlimit few = before;
    few.rlim_cur = 512;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
        filled.push_back(fd);
    }
    const auto start = loop.time();
    while (reports.count() == 0) {
        co_await sleep(0s);
    }
    CHECK(reports.messages.at(0).find("accept() failed") != std::string::npos);
    CHECK(reports.errors.at(0).find("Too many open files") != std::string::npos);
    CHECK(loop.statistics().descriptors == 0);
    CHECK(loop.statistics().timers == 1);
    for (const int fd : filled) {
        ::close(fd);
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    while (protocol->transport == nullptr) {
        co_await sleep(loop == "virtual" ? 100ms : 10ms);
    }
    CHECK(loop.time() - start >= 1s);
    CHECK(reports.count() == 1);
    protocol->transport->abort();
    co_await protocol->lost.wait();
    co_await end_of(server);
}

GYRE_TEST_CASE("Server: closed while it pauses for want of descriptors (S331, S326)") {
    if constexpr (GYRE_TEST_SANITIZED) {
        co_return;  // the sanitizer needs descriptors of its own to look at memory
    }
    Reports reports(loop);
    Server server = co_await create_server(notes, "127.0.0.1", 0);
    Socket client = Socket::open(SocketAddress::Family::ipv4);
    client.connect(SocketAddress::ip("127.0.0.1", port_of(server)));
    ::rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    std::vector<int> filled;
    ::rlimit few = before;
    few.rlim_cur = 512;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
        filled.push_back(fd);
    }
    while (reports.count() == 0) {
        co_await sleep(0s);
    }
    for (const int fd : filled) {
        ::close(fd);
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    co_await end_of(server);
    CHECK(loop.statistics().timers == 0);
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

// --- over Unix sockets --------------------------------------------------------------------------

namespace {

// A path in a directory of its own, both removed at the end.
class Path {
public:
    Path() {
        char pattern[] = "/tmp/gyre_test_XXXXXX";
        directory_ = ::mkdtemp(pattern);
    }
    Path(const Path&) = delete;
    Path& operator=(const Path&) = delete;
    ~Path() {
        ::unlink(text().c_str());
        ::rmdir(directory_.c_str());
    }
    [[nodiscard]] std::string text() const { return directory_ + "/socket"; }
    [[nodiscard]] bool there() const {
        struct stat status {};
        return ::stat(text().c_str(), &status) == 0;
    }

private:
    std::string directory_;
};

}  // namespace

GYRE_TEST_CASE("start_unix_server: serves on a path, which is removed at the end (S370)") {
    const Path path;
    auto handle = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        std::string line = co_await reader.readline();
        writer.write("got " + line);
        writer.close();
    };
    Server server = co_await start_unix_server(handle, path.text());
    CHECK(server.sockets()[0].getsockname().path() == path.text());
    StreamPair client = co_await open_unix_connection(path.text());
    CHECK(client.writer.get_extra_info("peername").path() == path.text());
    client.writer.write("it\n");
    std::string answer = co_await client.reader.read();
    CHECK(answer == "got it\n");
    co_await end_of(std::move(client));
    co_await end_of(server);
    CHECK_FALSE(path.there());

    server = co_await create_unix_server(notes, path.text(), {.cleanup_socket = false});
    auto made = co_await create_unix_connection(notes, path.text());
    made.first->close();
    co_await made.second->lost.wait();
    co_await end_of(server);
    CHECK(path.there());

    // What nobody listens on any more is replaced.
    server = co_await start_unix_server(handle, path.text());
    CHECK(::unlink(path.text().c_str()) == 0);
    Server successor = co_await start_unix_server(handle, path.text());
    co_await end_of(server);
    CHECK(path.there());
    co_await end_of(successor);
    CHECK_FALSE(path.there());

    std::string end = co_await ending(create_task(
        [&]() -> Coro<> { StreamPair pair = co_await open_unix_connection(path.text()); }));
    CHECK(end.find("connect unix:" + path.text()) != std::string::npos);
}

GYRE_TEST_CASE("create_server: over a Unix socket that is bound; its path is removed once (S370)") {
    const Path path;
    for (const bool gone : {false, true}) {
        Socket socket = Socket::open(SocketAddress::Family::local);
        socket.bind(SocketAddress::unix_path(path.text()));
        Server server = co_await start_server(until_eof, std::move(socket));
        StreamPair client = co_await open_unix_connection(path.text());
        co_await end_of(std::move(client));
        if (gone) {
            CHECK(::unlink(path.text().c_str()) == 0);
        }
        co_await end_of(server);
        CHECK_FALSE(path.there());
    }
}

GYRE_TEST_CASE("start_unix_server: a file in the way is an error; abstract names (S370)") {
    const Path path;
    const int file = ::open(path.text().c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    ::close(file);
    std::string end = co_await attempt(start_unix_server(nothing, path.text()));
    CHECK(end.find("Address already in use") != std::string::npos);
    CHECK(path.there());

    const std::string name = std::string(1, '\0') + path.text();
    Server server = co_await start_unix_server(until_eof, name);
    StreamPair client = co_await open_unix_connection(name);
    co_await end_of(std::move(client));
    co_await end_of(server);
    end = co_await attempt(start_unix_server(nothing, std::string(200, 'x')));
    CHECK(end == "ValueError");
}
