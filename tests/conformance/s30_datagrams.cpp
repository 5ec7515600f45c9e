// Section 30: datagrams.
#include "connected.hpp"

#include <sys/socket.h>

#include <memory>

namespace {

// Keeps what happens, in order.
class Recorder final : public DatagramProtocol {
public:
    void connection_made(const std::shared_ptr<DatagramTransport>& made) override {
        transport = made;
        log.push_back("made");
    }
    void datagram_received(std::string_view data, const SocketAddress& from) override {
        sender = from;
        events.put_nowait("<" + std::string(data) + ">");
    }
    void error_received(std::exception_ptr error) override { events.put_nowait(name_of(error)); }
    void connection_lost(std::exception_ptr error) override {
        log.push_back("lost " + name_of(error));
        transport = nullptr;
        lost.set();
    }
    void pause_writing() override { log.push_back("pause"); }
    void resume_writing() override { log.push_back("resume"); }

    std::shared_ptr<DatagramTransport> transport;
    SocketAddress sender;
    Queue<std::string> events;
    Event lost;
    Log log;
};

std::shared_ptr<Recorder> recorder() { return std::make_shared<Recorder>(); }

Coro<> close_all(std::vector<std::shared_ptr<Recorder>> endpoints) {
    for (const std::shared_ptr<Recorder>& each : endpoints) {
        each->transport->close();
        co_await each->lost.wait();
    }
}

}  // namespace

GYRE_TEST_CASE("datagrams: made, received in order, lost (S365, S367)") {
    auto server = co_await create_datagram_endpoint(recorder, Endpoint("127.0.0.1", 0));
    const SocketAddress address = server.first->sockname();
    auto client = co_await create_datagram_endpoint(recorder, Endpoint(),
                                                    Endpoint("127.0.0.1", address.port()));
    CHECK(client.first->peername() == address);
    CHECK(!server.first->peername());
    client.first->sendto("one");
    client.first->sendto("");
    client.first->sendto("three", address);
    for (const char* expected : {"<one>", "<>", "<three>"}) {
        std::string event = co_await server.second->events.get();
        CHECK(event == expected);
    }
    CHECK(server.second->sender == client.first->sockname());
    server.first->sendto("back", server.second->sender);
    std::string back = co_await client.second->events.get();
    CHECK(back == "<back>");
    auto closing = close_all({server.second, client.second});
    co_await std::move(closing);
    CHECK(server.second->log == Log{"made", "lost nothing"});
    CHECK(server.first->is_closing());
    server.first->sendto("ignored", address);
    server.first->close();
    server.first->abort();
}

GYRE_TEST_CASE("datagrams: another address than the remote one is a ValueError (S366)") {
    auto server = co_await create_datagram_endpoint(recorder, Endpoint("127.0.0.1", 0));
    auto client = co_await create_datagram_endpoint(
        recorder, Endpoint(), Endpoint("127.0.0.1", server.first->sockname().port()));
    const SocketAddress other = SocketAddress::ip("127.0.0.1", 9);
    CHECK(thrown_by([&] { client.first->sendto("x", other); }) == "ValueError");
    CHECK(thrown_by([&] { server.first->sendto("x"); }) == "ValueError");
    auto closing = close_all({server.second, client.second});
    co_await std::move(closing);
}

GYRE_TEST_CASE("datagrams: nobody there is told to error_received; later ones go (S366)") {
    const std::string host = own_host();
    auto server = co_await create_datagram_endpoint(recorder, Endpoint(host, 0));
    const std::uint16_t port = server.first->sockname().port();
    auto client = co_await create_datagram_endpoint(recorder, Endpoint(), Endpoint(host, port));
    auto closing = close_all({server.second});
    co_await std::move(closing);
    client.first->sendto("lost");
    std::string refused = co_await client.second->events.get();
    CHECK(refused.find("refused") != std::string::npos);
    auto again = co_await create_datagram_endpoint(recorder, Endpoint(host, port));
    client.first->sendto("arrives");
    std::string event = co_await again.second->events.get();
    CHECK(event == "<arrives>");
    client.first->sendto(std::string(70'000, 'x'));
    std::string too_long = co_await client.second->events.get();
    CHECK(too_long.find("too long") != std::string::npos);
    auto closing_2 = close_all({client.second, again.second});
    co_await std::move(closing_2);
}

GYRE_TEST_CASE(
    "datagrams: what the system has no room for is queued in order, flow control (S368)") {
    auto pair = Socket::pair(Socket::Kind::datagram);
    pair.first.set_send_buffer(1);
    Future<> made = create_future<>();
    const auto sender = recorder();
    sender->log.clear();
    auto transport = loop.make_datagram_transport(
        std::move(pair.first), sender, pair.second.local_address(), [made] { made.set_result(); });
    co_await made;
    transport->set_write_buffer_limits({.high = 2000, .low = 500});
    int sent = 0;
    while (transport->get_write_buffer_size() <= 2000) {
        transport->sendto(std::to_string(sent++) + std::string(992, '.'),
                          pair.second.local_address());
    }
    CHECK(transport->get_write_buffer_size() >= 1000);
    CHECK(sender->log.back() == "pause");
    transport->close();
    for (int i = 0; i < sent; ++i) {
        std::string data = co_await sock_recv(pair.second, 2000);
        CHECK(data.substr(0, data.find('.')) == std::to_string(i));
    }
    co_await sender->lost.wait();
    CHECK(sender->log == Log{"made", "pause", "resume", "lost nothing"});
}

GYRE_TEST_CASE("datagrams: bad addresses and options (S365, S369)") {
    auto open = [](Endpoint local, Endpoint remote, int family) -> Coro<> {
        DatagramOptions options;
        options.family = family;
        auto opening = create_datagram_endpoint(recorder, local, remote, options);
        auto opened = co_await std::move(opening);
        opened.first->abort();
        co_await opened.second->lost.wait();
    };
    std::string end = co_await ending(open(Endpoint(), Endpoint(), 0));
    CHECK(end == "ValueError");
    end = co_await ending(open(Endpoint("127.0.0.1", 0), Endpoint("::1", 9), 0));
    CHECK(end == "ValueError");
    end = co_await ending(open(Endpoint(), Endpoint(), AF_INET));
    CHECK(end == "done");
    auto nothing = [] { return std::shared_ptr<Recorder>(); };
    end = co_await ending(create_datagram_endpoint(nothing, Endpoint("127.0.0.1", 0)));
    CHECK(end == "ValueError");

    DatagramOptions broadcast;
    broadcast.allow_broadcast = true;
    auto opening = create_datagram_endpoint(recorder, Endpoint("127.0.0.1", 0),
                                            Endpoint("127.0.0.1", 9), broadcast);
    auto opened = co_await std::move(opening);
    CHECK(!opened.first->peername());
    opened.first->sendto("goes to the remote address");
    auto closing = close_all({opened.second});
    co_await std::move(closing);
}

TEST_CASE("datagrams: a loop that closes lets go of its endpoints (S365)") {
    for (const std::string& spec : testing::test_loops()) {
        INFO("loop: ", spec);
        std::weak_ptr<Recorder> left;
        std::shared_ptr<DatagramTransport> transport;
        const auto body = [&]() -> Coro<> {
            auto endpoint = co_await create_datagram_endpoint(recorder, Endpoint("127.0.0.1", 0));
            left = endpoint.second;
            transport = endpoint.first;
            endpoint.second->transport = nullptr;
        };
        run(body(), {.loop = spec});
        CHECK(left.expired());
        CHECK(transport->is_closing());
        CHECK(transport->fileno() == -1);
    }
}
