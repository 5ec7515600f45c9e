// What the tests of connections to one of several addresses share.
#pragma once

#include "connected.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

inline AddressInfo info(const SocketAddress& address) {
    AddressInfo made;
    made.family = address.family() == SocketAddress::Family::ipv6 ? AF_INET6 : AF_INET;
    made.type = SOCK_STREAM;
    made.address = address;
    return made;
}

/// An address that does not answer: as many as it takes wait there already.
class Silent {
public:
    Silent() : listener_(listening(0)), address_(listener_.local_address()) {
        for (Socket& each : waiting_) {
            each = Socket::open(SocketAddress::Family::ipv4);
            each.connect(address_);
        }
    }
    [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }
    /// Nobody listens any more: who knocks again, as TCP does after a second, is refused.
    void refuse() { listener_ = Socket(); }

private:
    Socket listener_;
    SocketAddress address_;
    Socket waiting_[3];
};

/// Connects to the first of several addresses that answers; gives it, or the error.
inline Coro<std::string> reach(std::vector<SocketAddress> addresses, ConnectOptions options = {}) {
    std::vector<AddressInfo> infos;
    for (const SocketAddress& each : addresses) {
        infos.push_back(info(each));
    }
    std::string end;
    try {
        Socket socket = co_await detail::connect_to(std::move(infos), options);
        end = socket.peer_address().to_string();
    } catch (...) {
        end = name_of(std::current_exception());
    }
    co_return end;
}

inline std::string refusal(const SocketAddress& address) {
    return "connect " + address.to_string() + ": Connection refused";
}

inline bool has_ipv6() {
    try {
        Socket socket = Socket::open(SocketAddress::Family::ipv6);
        socket.bind(SocketAddress::ip("::1", 0));
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

/// A number that the next socket gets again if everything was closed.
inline int next_descriptor() {
    const Socket socket = Socket::open(SocketAddress::Family::ipv4);
    return socket.fileno();
}
