// SocketAddress.
#include "connected.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <sstream>

using Family = SocketAddress::Family;

TEST_CASE("SocketAddress: none") {
    const SocketAddress none;
    CHECK_FALSE(none);
    CHECK(none.family() == Family::none);
    CHECK(none.to_string() == "none");
    CHECK(none.host().empty());
    CHECK(none.port() == 0);
    CHECK(none.path().empty());
    CHECK(none == SocketAddress());
    CHECK(none.native_size() == 0);
    CHECK_FALSE(none.with_port(80));
}

TEST_CASE("SocketAddress: IPv4 and IPv6") {
    const SocketAddress v4 = SocketAddress::ip("127.0.0.1", 8080);
    CHECK(v4);
    CHECK(v4.family() == Family::ipv4);
    CHECK(v4.host() == "127.0.0.1");
    CHECK(v4.port() == 8080);
    CHECK(v4.to_string() == "127.0.0.1:8080");
    CHECK(v4.native_size() == sizeof(::sockaddr_in));
    CHECK(v4.with_port(1).to_string() == "127.0.0.1:1");

    const SocketAddress v6 = SocketAddress::ip("::1", 80);
    CHECK(v6.family() == Family::ipv6);
    CHECK(v6.host() == "::1");
    CHECK(v6.port() == 80);
    CHECK(v6.to_string() == "[::1]:80");
    CHECK(v6.with_port(65535).port() == 65535);
    CHECK(SocketAddress::ip("2001:0db8:0000::0001", 0).host() == "2001:db8::1");
    CHECK(SocketAddress::ip("::ffff:1.2.3.4", 0).family() == Family::ipv6);

    std::ostringstream out;
    out << v4 << " " << v6;
    CHECK(out.str() == "127.0.0.1:8080 [::1]:80");
}

TEST_CASE("SocketAddress: the scope of an IPv6 address") {
    const SocketAddress scoped = SocketAddress::ip("fe80::1%1", 80);
    ::sockaddr_in6 native{};
    std::memcpy(&native, scoped.native(), sizeof native);
    CHECK(native.sin6_scope_id == 1);
    CHECK(SocketAddress::ip(scoped.host(), 80) == scoped);
    CHECK(SocketAddress::parse(scoped.to_string()) == scoped);
    CHECK(scoped != SocketAddress::ip("fe80::1", 80));
    CHECK_FALSE(SocketAddress::try_ip("fe80::1%no-such-interface", 80));
    CHECK_FALSE(SocketAddress::try_ip("fe80::1%", 80));
    CHECK_FALSE(SocketAddress::try_ip("127.0.0.1%1", 80));
}

TEST_CASE("SocketAddress: what is no numeric address is a ValueError that says so") {
    for (const char* host : {"", "localhost", "1.2.3", "1.2.3.256", "1.2.3.4 ", "::g", "[::1]"}) {
        INFO("host: ", std::string(host));
        CHECK_FALSE(SocketAddress::try_ip(host, 80));
        CHECK_THROWS_WITH_AS(static_cast<void>(SocketAddress::ip(host, 80)),
                             doctest::Contains("is expected, not '"), ValueError);
    }
    CHECK_FALSE(SocketAddress::try_ip(std::string_view("127.0.0.1\0x", 11), 80));
}

TEST_CASE("SocketAddress: parse is the inverse of to_string") {
    for (const char* text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:80", "[::]:65535",
                             "unix:/run/chat.sock", "unix:@name", "unix:"}) {
        INFO("text: ", std::string(text));
        CHECK(SocketAddress::parse(text).to_string() == text);
    }
    for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                             "127.0.0.1:8x", "127.0.0.1: 8", "::1", "::1:80", "[::1]", "[::1]80",
                             "[127.0.0.1]:80", "localhost:80", ":80", "none"}) {
        INFO("text: ", std::string(text));
        CHECK_THROWS_WITH_AS(static_cast<void>(SocketAddress::parse(text)),
                             doctest::Contains("is expected, not '"), ValueError);
    }
}

TEST_CASE("SocketAddress: Unix paths and abstract names") {
    const SocketAddress path = SocketAddress::unix_path("/run/chat.sock");
    CHECK(path.family() == Family::local);
    CHECK(path.path() == "/run/chat.sock");
    CHECK(path.host().empty());
    CHECK(path.port() == 0);
    CHECK(path.with_port(80) == path);
    const std::string name("\0na\0me", 6);
    const SocketAddress abstract = SocketAddress::unix_path(name);
    CHECK(abstract.path() == name);
    CHECK(abstract.native_size() == offsetof(::sockaddr_un, sun_path) + 6);

    const std::size_t room = sizeof(::sockaddr_un::sun_path);
    const std::string longest(room - 1, 'p');
    CHECK(SocketAddress::unix_path(longest).path() == longest);
    CHECK(thrown_by([&] { return SocketAddress::unix_path(longest + "p"); }) == "ValueError");
    const std::string longest_name = std::string(1, '\0') + longest;
    CHECK(SocketAddress::unix_path(longest_name).path() == longest_name);
    CHECK(thrown_by([&] { return SocketAddress::unix_path(longest_name + "n"); }) == "ValueError");
}

TEST_CASE("SocketAddress: equal, and in order") {
    const SocketAddress a = SocketAddress::ip("127.0.0.1", 80);
    const SocketAddress b = SocketAddress::ip("127.0.0.1", 81);
    CHECK(a == SocketAddress::parse("127.0.0.1:80"));
    CHECK(a != b);
    CHECK((a < b) != (b < a));
    CHECK(a != SocketAddress());
    CHECK(a != SocketAddress::ip("::ffff:127.0.0.1", 80));
    // The system may count a path's last zero byte or not.
    ::sockaddr_un native{};
    native.sun_family = AF_UNIX;
    std::memcpy(native.sun_path, "/x", 2);
    const std::size_t start = offsetof(::sockaddr_un, sun_path);
    CHECK(SocketAddress::from_native(&native, start + 2) == SocketAddress::unix_path("/x"));
    CHECK(SocketAddress::from_native(&native, sizeof native) == SocketAddress::unix_path("/x"));
}

TEST_CASE("Socket: what is connected to what") {
    Socket listener = Socket::open(Family::ipv4);
    listener.set_reuse_address(true);
    listener.bind(SocketAddress::ip("127.0.0.1", 0));
    listener.listen(1);
    const SocketAddress address = listener.local_address();
    CHECK(address.host() == "127.0.0.1");
    CHECK(address.port() != 0);
    CHECK_FALSE(listener.peer_address());
    CHECK_FALSE(listener.accept());
    Socket client = Socket::open(Family::ipv4);
    client.connect(address);
    SocketAddress peer;
    std::optional<Socket> server;
    while (!server) {
        server = listener.accept(&peer);
    }
    CHECK(peer == client.local_address());
    CHECK(client.peer_address() == address);
    CHECK(server->local_address() == address);
    char byte = 0;
    CHECK_FALSE(server->recv({&byte, 1}));

    auto [one, two] = Socket::pair();
    CHECK(one.local_address().to_string() == "unix:");
    const int number = one.fileno();
    Socket moved = std::move(one);
    CHECK_FALSE(one);
    CHECK(moved.fileno() == number);
    const int released = moved.release();
    CHECK_FALSE(moved);
    Socket again(released);
    CHECK(again.send("x") == std::size_t{1});
    CHECK(two.recv({&byte, 1}) == std::size_t{1});
    again.close();
    again.close();
    CHECK(two.recv({&byte, 1}) == std::size_t{0});
}

TEST_CASE("Socket: errors name the call and the address") {
    Socket taken = listening();
    Socket other = Socket::open(Family::ipv4);
    CHECK_THROWS_WITH_AS(other.bind(taken.local_address()),
                         doctest::Contains(("bind " + taken.local_address().to_string()).c_str()),
                         std::system_error);
    CHECK_THROWS_WITH_AS(static_cast<void>(Socket(-1)), doctest::Contains("socket -1"),
                         std::system_error);
    Socket datagram = Socket::open(Family::ipv4, Socket::Kind::datagram);
    CHECK_THROWS_AS(datagram.check_stream(), ValueError);
    CHECK_NOTHROW(taken.check_stream());
}
