// Section 24: what a transport reads, and when.
#include "connected.hpp"

#include <algorithm>
#include <array>

namespace {

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
