// Section 27: connections that a server accepts, and those it cannot.
#include "serving.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <vector>

namespace {

// Every number of a descriptor is in use while it lives.
class NoDescriptors {
public:
    NoDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        ::rlimit few = before_;
        few.rlim_cur = 512;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
            filled_.push_back(fd);
        }
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() {
        for (const int fd : filled_) {
            ::close(fd);
        }
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

private:
    ::rlimit before_{};
    std::vector<int> filled_;
};

}  // namespace

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
    auto none = std::make_unique<NoDescriptors>();
    const auto start = loop.time();
    while (reports.count() == 0) {
        co_await sleep(0s);
    }
    CHECK(reports.messages.at(0).find("accept() failed") != std::string::npos);
    CHECK(reports.errors.at(0).find("Too many open files") != std::string::npos);
    CHECK(loop.statistics().descriptors == 0);
    CHECK(loop.statistics().timers == 1);
    none.reset();
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
    auto none = std::make_unique<NoDescriptors>();
    while (reports.count() == 0) {
        co_await sleep(0s);
    }
    none.reset();
    co_await end_of(server);
    CHECK(loop.statistics().timers == 0);
}
