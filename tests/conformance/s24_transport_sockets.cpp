// Section 24: a transport's socket, context and loop.
#include "connected.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <optional>

GYRE_TEST_CASE("transport: get_extra_info, also after the end (S303)") {
    auto c = co_await connected_by_tcp();
    const SocketAddress own = c.peer.peer_address();
    const SocketAddress other = c.peer.local_address();
    CHECK(c.transport->get_extra_info("sockname") == own);
    CHECK(c.transport->get_extra_info("peername") == other);
    CHECK(c.transport->sockname() == own);
    CHECK(c.transport->peername() == other);
    CHECK_FALSE(c.transport->get_extra_info("nonsense"));
    CHECK(c.transport->fileno() >= 0);
    co_await c.close();
    CHECK(c.transport->get_extra_info("sockname") == own);
    CHECK(c.transport->get_extra_info("peername") == other);
}

GYRE_TEST_CASE("transport: TCP_NODELAY is set, on both ends (S304)") {
    const auto nodelay = [](int fd) {
        int on = 0;
        ::socklen_t size = sizeof on;
        ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size);
        return on != 0;
    };
    auto protocol = std::make_shared<Notes>();
    Server server = co_await create_server([&] { return protocol; }, "127.0.0.1", 0);
    auto client = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    CHECK(nodelay(client.writer.transport().fileno()));
    while (protocol->transport == nullptr) {
        co_await sleep(0s);
    }
    CHECK(nodelay(protocol->transport->fileno()));
    client.writer.close();
    co_await client.writer.wait_closed();
    co_await protocol->lost.wait();
    server.close();
    co_await server.wait_closed();
}

GYRE_TEST_CASE("transport: its descriptor is nobody else's (S305)") {
    auto c = co_await connected();
    const int fd = c.transport->fileno();
    CHECK(thrown_by([&] { loop.add_reader(fd, [] {}); }) == "RuntimeError");
    CHECK(thrown_by([&] { loop.add_writer(fd, [] {}); }) == "RuntimeError");
    CHECK(thrown_by([&] { loop.remove_reader(fd); }) == "RuntimeError");
    CHECK(thrown_by([&] { loop.remove_writer(fd); }) == "RuntimeError");
    co_await c.close();
}

TEST_CASE("transport: a descriptor that the loop cannot watch ends it, and says why (S286, S292)") {
    const auto body = []() -> Coro<> {
        std::pair<Socket, Socket> ends = Socket::pair();
        const int high = ::fcntl(ends.first.fileno(), F_DUPFD_CLOEXEC, FD_SETSIZE);
        if (high < 0) {
            MESSAGE("left out: no number is so high");
            co_return;
        }
        auto protocol = std::make_shared<Notes>();
        auto made = co_await create_connection([&] { return protocol; }, Socket(high));
        co_await protocol->lost.wait();
        CHECK(joined(protocol->log) == "made lost");
        CHECK(name_of(protocol->error) == "ValueError");
        CHECK(::fcntl(high, F_GETFD) < 0);
    };
    run(body(), {.loop = "selector:select"});
}

GYRE_TEST_CASE("transport: the protocol's calls see the context of who made it (S283)") {
    static ContextVar<std::string> user("user", "nobody");
    class Users : public Notes {
    public:
        void connection_made(const std::shared_ptr<Transport>& made) override {
            transport = made;
            log.push_back("made:" + user.get());
        }
        void data_received(std::string_view /*bytes*/) override {
            log.push_back("data:" + user.get());
            came.set();
        }
        void pause_writing() override { log.push_back("pause:" + user.get()); }
        void resume_writing() override { log.push_back("resume:" + user.get()); }
        void connection_lost(std::exception_ptr /*reason*/) override {
            log.push_back("lost:" + user.get());
            lost.set();
        }
    };
    const faults::NoCuts whole;  // data once
    user.set("eve");
    auto c = co_await connected(std::make_shared<Users>());
    user.set("mallory");
    c.transport->pause_reading();
    c.transport->resume_reading();
    co_await sock_sendall(c.peer, "data");
    co_await c.protocol->came.wait();
    c.transport->write(megabyte);
    std::string data = co_await receive(c.peer, megabyte.size());
    co_await c.close();
    CHECK(joined(c.protocol->log) == "made:eve data:eve pause:eve resume:eve lost:eve");
    CHECK(user.get() == "mallory");
}

TEST_CASE("transport: a loop that closes closes the descriptor, and says so in debug mode (S306)") {
    for (const char* spec : {GYRE_TEST_LOOPS}) {
        INFO("loop: ", spec);
        std::unique_ptr<EventLoop> loop = new_event_loop(spec);
        loop->set_debug(true);
        loop->slow_callback_duration = 1h;
        Reports reports(*loop);
        std::weak_ptr<Transport> transport;
        auto protocol = std::make_shared<Notes>();
        Socket peer;
        auto open = [&]() -> Coro<> {
            auto c = co_await connected(protocol);
            c.transport->write(megabyte);
            transport = c.transport;
            peer = std::move(c.peer);
        };
        run_until_complete(*loop, open());
        protocol->transport = nullptr;
        CHECK_FALSE(transport.expired());
        loop->close();
        CHECK(transport.expired());
        CHECK(reports.count() == 1);
        CHECK(reports.messages.at(0).find("unclosed transport") != std::string::npos);
        CHECK(joined(protocol->log) == "made pause");
        CHECK(protocol.use_count() == 1);
        const faults::NoFaults none;  // what is there, and no more
        std::vector<char> bytes(2 << 20);
        std::size_t received = 0;
        std::optional<std::size_t> count;
        do {
            count = peer.recv(bytes);
            received += count.value_or(0);
        } while (count.value_or(0) > 0);
        CHECK(count == std::size_t{0});
        CHECK(received < megabyte.size());
    }
}
