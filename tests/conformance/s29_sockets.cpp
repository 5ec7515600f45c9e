// Section 29: operations on sockets, cancelled, refused, begun anew, and over other kinds than TCP.
#include "../folder.hpp"
#include "connected.hpp"

#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace {

Socket datagrams(const std::string& host) {
    Socket socket = Socket::open(SocketAddress::Family::ipv4, Socket::Kind::datagram);
    socket.bind(SocketAddress::ip(host, 0));
    return socket;
}

// Until the system takes nothing more of it.
void fill(Socket& socket) {
    const faults::NoFaults none;
    for (std::size_t size = 8192; size > 0; size /= 2) {
        while (socket.send(std::string(size, ' '))) {
        }
    }
}

Coro<std::string> words(Socket& socket) {
    std::string all = co_await receive_all(socket);
    std::erase(all, ' ');
    co_return all;
}

}  // namespace

GYRE_TEST_CASE("sock_sendall: one begun right after a cancelled one sends, that one not (S358)") {
    std::pair<Socket, Socket> ends = Socket::pair();
    ends.first.set_send_buffer(1024);
    fill(ends.first);
    auto first = create_task(sock_sendall(ends.first, "hello"));
    co_await ticks(3);
    CHECK(outcome(first) == "pending");
    first.cancel();
    auto receiving = create_task(words(ends.second));
    co_await sock_sendall(ends.first, "world");
    ends.first.shutdown_write();
    co_await receiving;
    CHECK(first.cancelled());
    CHECK(outcome(receiving) == "world");
}

GYRE_TEST_CASE("sock_connect: cancelled, it can be begun again (S358)") {
    Socket listener = listening();
    Socket client = Socket::open(SocketAddress::Family::ipv4);
    auto first = create_task(sock_connect(client, listener.local_address()));
    co_await sleep(0s);
    first.cancel();
    std::string end = co_await ending(first);
    CHECK((end == "CancelledError" || end == "done"));
    end = co_await ending(sock_connect(client, listener.local_address()));
    CHECK((end == "done" || end.find("already connected") != std::string::npos));
    auto accepted = co_await sock_accept(listener);
    CHECK(accepted.second == client.local_address());
    co_await sock_sendall(client, "hello");
    std::string data = co_await receive(accepted.first, 5);
    CHECK(data == "hello");
    CHECK(loop.statistics().descriptors == 0);
}

GYRE_TEST_CASE("sock_connect: one that is under way is waited for (S357)") {
    Socket listener = listening(1);
    const SocketAddress address = listener.local_address();
    // As many as fill its queue: the next one's handshake is not answered.
    std::vector<Socket> clients;
    bool waits = false;
    while (!waits && clients.size() < 10) {
        Socket& client = clients.emplace_back(Socket::open(address.family()));
        client.connect(address);
        ::pollfd polled{client.fileno(), POLLOUT, 0};
        waits = ::poll(&polled, 1, 20) == 0;
    }
    if (!waits) {
        co_return;  // the system's queue is longer
    }
    auto again = create_task(sock_connect(clients.back(), address));
    co_await ticks(3);
    CHECK(outcome(again) == "pending");
    again.cancel();
    std::string end = co_await ending(again);
    CHECK(end == "CancelledError");
    CHECK(loop.statistics().descriptors == 0);
}

GYRE_TEST_CASE("sock_accept: given up in time, the listener can be closed (S358)") {
    const SocketAddress any = SocketAddress::ip(own_host(), 0);
    Socket listener = Socket::open(any.family());
    listener.bind(any);
    listener.listen(1);
    const SocketAddress address = listener.local_address();
    std::string end = co_await ending(create_task([&]() -> Coro<> {
        auto limited = wait_for(sock_accept(listener), 1ms);
        auto accepted = co_await std::move(limited);
    }));
    CHECK(end == "TimeoutError");
    CHECK(loop.statistics().descriptors == 0);
    listener.close();
    Socket client = Socket::open(any.family());
    end = co_await ending(sock_connect(client, address));
    CHECK(end.find("Connection refused") != std::string::npos);
}

GYRE_TEST_CASE("sock_*: over Unix sockets (S356, S357)") {
    const Folder folder;
    const SocketAddress address = SocketAddress::unix_path(folder / "socket");
    Socket listener = Socket::open(SocketAddress::Family::local);
    listener.bind(address);
    listener.listen(10);
    auto accepting = create_task(sock_accept(listener));
    Socket client = Socket::open(SocketAddress::Family::local);
    co_await sock_connect(client, address);
    auto accepted = co_await std::move(accepting);
    Socket server = std::move(accepted.first);
    auto sending = create_task(sock_sendall(client, megabyte));
    std::string data = co_await receive(server, megabyte.size());
    co_await sending;
    CHECK(data == megabyte);
    co_await sock_sendall(server, "answer");
    server.close();
    data = co_await receive_all(client);
    CHECK(data == "answer");
}

GYRE_TEST_CASE("sock_recv: nobody takes the datagrams of a connected socket (S357)") {
    Socket socket = datagrams("127.0.0.1");
    const SocketAddress address = datagrams(own_host()).local_address();  // closed again
    co_await sock_connect(socket, address);
    co_await sock_sendall(socket, "anybody?");
    std::string end = co_await ending(sock_recv(socket, 10));
    CHECK(end.find("Connection refused") != std::string::npos);
    CHECK(loop.statistics().descriptors == 0);
}

GYRE_TEST_CASE("sock_sendall: a datagram that the system has no room for waits (S356)") {
    std::pair<Socket, Socket> ends = Socket::pair(Socket::Kind::datagram);
    ends.first.set_send_buffer(4096);
    int sent = 0;
    {
        const faults::NoFaults none;
        while (ends.first.send("x")) {
            ++sent;
        }
    }
    auto waiting = create_task(sock_sendall(ends.first, "last"));
    co_await ticks(3);
    CHECK(outcome(waiting) == "pending");
    std::string data;
    for (int i = 0; i <= sent; ++i) {
        data = co_await sock_recv(ends.second, 10);
    }
    co_await waiting;
    CHECK(data == "last");
}
