// Section 29: add_reader and add_writer, sock_recv and its kin.
#include "connected.hpp"
#include "raw_loop.hpp"

#include <memory>

TEST_CASE("readiness is level-triggered (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        int reads = 0;
        int writes = 0;
        loop.add_reader(sockets.near(), [&] { ++reads; });
        loop.add_writer(sockets.near(), [&] { ++writes; });
        run_one(loop);
        CHECK(reads == 0);
        CHECK(writes == 1);
        sockets.send();
        run_one(loop);
        run_one(loop);
        CHECK(reads == 2);
        CHECK(writes == 3);
        sockets.receive();
        sockets.fill();
        run_one(loop);
        CHECK(reads == 2);
        CHECK(writes == 3);
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a second callback replaces the first and frees it (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        const auto resource = std::make_shared<int>(0);
        std::string order;
        loop.add_reader(sockets.near(), [&, resource] { order += "first "; });
        loop.add_writer(sockets.near(), [&, resource] { order += "first "; });
        CHECK(resource.use_count() == 3);
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        CHECK(resource.use_count() == 1);
        run_one(loop);
        CHECK(order == "reader writer ");
        CHECK(loop.statistics().descriptors == 2);
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a callback replaced after it became ready does not run (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        loop.add_reader(sockets.near(), [&] { order += "old "; });
        loop.call_soon([&] { loop.add_reader(sockets.near(), [&] { order += "new "; }); });
        run_one(loop);
        CHECK(order.empty());
        run_one(loop);
        CHECK(order == "new ");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("reader and writer are independent; remove says whether there was one (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        CHECK_FALSE(loop.remove_reader(sockets.near()));
        CHECK_FALSE(loop.remove_writer(sockets.near()));
        CHECK_FALSE(loop.remove_reader(-1));
        CHECK_FALSE(loop.remove_reader(999'999));
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        CHECK(loop.remove_reader(sockets.near()));
        CHECK_FALSE(loop.remove_reader(sockets.near()));
        run_one(loop);
        CHECK(order == "writer ");
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        CHECK(loop.remove_writer(sockets.near()));
        CHECK_FALSE(loop.remove_writer(sockets.near()));
        run_one(loop);
        CHECK(order == "writer reader ");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("a callback may remove itself, and is freed after the call (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        const auto resource = std::make_shared<int>(0);
        int calls = 0;
        loop.add_reader(sockets.near(), [&, resource] {
            ++calls;
            CHECK(loop.remove_reader(sockets.near()));
            CHECK(resource.use_count() == 2);
        });
        run_one(loop);
        run_one(loop);
        CHECK(calls == 1);
        CHECK(resource.use_count() == 1);
    });
}

TEST_CASE("a bad descriptor is a ValueError and leaves nothing registered (S362)") {
    on_each(all_loops, [](EventLoop& loop) {
        int closed = -1;
        {
            const Sockets sockets;
            closed = sockets.near();
        }
        const auto resource = std::make_shared<int>(0);
        const auto hold = [resource] {};
        for (const int fd : {-1, -1000, closed}) {
            CHECK(thrown_by([&] { loop.add_reader(fd, hold); }) == "ValueError");
            CHECK(thrown_by([&] { loop.add_writer(fd, hold); }) == "ValueError");
            CHECK_FALSE(loop.remove_reader(fd));
        }
        CHECK(resource.use_count() == 2);
        CHECK(loop.statistics().descriptors == 0);
        run_one(loop);
    });
}

TEST_CASE("a descriptor that select cannot hold is a ValueError that says so (S362)") {
    const Sockets sockets;
    const int high = ::fcntl(sockets.near(), F_DUPFD_CLOEXEC, FD_SETSIZE);
    if (high < 0) {
        MESSAGE("left out: this process may not open so many descriptors");
        return;
    }
    on_each(all_loops, [&](EventLoop& loop) {
        int calls = 0;
        const auto add = [&] { loop.add_writer(high, [&] { ++calls; }); };
        if (loop.name() == "selector:select") {
            CHECK_THROWS_WITH_AS(add(), doctest::Contains("below 1024"), ValueError);
            CHECK_FALSE(loop.remove_writer(high));
        } else {
            add();
        }
        run_one(loop);
        CHECK(calls == (loop.name() == "selector:select" ? 0 : 1));
        loop.remove_writer(high);
    });
    ::close(high);
}

TEST_CASE("a number reused right after remove_reader sees nothing of its predecessor (S363)") {
    on_each(all_loops, [](EventLoop& loop) {
        for (int round = 0; round < 3; ++round) {
            Sockets old;
            old.send();
            const int number = old.near();
            int old_calls = 0;
            int new_calls = 0;
            loop.add_reader(number, [&] { ++old_calls; });
            run_one(loop);
            CHECK(old_calls == 1);
            CHECK(loop.remove_reader(number));
            old.close_near();
            const Sockets fresh;
            REQUIRE(fresh.near() == number);
            run_one(loop);
            loop.add_reader(number, [&] { ++new_calls; });
            run_one(loop);
            CHECK(new_calls == 0);
            fresh.send();
            run_one(loop);
            CHECK(new_calls == 1);
            CHECK(old_calls == 1);
            CHECK(loop.remove_reader(number));
        }
    });
}

TEST_CASE("a number closed without remove_reader and reused can be watched anew (S363)") {
    on_each(all_loops, [](EventLoop& loop) {
        Sockets old;
        const int number = old.near();
        int old_calls = 0;
        int new_calls = 0;
        loop.add_reader(number, [&] { ++old_calls; });
        run_one(loop);
        old.close_near();
        const Sockets fresh;
        REQUIRE(fresh.near() == number);
        loop.add_reader(number, [&] { ++new_calls; });
        fresh.send();
        run_one(loop);
        CHECK(old_calls == 0);
        CHECK(new_calls == 1);
        CHECK(loop.remove_reader(number));
    });
}

TEST_CASE("an event of the poll that found it does not reach the number's next owner (S363)") {
    on_each(all_loops, [](EventLoop& loop) {
        Sockets old;
        old.send();
        const int number = old.near();
        int old_calls = 0;
        int new_calls = 0;
        std::unique_ptr<Sockets> fresh;
        loop.add_reader(number, [&] { ++old_calls; });
        loop.call_soon([&] {
            CHECK(loop.remove_reader(number));
            old.close_near();
            fresh = std::make_unique<Sockets>();
            REQUIRE(fresh->near() == number);
            loop.add_reader(number, [&] { ++new_calls; });
        });
        run_one(loop);
        run_one(loop);
        CHECK(old_calls == 0);
        CHECK(new_calls == 0);
        CHECK(loop.remove_reader(number));
    });
}

TEST_CASE("a file that a copy keeps open does not wake the next owner of its number (S363)") {
    // Not so on uv: libuv takes an event for whoever has the number now.
    on_each({"virtual", "selector:epoll", "selector:poll", "selector:select"}, [](EventLoop& loop) {
        Sockets old;
        const int number = old.near();
        const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
        int calls = 0;
        loop.add_reader(number, [&] { ++calls; });
        run_one(loop);
        old.close_near();
        const Sockets fresh;
        REQUIRE(fresh.near() == number);
        loop.add_reader(number, [&] { ++calls; });
        old.send();
        run_one(loop);
        run_one(loop);
        CHECK(calls == 0);
        fresh.send();
        run_one(loop);
        run_one(loop);
        CHECK(calls == 2);
        CHECK(loop.remove_reader(number));
        ::close(copy);
    });
}

TEST_CASE("the other end's close wakes the reader; a half-close no writer that cannot write") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.fill();
        std::string order;
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        REQUIRE(::shutdown(sockets.far(), SHUT_WR) == 0);
        run_one(loop);
        CHECK(order == "reader ");
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a writer wakes when nobody reads any more") {
    on_each(all_loops, [](EventLoop& loop) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        const std::vector<char> bytes(1 << 16);
        while (::write(ends[1], bytes.data(), bytes.size()) > 0) {
        }
        int calls = 0;
        loop.add_writer(ends[1], [&] { ++calls; });
        run_one(loop);
        CHECK(calls == 0);
        ::close(ends[0]);
        run_one(loop);
        run_one(loop);
        CHECK(calls == 2);
        CHECK(loop.remove_writer(ends[1]));
        ::close(ends[1]);
    });
}

TEST_CASE("to watch a descriptor does not change it") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        REQUIRE(::fcntl(sockets.near(), F_SETFL, 0) == 0);
        const int before = ::fcntl(sockets.near(), F_GETFL);
        loop.add_reader(sockets.near(), [] {});
        CHECK(::fcntl(sockets.near(), F_GETFL) == before);
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(::fcntl(sockets.near(), F_GETFL) == before);
    });
}

TEST_CASE("a watched descriptor that somebody closed does not silence the others") {
    on_each(all_loops, [](EventLoop& loop) {
        Sockets closed;
        const Sockets open;
        const int number = closed.near();
        int calls = 0;
        loop.add_reader(number, [] {});
        loop.add_reader(open.near(), [&] { ++calls; });
        run_one(loop);
        closed.close_near();
        run_one(loop);
        CHECK(calls == 0);
        open.send();
        run_one(loop);
        CHECK(calls == 1);
        CHECK(loop.remove_reader(number));
        CHECK(loop.remove_reader(open.near()));
    });
}

TEST_CASE("many descriptors at once: each ready one runs once an iteration, the others do not") {
    on_each(all_loops, [](EventLoop& loop) {
        constexpr std::size_t count = 300;
        std::vector<Sockets> sockets(count);
        std::vector<int> calls(count);
        for (std::size_t index = 0; index < count; ++index) {
            loop.add_reader(sockets[index].near(), [&calls, index] { ++calls[index]; });
            if (index % 3 == 0) {
                sockets[index].send();
            }
        }
        run_one(loop);
        run_one(loop);
        for (std::size_t index = 0; index < count; ++index) {
            CHECK(calls[index] == (index % 3 == 0 ? 2 : 0));
            CHECK(loop.remove_reader(sockets[index].near()));
        }
    });
}

// --- sock_recv and its kin ----------------------------------------------------------------------

namespace {

struct Pair {
    Pair() : Pair(Socket::pair()) {}
    explicit Pair(std::pair<Socket, Socket> ends)
        : near(std::move(ends.first)), far(std::move(ends.second)) {}
    Socket near;
    Socket far;
};

Socket listener() {
    Socket socket = Socket::open(SocketAddress::Family::ipv4);
    socket.bind(SocketAddress::ip("127.0.0.1", 0));
    socket.listen(10);
    return socket;
}

}  // namespace

GYRE_TEST_CASE("sock_*: what need not wait takes no iteration (S356)" * in_order) {
    const faults::NoFaults none;
    Pair sockets;
    Socket server = listener();
    Socket client = Socket::open(SocketAddress::Family::ipv4);
    client.connect(server.local_address());
    const Ticks count(loop);
    co_await sock_sendall(sockets.far, "hello");
    std::string data = co_await sock_recv(sockets.near, 3);
    CHECK(data == "hel");
    std::array<char, 8> buffer{};
    std::size_t received = co_await sock_recv_into(sockets.near, buffer);
    CHECK(std::string_view(buffer.data(), received) == "lo");
    auto accepted = co_await sock_accept(server);
    CHECK(count.count() == 0);
    CHECK(accepted.second == client.local_address());
}

GYRE_TEST_CASE("sock_*: what must wait goes on when the socket is ready (S356)") {
    const faults::NoCuts whole;
    Pair sockets;
    auto receiving = create_task(sock_recv(sockets.near, 100));
    co_await ticks(3);
    CHECK(outcome(receiving) == "pending");
    CHECK(loop.statistics().descriptors == 1);
    co_await sock_sendall(sockets.far, "late");
    co_await receiving;
    CHECK(outcome(receiving) == "late");
    CHECK(loop.statistics().descriptors == 0);

    std::array<char, 8> buffer{};
    auto filling = create_task(sock_recv_into(sockets.near, buffer));
    co_await ticks(3);
    co_await sock_sendall(sockets.far, "again");
    std::size_t received = co_await filling;
    CHECK(std::string_view(buffer.data(), received) == "again");
}

GYRE_TEST_CASE("sock_*: datagrams with their sender (S356)") {
    Socket one = Socket::open(SocketAddress::Family::ipv4, Socket::Kind::datagram);
    one.bind(SocketAddress::ip("127.0.0.1", 0));
    Socket two = Socket::open(SocketAddress::Family::ipv4, Socket::Kind::datagram);
    two.bind(SocketAddress::ip("127.0.0.1", 0));
    auto receiving = create_task(sock_recvfrom(one, 100));
    co_await ticks(3);
    std::size_t sent = co_await sock_sendto(two, "hello", one.local_address());
    CHECK(sent == 5);
    auto received = co_await receiving;
    auto& [data, sender] = received;
    CHECK(data == "hello");
    CHECK(sender == two.local_address());
    sent = co_await sock_sendto(two, "", one.local_address());
    sent = co_await sock_sendto(two, "cut off", one.local_address());
    received = co_await sock_recvfrom(one, 3);
    CHECK(received.first.empty());
    received = co_await sock_recvfrom(one, 3);
    CHECK(received.first == "cut");
}

GYRE_TEST_CASE("sock_recv: nothing at the end of file; the error of a broken connection (S357)") {
    Pair sockets;
    sockets.far.shutdown_write();
    std::string data = co_await sock_recv(sockets.near, 10);
    CHECK(data.empty());
    sockets.far.close();
    std::string end = co_await ending(sock_sendall(sockets.near, "data"));
    CHECK(end == "send: Broken pipe");
}

GYRE_TEST_CASE("sock_accept: a socket that does not block, and its peer's address (S357)") {
    const faults::NoCuts whole;
    Socket server = listener();
    auto accepting = create_task(sock_accept(server));
    co_await ticks(3);
    Socket client = Socket::open(SocketAddress::Family::ipv4);
    co_await sock_connect(client, server.local_address());
    auto accepted = co_await std::move(accepting);
    CHECK(accepted.second == client.local_address());
    CHECK((::fcntl(accepted.first.fileno(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(accepted.first.fileno(), F_GETFD) & FD_CLOEXEC) != 0);
    co_await sock_sendall(client, "hello");
    std::string data = co_await sock_recv(accepted.first, 100);
    CHECK(data == "hello");
}

GYRE_TEST_CASE("sock_connect: a failure is the connect error (S357)") {
    const Refusing refusing;
    Socket client = Socket::open(SocketAddress::Family::ipv4);
    std::string end = co_await ending(sock_connect(client, refusing));
    CHECK(end == "connect " + refusing.address().to_string() + ": Connection refused");
    CHECK(loop.statistics().descriptors == 0);
    Socket local = Socket::open(SocketAddress::Family::local);
    end = co_await ending(sock_connect(local, SocketAddress::unix_path("/nowhere/at/all")));
    CHECK(end == "connect unix:/nowhere/at/all: No such file or directory");
}

GYRE_TEST_CASE("sock_*: cancelled, an operation watches the socket no more (S358)") {
    const faults::NoCuts whole;
    Pair sockets;
    Socket server = listener();
    auto receiving = create_task(sock_recv(sockets.near, 100));
    auto accepting = create_task(sock_accept(server));
    co_await ticks(3);
    CHECK(loop.statistics().descriptors == 2);
    receiving.cancel();
    accepting.cancel();
    std::string end = co_await ending(receiving);
    CHECK(end == "CancelledError");
    auto both = wait(std::vector<AnyTask>{receiving, accepting});
    co_await std::move(both);
    CHECK(accepting.cancelled());
    CHECK(loop.statistics().descriptors == 0);
    CHECK(server.accept() == std::nullopt);
    co_await sock_sendall(sockets.far, "kept");
    std::string data = co_await sock_recv(sockets.near, 100);
    CHECK(data == "kept");
}

GYRE_TEST_CASE("sock_*: an operation begun right after a cancel is left alone (S358)") {
    const faults::NoCuts whole;
    Pair sockets;
    auto first = create_task(sock_recv(sockets.near, 100));
    co_await ticks(3);
    first.cancel();
    auto second = create_task(sock_recv(sockets.near, 100));
    co_await ticks(5);
    CHECK(first.cancelled());
    CHECK(outcome(second) == "pending");
    CHECK(loop.statistics().descriptors == 1);
    co_await sock_sendall(sockets.far, "for the second");
    co_await second;
    CHECK(outcome(second) == "for the second");

    int calls = 0;
    auto third = create_task(sock_recv(sockets.near, 100));
    co_await ticks(3);
    third.cancel();
    loop.add_reader(sockets.near.fileno(), [&calls] { ++calls; });
    co_await ticks(3);
    co_await sock_sendall(sockets.far, "x");
    while (calls == 0) {
        co_await sleep(0s);
    }
    CHECK(third.cancelled());
    CHECK(loop.remove_reader(sockets.near.fileno()));
}

GYRE_TEST_CASE("sock_*: cancelled after it became ready, nothing is lost (S358)" * in_order) {
    const faults::NoCuts whole;
    Pair sockets;
    auto receiving = create_task(sock_recv(sockets.near, 100));
    co_await ticks(3);
    co_await sock_sendall(sockets.far, "kept");
    receiving.cancel();
    std::string end = co_await ending(receiving);
    CHECK(end == "CancelledError");
    std::string data = co_await sock_recv(sockets.near, 100);
    CHECK(data == "kept");
}

GYRE_TEST_CASE("sock_recv: a second one takes the first one's place (S359)" * in_order) {
    const faults::NoCuts whole;
    Pair sockets;
    auto first = create_task(sock_recv(sockets.near, 100));
    co_await sleep(0s);
    auto second = create_task(sock_recv(sockets.near, 100));
    co_await sleep(0s);
    CHECK(loop.statistics().descriptors == 1);
    co_await sock_sendall(sockets.far, "data");
    co_await second;
    CHECK(outcome(second) == "data");
    CHECK(outcome(first) == "pending");
    first.cancel();
    std::string end = co_await ending(first);
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("sock_sendall: everything, however often it must wait (S360)") {
    Pair sockets;
    std::string payload;
    for (int i = 0; i < 1 << 18; ++i) {
        payload += "0123456789abcdef"[i % 16 ^ i / 16 % 16];
    }
    auto sending = create_task(sock_sendall(sockets.far, payload));
    std::string all;
    while (all.size() < payload.size()) {
        std::string data = co_await sock_recv(sockets.near, 10000);
        all += data;
    }
    co_await sending;
    CHECK(all == payload);
    co_await sock_sendall(sockets.far, "");

    auto stuck = create_task(sock_sendall(sockets.far, payload + payload + payload));
    co_await ticks(3);
    CHECK(outcome(stuck) == "pending");
    stuck.cancel();
    std::string end = co_await ending(stuck);
    CHECK(end == "CancelledError");
}

GYRE_TEST_CASE("sock_sendall: the reader goes away meanwhile (S360)") {
    Pair sockets;
    const std::string payload(4 << 20, 'x');
    auto sending = create_task(sock_sendall(sockets.far, payload));
    co_await ticks(3);
    sockets.near.close();
    std::string end = co_await ending(sending);
    CHECK(end == "send: Broken pipe");
}

GYRE_TEST_CASE("sock_recv and sock_sendall of one socket at a time (S361)") {
    const faults::NoCuts whole;
    Pair sockets;
    const std::string payload(1 << 20, 'x');
    auto sending = create_task(sock_sendall(sockets.near, payload));
    auto receiving = create_task(sock_recv(sockets.near, 100));
    co_await ticks(3);
    CHECK(loop.statistics().descriptors == 2);
    co_await sock_sendall(sockets.far, "answer");
    co_await receiving;
    CHECK(outcome(receiving) == "answer");
    std::size_t received = 0;
    while (received < payload.size()) {
        std::string data = co_await sock_recv(sockets.far, 1 << 16);
        received += data.size();
    }
    co_await sending;
}

GYRE_TEST_CASE("sock_*: a bad socket is an error (S362)") {
    Socket none;
    std::string end = co_await ending(sock_recv(none, 1));
    CHECK(end == "recv: Bad file descriptor");
    end = co_await ending(sock_sendall(none, "x"));
    CHECK(end == "send: Bad file descriptor");
}
