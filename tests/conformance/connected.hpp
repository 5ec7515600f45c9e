// What the tests of connections share: protocols that take notes, and connections to make.
#pragma once

#include "support.hpp"

#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// Notes each call; "data" only in `data`.
class Notes : public Protocol {
public:
    void connection_made(const std::shared_ptr<Transport>& made) override {
        transport = made;
        log.push_back("made");
    }
    void data_received(std::string_view bytes) override {
        if (data.empty()) {
            log.push_back("data");
        }
        data += bytes;
        came.set();
    }
    bool eof_received() override {
        log.push_back("eof");
        came.set();
        return keep_open;
    }
    void pause_writing() override { log.push_back("pause"); }
    void resume_writing() override { log.push_back("resume"); }
    void connection_lost(std::exception_ptr reason) override {
        log.push_back("lost");
        error = std::move(reason);
        lost.set();
    }

    Log log;
    std::string data;
    std::exception_ptr error;
    std::shared_ptr<Transport> transport;
    bool keep_open = false;
    Event came;
    Event lost;
};

/// A transport, its protocol, and the other end's socket.
template <class P>
struct Connected {
    Connected(std::shared_ptr<Transport> t, std::shared_ptr<P> p, Socket s)
        : transport(std::move(t)), protocol(std::move(p)), peer(std::move(s)) {}
    std::shared_ptr<Transport> transport;
    std::shared_ptr<P> protocol;
    Socket peer;

    /// Closes and waits for the end.
    Coro<> close() {
        transport->close();
        co_await protocol->lost.wait();
    }
};

/// Over a pair of sockets.
template <class P = Notes>
Coro<Connected<P>> connected(std::shared_ptr<P> protocol = std::make_shared<P>()) {
    std::pair<Socket, Socket> ends = Socket::pair();
    auto made = co_await create_connection([&] { return protocol; }, std::move(ends.first));
    co_return Connected<P>(made.first, made.second, std::move(ends.second));
}

/// A socket that listens on a free port of this machine.
inline Socket listening(int backlog = 10) {
    Socket socket = Socket::open(SocketAddress::Family::ipv4);
    socket.bind(SocketAddress::ip("127.0.0.1", 0));
    socket.listen(backlog);
    return socket;
}

/// An address of this machine where only this process opens ports: one that was closed stays free.
inline std::string own_host() {
    const auto id = static_cast<unsigned>(::getpid());
    return "127." + std::to_string(1 + id / 65536 % 100) + '.' + std::to_string(id / 256 % 256) +
           '.' + std::to_string(id % 256);
}

/// An address where nobody listens. The socket keeps it, or another program may take it meanwhile.
class Refusing {
public:
    explicit Refusing(const std::string& host = "127.0.0.1") {
        const SocketAddress any = SocketAddress::ip(host, 0);
        socket_ = Socket::open(any.family());
        socket_.bind(any);
        address_ = socket_.local_address();
    }
    operator const SocketAddress&() const noexcept { return address_; }
    [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }

private:
    Socket socket_;
    SocketAddress address_;
};

/// Receives so many bytes.
inline Coro<std::string> receive(Socket& socket, std::size_t count) {
    std::string all;
    while (all.size() < count) {
        std::string data = co_await sock_recv(socket, count - all.size());
        REQUIRE_FALSE(data.empty());
        all += data;
    }
    co_return all;
}

/// Everything until the end of file.
inline Coro<std::string> receive_all(Socket& socket) {
    std::string all;
    while (true) {
        std::string data = co_await sock_recv(socket, 1 << 16);
        if (data.empty()) {
            co_return all;
        }
        all += data;
    }
}

/// Until a protocol has been given so many bytes.
template <class P>
Coro<> received(std::shared_ptr<P> protocol, std::size_t count) {
    while (protocol->data.size() < count) {
        protocol->came.clear();
        co_await protocol->came.wait();
    }
}

/// Over TCP.
template <class P = Notes>
Coro<Connected<P>> connected_by_tcp(std::shared_ptr<P> protocol = std::make_shared<P>()) {
    Socket listener = listening();
    const std::uint16_t port = listener.local_address().port();
    auto made = co_await create_connection([&] { return protocol; }, "127.0.0.1", port);
    auto accepted = co_await sock_accept(listener);
    co_return Connected<P>(made.first, made.second, std::move(accepted.first));
}

/// A stream over a pair of sockets, and the other end.
struct Stream {
    Stream(StreamPair pair, Socket socket)
        : reader(pair.reader), writer(pair.writer), peer(std::move(socket)) {}
    StreamReader reader;
    StreamWriter writer;
    Socket peer;

    Coro<> close() {
        writer.close();
        co_await writer.wait_closed();
    }
};

inline Coro<Stream> stream(ConnectOptions options = {}) {
    std::pair<Socket, Socket> ends = Socket::pair();
    StreamPair pair = co_await open_connection(std::move(ends.first), options);
    co_return Stream(std::move(pair), std::move(ends.second));
}

inline const std::string megabyte(1 << 20, 'x');
