// Section 24: the life of a transport, from made to lost.
#include "connected.hpp"

#include <sys/socket.h>

#include <optional>
#include <system_error>

namespace {

// The peer sees a reset, not an end of file.
void reset(Socket& socket) {
    const ::linger at_once{1, 0};
    ::setsockopt(socket.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
}

}  // namespace

GYRE_TEST_CASE("transport: made, data, end of file, lost: each in its turn (S284)") {
    auto c = co_await connected();
    CHECK(joined(c.protocol->log) == "made");
    co_await sock_sendall(c.peer, "one");
    co_await c.protocol->came.wait();
    co_await sock_sendall(c.peer, "two");
    c.peer.close();
    co_await c.protocol->lost.wait();
    CHECK(joined(c.protocol->log) == "made data eof lost");
    CHECK(c.protocol->data == "onetwo");
    CHECK(name_of(c.protocol->error) == "nothing");
    co_await ticks(3);
    CHECK(c.protocol->log.size() == 4);
    CHECK(c.transport->is_closing());
    CHECK(c.transport->fileno() == -1);
}

GYRE_TEST_CASE("transport: the creator goes on after made and before the first data (S285)" *
               in_order) {
    std::pair<Socket, Socket> ends = Socket::pair();
    co_await sock_sendall(ends.second, "early");
    auto protocol = std::make_shared<Notes>();
    auto creating = create_connection([&] { return protocol; }, std::move(ends.first));
    CHECK(protocol->log.empty());
    auto made = co_await std::move(creating);
    CHECK(joined(protocol->log) == "made");
    CHECK(made.second == protocol);
    CHECK(made.first == protocol->transport);
    CHECK(made.first->get_protocol() == protocol);
    co_await received(protocol, 5);
    CHECK(protocol->data == "early");
    made.first->close();
    co_await protocol->lost.wait();
}

GYRE_TEST_CASE("transport: an error in connection_made is reported, the connection stays (S286)") {
    Reports reports(loop);
    class Failing : public Notes {
    public:
        void connection_made(const std::shared_ptr<Transport>& /*made*/) override {
            throw std::runtime_error("made");
        }
    };
    auto c = co_await connected(std::make_shared<Failing>());
    CHECK(joined(reports.errors) == "made");
    co_await sock_sendall(c.peer, "data");
    co_await c.protocol->came.wait();
    c.transport->write("answer");
    std::string answer = co_await receive(c.peer, 6);
    CHECK(answer == "answer");
    co_await c.close();
}

GYRE_TEST_CASE("transport: an error in data_received or eof_received ends the connection (S287)") {
    class Failing : public Notes {
    public:
        void data_received(std::string_view /*bytes*/) override {
            throw std::runtime_error("data");
        }
        bool eof_received() override { throw std::runtime_error("eof"); }
    };
    for (const std::string kind : {"data", "eof"}) {
        Reports reports(loop);
        auto c = co_await connected(std::make_shared<Failing>());
        if (kind == "data") {
            co_await ending(sock_sendall(c.peer, "data"));
        } else {
            c.peer.shutdown_write();
        }
        co_await c.protocol->lost.wait();
        CHECK(name_of(c.protocol->error) == kind);
        CHECK(joined(reports.errors) == kind);
        CHECK(reports.messages.at(0).find(kind + "_received") != std::string::npos);
        std::string end = co_await ending(receive_all(c.peer));
        CHECK((end.empty() || kind == "data"));
    }
}

GYRE_TEST_CASE("transport: a system error in data_received is not reported (S287)") {
    class Failing : public Notes {
    public:
        void data_received(std::string_view /*bytes*/) override {
            throw std::system_error(std::make_error_code(std::errc::permission_denied), "data");
        }
    };
    auto c = co_await connected(std::make_shared<Failing>());
    co_await ending(sock_sendall(c.peer, "data"));
    co_await c.protocol->lost.wait();
    CHECK(name_of(c.protocol->error) == "data: Permission denied");
}

GYRE_TEST_CASE("transport: eof_received says whether the way back stays open (S288)") {
    for (const bool keep_open : {false, true}) {
        auto c = co_await connected();
        c.protocol->keep_open = keep_open;
        c.peer.shutdown_write();
        co_await c.protocol->came.wait();
        CHECK(c.transport->is_closing() == !keep_open);
        if (keep_open) {
            co_await ticks(3);
            c.transport->resume_reading();  // of nothing
            co_await ticks(3);
            CHECK(joined(c.protocol->log) == "made eof");
            c.transport->write("still");
            std::string data = co_await receive(c.peer, 5);
            CHECK(data == "still");
            c.transport->close();
        }
        co_await c.protocol->lost.wait();
        CHECK(joined(c.protocol->log) == "made eof lost");
    }
}

GYRE_TEST_CASE("transport: close sends what waits, reads no more, and is lost later (S289)") {
    const faults::NoCuts whole;  // it closes before it could read
    auto c = co_await connected();
    c.transport->write(megabyte);
    CHECK(c.transport->get_write_buffer_size() > 0);
    co_await sock_sendall(c.peer, "not read");
    c.transport->close();
    c.transport->close();
    CHECK(c.transport->is_closing());
    CHECK(joined(c.protocol->log) == "made pause");
    std::string data = co_await receive(c.peer, megabyte.size());
    CHECK(data == megabyte);
    co_await c.protocol->lost.wait();
    CHECK(joined(c.protocol->log) == "made pause resume lost");
    CHECK(name_of(c.protocol->error) == "nothing");
    c.transport->close();
}

GYRE_TEST_CASE("transport: close without anything to send is lost in the next iteration (S289)" *
               in_order) {
    auto c = co_await connected();
    c.transport->close();
    CHECK(joined(c.protocol->log) == "made");
    co_await sleep(0s);
    CHECK(joined(c.protocol->log) == "made lost");
}

GYRE_TEST_CASE("transport: abort drops what waits; lost in the next iteration (S290)" * in_order) {
    auto c = co_await connected();
    c.transport->write(megabyte);
    c.transport->abort();
    CHECK(c.transport->get_write_buffer_size() == 0);
    CHECK(joined(c.protocol->log) == "made pause");
    co_await sleep(0s);
    CHECK(joined(c.protocol->log) == "made pause lost");
    CHECK(name_of(c.protocol->error) == "nothing");
    std::string data = co_await receive_all(c.peer);
    CHECK(data.size() < megabyte.size());
    c.transport->abort();
}

GYRE_TEST_CASE("transport: abort after close does not wait for the peer (S290)") {
    auto c = co_await connected();
    c.transport->write(megabyte);
    c.transport->close();
    co_await ticks(3);
    CHECK(joined(c.protocol->log) == "made pause");
    c.transport->abort();
    co_await c.protocol->lost.wait();
}

GYRE_TEST_CASE("transport: writes after close are ignored; the fifth says so (S291)") {
    Reports reports(loop);
    auto c = co_await connected();
    c.transport->close();
    for (int count = 1; count <= 4; ++count) {
        c.transport->write("ignored");
    }
    c.transport->write("");
    CHECK(reports.count() == 0);
    c.transport->write("ignored");
    CHECK(reports.count() == 1);
    co_await c.protocol->lost.wait();
    std::string data = co_await receive_all(c.peer);
    CHECK(data.empty());
    c.transport->write("ignored");
}

GYRE_TEST_CASE("transport: a reset by the peer is connection_lost's error (S292)") {
    auto c = co_await connected_by_tcp();
    reset(c.peer);
    co_await c.protocol->lost.wait();
    CHECK(joined(c.protocol->log) == "made lost");
    CHECK(name_of(c.protocol->error).find("Connection reset by peer") != std::string::npos);
}

GYRE_TEST_CASE("transport: a reset that a write met first is no end of file (S292, S342)") {
    for (const std::size_t count : {std::size_t{1}, std::size_t{8} << 20}) {
        Socket listener = listening();
        StreamPair stream = co_await open_connection("127.0.0.1", listener.local_address().port());
        auto accepted = co_await sock_accept(listener);
        // One that takes any bytes, and one that wants them all.
        auto reading = create_task([](StreamReader from, bool any) -> Coro<std::string> {
            std::string data = co_await from.read(any ? 100 : -1);
            co_return data;
        }(stream.reader, count == 1));
        co_await ticks(3);
        if (count == 1) {
            reset(accepted.first);
            stream.writer.write("x");  // before the loop looks
        } else {
            stream.writer.write(std::string(count, 'x'));
            co_await ticks(3);
            reset(accepted.first);
        }
        std::string end = co_await ending(reading);
        CHECK(end.ends_with("Connection reset by peer"));
        auto closed = stream.writer.wait_closed();
        end = co_await ending(std::move(closed));
        CHECK(end.ends_with("Connection reset by peer"));
    }
}

TEST_CASE("transport: an exit error of connection_made or connection_lost leaves it usable (S47)") {
    class Leaves final : public Notes {
    public:
        explicit Leaves(bool at_once) : at_once_(at_once) {}
        void connection_made(const std::shared_ptr<Transport>& made) override {
            Notes::connection_made(made);
            if (at_once_) {
                throw KeyboardInterrupt();
            }
        }
        void connection_lost(std::exception_ptr reason) override {
            Notes::connection_lost(std::move(reason));
            if (!at_once_) {
                throw KeyboardInterrupt();
            }
        }

    private:
        bool at_once_;
    };
    for (const std::string& spec : testing::test_loops()) {
        for (const bool at_once : {true, false}) {
            INFO("loop: ", spec, " at once: ", at_once);
            Runner runner({.loop = spec});
            std::optional<Server> server;
            const auto protocol = std::make_shared<Leaves>(at_once);
            Socket client = Socket::open(SocketAddress::Family::ipv4);
            auto serve = [&]() -> Coro<> {
                auto listen = create_server([&] { return protocol; }, "127.0.0.1", 0);
                server = co_await std::move(listen);
                co_await sock_connect(client, server->sockets()[0].getsockname());
                co_await sock_sendall(client, "data");
                while (protocol->data.empty()) {
                    co_await sleep(1ms);
                }
                protocol->transport->close();
                co_await forever();
            };
            CHECK(thrown_by([&] { runner.run(serve()); }) == "KeyboardInterrupt");
            auto end = [&]() -> Coro<> {
                while (protocol->data.empty()) {
                    co_await sleep(1ms);
                }
                server->close();
                protocol->transport->close();
                co_await server->wait_closed();
            };
            runner.run(end());
            CHECK(joined(protocol->log) == "made data lost");
        }
    }
}

GYRE_TEST_CASE("transport: a write that fails ends the connection, not the call (S292)") {
    auto c = co_await connected();
    c.transport->pause_reading();
    c.peer.close();
    c.transport->write("");
    CHECK_FALSE(c.transport->is_closing());
    const faults::NoFaults none;  // it is tried at once
    c.transport->write("data");
    CHECK(c.transport->is_closing());
    co_await c.protocol->lost.wait();
    CHECK(name_of(c.protocol->error).find("Broken pipe") != std::string::npos);
}
