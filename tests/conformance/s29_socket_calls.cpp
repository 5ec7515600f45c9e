// Section 29: sock_recv and its kin.
#include "connected.hpp"

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
