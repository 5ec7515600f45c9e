// Section 24: transports and protocols.
#include "connected.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

namespace {

// The peer sees a reset, not an end of file.
void reset(Socket& socket) {
    const ::linger at_once{1, 0};
    ::setsockopt(socket.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
}

class BufferedNotes : public BufferedProtocol {
public:
    std::span<char> get_buffer() override { return std::span(bytes).first(size); }
    void buffer_updated(std::size_t count) override {
        data.append(bytes.data(), count);
        largest = std::max(largest, count);
        came.set();
    }
    bool eof_received() override {
        log.push_back("eof");
        return false;
    }
    void connection_lost(std::exception_ptr reason) override {
        error = std::move(reason);
        lost.set();
    }

    std::array<char, 8> bytes{};
    std::size_t size = 8;
    std::size_t largest = 0;
    std::string data;
    Log log;
    std::exception_ptr error;
    Event came;
    Event lost;
};

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

GYRE_TEST_CASE("transport: an error in get_buffer or buffer_updated ends the connection (S287)") {
    class Failing : public BufferedNotes {
    public:
        explicit Failing(bool early) : early_(early) {}
        std::span<char> get_buffer() override {
            if (early_) {
                throw std::runtime_error("boom");
            }
            return BufferedNotes::get_buffer();
        }
        void buffer_updated(std::size_t /*count*/) override { throw std::runtime_error("boom"); }

    private:
        bool early_;
    };
    for (const bool early : {true, false}) {
        Reports reports(loop);
        auto c = co_await connected(std::make_shared<Failing>(early));
        co_await ending(sock_sendall(c.peer, "data"));
        co_await c.protocol->lost.wait();
        CHECK(name_of(c.protocol->error) == "boom");
        CHECK(reports.count() == 1);
        const char* name = early ? "get_buffer" : "buffer_updated";
        CHECK(reports.messages.at(0).find(name) != std::string::npos);
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

GYRE_TEST_CASE("transport: write sends at once, and keeps a copy of the rest (S293)") {
    auto c = co_await connected();
    c.transport->write("");
    {
        const faults::NoFaults none;
        c.transport->write(std::string("at once"));
        CHECK(c.transport->get_write_buffer_size() == 0);
    }
    std::string data = co_await receive(c.peer, 7);
    CHECK(data == "at once");

    std::string text(1 << 20, 'a');
    c.transport->write(text);
    const std::size_t waiting = c.transport->get_write_buffer_size();
    CHECK(waiting > 0);
    std::fill(text.begin(), text.end(), 'b');
    c.transport->write("");
    c.transport->write("tail");
    CHECK(c.transport->get_write_buffer_size() == waiting + 4);
    data = co_await receive(c.peer, text.size() + 4);
    CHECK(data == std::string(1 << 20, 'a') + "tail");
    co_await c.close();
}

GYRE_TEST_CASE("transport: write_eof shuts the way there once all is sent (S294)") {
    for (const bool much : {false, true}) {
        auto c = co_await connected();
        CHECK(c.transport->can_write_eof());
        c.transport->write(much ? megabyte : std::string("data"));
        c.transport->write_eof();
        c.transport->write_eof();
        CHECK(thrown_by([&] { c.transport->write("more"); }) == "RuntimeError");
        CHECK(thrown_by([&] { c.transport->writelines({"more", "more"}); }) == "RuntimeError");
        std::string data = co_await receive_all(c.peer);
        CHECK(data.size() == (much ? megabyte.size() : 4));
        CHECK_FALSE(c.transport->is_closing());
        co_await sock_sendall(c.peer, "answer");
        co_await received(c.protocol, 6);
        CHECK(c.protocol->data == "answer");
        co_await c.close();
    }
}

GYRE_TEST_CASE("transport: write_eof after close is ignored (S294)") {
    auto c = co_await connected();
    c.transport->write(megabyte);
    c.transport->close();
    c.transport->write_eof();
    c.transport->write("ignored");
    std::string data = co_await receive_all(c.peer);
    CHECK(data == megabyte);
    co_await c.protocol->lost.wait();
    c.transport->write_eof();
}

GYRE_TEST_CASE("transport: writelines writes one part behind the other (S295)") {
    auto c = co_await connected();
    c.transport->writelines({});
    c.transport->writelines({"one ", "", "two "});
    std::vector<std::string_view> parts(300, "part ");
    c.transport->writelines(parts);
    std::string expected = "one two ";
    for (int i = 0; i < 300; ++i) {
        expected += "part ";
    }
    std::string data = co_await receive(c.peer, expected.size());
    CHECK(data == expected);

    c.transport->writelines({megabyte, "behind", megabyte, "last"});
    c.transport->writelines({"very", " last"});
    c.transport->close();
    data = co_await receive_all(c.peer);
    CHECK(data == megabyte + "behind" + megabyte + "last" + "very last");
    co_await c.protocol->lost.wait();
}

GYRE_TEST_CASE("transport: the marks of the write buffer (S296)") {
    auto c = co_await connected();
    Transport& transport = *c.transport;
    const auto marks = [&transport] {
        const Transport::Limits limits = transport.get_write_buffer_limits();
        return std::to_string(limits.low) + "-" + std::to_string(limits.high);
    };
    CHECK(marks() == "16384-65536");
    transport.set_write_buffer_limits({.high = 1000});
    CHECK(marks() == "250-1000");
    transport.set_write_buffer_limits({.low = 50});
    CHECK(marks() == "50-200");
    transport.set_write_buffer_limits({.high = 100, .low = 100});
    CHECK(marks() == "100-100");
    transport.set_write_buffer_limits({.high = 0});
    CHECK(marks() == "0-0");
    CHECK(thrown_by([&] { transport.set_write_buffer_limits({.high = 5, .low = 10}); }) ==
          "ValueError");
    CHECK(marks() == "0-0");
    transport.set_write_buffer_limits();
    CHECK(marks() == "16384-65536");
    co_await c.close();
}

GYRE_TEST_CASE("transport: pause_writing within write, above the mark; resume at the low (S297)") {
    auto c = co_await connected();
    c.transport->write(megabyte);
    CHECK(joined(c.protocol->log) == "made pause");
    c.transport->write("more");
    CHECK(joined(c.protocol->log) == "made pause");
    std::string data = co_await receive(c.peer, megabyte.size() + 4);
    while (c.protocol->log.size() < 3) {
        co_await sleep(0s);
    }
    CHECK(joined(c.protocol->log) == "made pause resume");

    // At the mark it goes on, with one byte more it does not.
    std::size_t filled = 0;
    while (c.transport->get_write_buffer_size() == 0) {
        c.transport->write("x");
        ++filled;
    }
    c.transport->set_write_buffer_limits({.high = 10, .low = 2});
    c.transport->write(std::string(10 - c.transport->get_write_buffer_size(), 'x'));
    CHECK(c.transport->get_write_buffer_size() == 10);
    CHECK(joined(c.protocol->log) == "made pause resume");
    c.transport->write("x");
    CHECK(joined(c.protocol->log) == "made pause resume pause");
    data = co_await receive(c.peer, filled);
    while (c.protocol->log.size() < 5) {
        co_await sleep(0s);
    }
    co_await c.close();
    CHECK(joined(c.protocol->log) == "made pause resume pause resume lost");
}

GYRE_TEST_CASE("transport: errors in pause_writing and resume_writing are reported only (S297)") {
    Reports reports(loop);
    class Failing : public Notes {
    public:
        void pause_writing() override { throw std::runtime_error("pause"); }
        void resume_writing() override { throw std::runtime_error("resume"); }
    };
    auto c = co_await connected(std::make_shared<Failing>());
    c.transport->write(megabyte);
    CHECK(joined(reports.errors) == "pause");
    std::string data = co_await receive(c.peer, megabyte.size());
    co_await c.close();
    CHECK(joined(reports.errors) == "pause resume");
    CHECK(name_of(c.protocol->error) == "nothing");
}

GYRE_TEST_CASE("transport: lower marks pause at once (S298)") {
    auto c = co_await connected();
    c.transport->set_write_buffer_limits({.high = 2 << 20});
    c.transport->write(megabyte);
    CHECK(joined(c.protocol->log) == "made");
    c.transport->set_write_buffer_limits({.high = 1000});
    CHECK(joined(c.protocol->log) == "made pause");
    std::string data = co_await receive(c.peer, megabyte.size());
    co_await c.close();
}

GYRE_TEST_CASE("transport: resume_writing may write, here and elsewhere (S299)") {
    class Writing : public Notes {
    public:
        void resume_writing() override {
            Notes::resume_writing();
            if (log.size() < 4) {
                transport->write(megabyte);
            }
            if (other) {
                other->write("other");
            }
        }
        std::shared_ptr<Transport> other;
    };
    auto a = co_await connected(std::make_shared<Writing>());
    auto b = co_await connected();
    a.protocol->other = b.transport;
    a.transport->write(megabyte);
    std::string data = co_await receive(a.peer, 2 * megabyte.size());
    co_await a.close();
    CHECK(joined(a.protocol->log) == "made pause resume pause resume lost");
    data = co_await receive(b.peer, 10);
    CHECK(data == "otherother");
    co_await b.close();
}

GYRE_TEST_CASE("transport: a connection aborted by pause_writing or resume_writing (S299, S414)") {
    class Aborting : public Notes {
    public:
        void pause_writing() override {
            Notes::pause_writing();
            if (early) {
                transport->abort();
            }
        }
        void resume_writing() override {
            Notes::resume_writing();
            transport->abort();
        }
        bool early = false;
    };
    for (const bool early : {true, false}) {
        auto c = co_await connected(std::make_shared<Aborting>());
        c.protocol->early = early;
        c.transport->write(megabyte);
        if (!early) {
            std::string data = co_await receive_all(c.peer);
        }
        co_await c.protocol->lost.wait();
        CHECK(joined(c.protocol->log) == (early ? "made pause lost" : "made pause resume lost"));
    }
}

GYRE_TEST_CASE("transport: pause_reading leaves the data in the system (S300)") {
    auto c = co_await connected();
    CHECK(c.transport->is_reading());
    c.transport->pause_reading();
    c.transport->pause_reading();
    CHECK_FALSE(c.transport->is_reading());
    co_await sock_sendall(c.peer, "data");
    co_await ticks(5);
    CHECK(c.protocol->data.empty());
    c.transport->resume_reading();
    c.transport->resume_reading();
    CHECK(c.transport->is_reading());
    co_await received(c.protocol, 4);
    CHECK(c.protocol->data == "data");
    c.transport->close();
    CHECK_FALSE(c.transport->is_reading());
    c.transport->pause_reading();
    c.transport->resume_reading();
    co_await c.protocol->lost.wait();
    c.transport->pause_reading();
    c.transport->resume_reading();
}

GYRE_TEST_CASE("transport: pause_reading in connection_made works (S300)") {
    class Pausing : public Notes {
    public:
        void connection_made(const std::shared_ptr<Transport>& made) override {
            Notes::connection_made(made);
            made->pause_reading();
        }
    };
    auto c = co_await connected(std::make_shared<Pausing>());
    co_await sock_sendall(c.peer, "data");
    co_await ticks(5);
    CHECK(c.protocol->data.empty());
    c.transport->resume_reading();
    co_await c.protocol->came.wait();
    co_await c.close();
}

GYRE_TEST_CASE("transport: pause_reading in data_received lets no more come (S300)") {
    class Pausing : public Notes {
    public:
        void data_received(std::string_view bytes) override {
            Notes::data_received(bytes);
            transport->pause_reading();
        }
    };
    auto c = co_await connected(std::make_shared<Pausing>());
    co_await sock_sendall(c.peer, "one");
    co_await c.protocol->came.wait();
    const std::string first = c.protocol->data;
    co_await sock_sendall(c.peer, "two");
    co_await ticks(5);
    CHECK(c.protocol->data == first);
    co_await c.close();
}

GYRE_TEST_CASE("transport: one read gives 256 KiB at the most (S301)") {
    class Sizes : public Notes {
    public:
        void data_received(std::string_view bytes) override {
            largest = std::max(largest, bytes.size());
            total += bytes.size();
            if (total == 4 * megabyte.size()) {
                came.set();
            }
        }
        std::size_t largest = 0;
        std::size_t total = 0;
    };
    auto c = co_await connected_by_tcp(std::make_shared<Sizes>());
    for (int i = 0; i < 4; ++i) {
        co_await sock_sendall(c.peer, megabyte);
    }
    co_await c.protocol->came.wait();
    CHECK(c.protocol->largest <= std::size_t{256} << 10);
    CHECK(c.protocol->total == 4 * megabyte.size());
    co_await c.close();
}

GYRE_TEST_CASE("transport: a protocol may bring its own buffer (S302)") {
    const faults::NoCuts whole;  // eight bytes at a time
    auto c = co_await connected(std::make_shared<BufferedNotes>());
    co_await sock_sendall(c.peer, "more than eight bytes");
    c.peer.close();
    co_await c.protocol->lost.wait();
    CHECK(c.protocol->data == "more than eight bytes");
    CHECK(c.protocol->largest == 8);
    CHECK(joined(c.protocol->log) == "eof");
    CHECK(name_of(c.protocol->error) == "nothing");
}

GYRE_TEST_CASE("transport: an empty buffer is an error (S302)") {
    Reports reports(loop);
    auto c = co_await connected(std::make_shared<BufferedNotes>());
    c.protocol->size = 0;
    co_await ending(sock_sendall(c.peer, "data"));
    co_await c.protocol->lost.wait();
    CHECK(name_of(c.protocol->error) == "RuntimeError");
    CHECK(joined(reports.errors) == "RuntimeError");
}

GYRE_TEST_CASE("transport: another protocol, of either kind, from the next read on (S302, S414)") {
    class Switching : public Notes {
    public:
        void data_received(std::string_view bytes) override {
            auto self_transport = transport;
            transport->set_protocol(next);
            data += bytes;  // it is still there
            next = nullptr;
            came.set();
        }
        std::shared_ptr<BaseProtocol> next;
    };
    const faults::NoCuts whole;  // a read for each
    auto first = std::make_shared<Switching>();
    auto second = std::make_shared<BufferedNotes>();
    auto third = std::make_shared<Notes>();
    first->next = second;
    std::pair<Socket, Socket> ends = Socket::pair();
    const std::weak_ptr<Switching> watched = first;
    auto factory = [&first] { return std::move(first); };
    auto made = co_await create_connection(factory, std::move(ends.first));
    std::shared_ptr<Transport> transport = made.first;
    made.second = nullptr;
    watched.lock()->transport = transport;
    co_await sock_sendall(ends.second, "one");
    while (!watched.expired()) {
        co_await sleep(0s);
    }
    CHECK(transport->get_protocol() == second);
    co_await sock_sendall(ends.second, "two");
    co_await second->came.wait();
    CHECK(second->data == "two");
    transport->set_protocol(third);
    co_await sock_sendall(ends.second, "three");
    co_await third->came.wait();
    CHECK(third->data == "three");
    transport->close();
    co_await third->lost.wait();
    CHECK(joined(third->log) == "data lost");
    CHECK_FALSE(second->lost.is_set());
}

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
