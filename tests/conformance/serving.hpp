// What the tests of servers share: handlers, and who connects.
#pragma once

#include "connected.hpp"

#include <fcntl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

inline std::shared_ptr<Notes> notes() { return std::make_shared<Notes>(); }

inline Coro<> nothing(StreamReader, StreamWriter) { co_return; }

/// Reads until the end of file.
inline Coro<> until_eof(StreamReader reader, StreamWriter writer) {
    std::string data = co_await reader.read();
    writer.close();
}

/// Sends back what it gets.
inline Coro<> echo(StreamReader reader, StreamWriter writer) {
    while (true) {
        std::string data = co_await reader.read(65536);
        if (data.empty()) {
            break;
        }
        writer.write(data);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

inline std::uint16_t port_of(const Server& server) { return server.sockets().at(0).port(); }

inline Coro<> end_of(Server server) {
    server.close();
    co_await server.wait_closed();
}

inline Coro<StreamPair> connect_to(const Server& server) {
    return open_connection("127.0.0.1", port_of(server));
}

inline Coro<> end_of(StreamPair pair) {
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

/// What starting the server ends with: "serves", or the error.
template <class S>
Coro<std::string> attempt(S starting) {
    std::string end;
    try {
        Server server = co_await std::move(starting);
        end = "serves";
        co_await end_of(server);
    } catch (...) {
        end = name_of(std::current_exception());
    }
    co_return end;
}

inline bool connects(std::uint16_t port) {
    const faults::NoFaults none;  // an answer at once
    Socket socket = Socket::open(SocketAddress::Family::ipv4);
    const int flags = ::fcntl(socket.fileno(), F_GETFL);
    ::fcntl(socket.fileno(), F_SETFL, flags & ~O_NONBLOCK);
    try {
        return socket.connect(SocketAddress::ip("127.0.0.1", port));
    } catch (const std::system_error&) {
        return false;
    }
}
