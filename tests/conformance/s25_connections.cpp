// Section 25: connections.
#include "addresses.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <system_error>

GYRE_TEST_CASE("create_connection: a socket of another kind than stream is a ValueError (S307)") {
    for (const bool stream : {false, true}) {
        Socket socket = Socket::open(SocketAddress::Family::ipv4, Socket::Kind::datagram);
        std::string end;
        if (stream) {
            auto opening = open_connection(std::move(socket));
            try {
                StreamPair pair = co_await std::move(opening);
            } catch (const ValueError&) {
                end = "ValueError";
            }
        } else {
            auto creating =
                create_connection([] { return std::make_unique<Notes>(); }, std::move(socket));
            try {
                auto made = co_await std::move(creating);
            } catch (const ValueError&) {
                end = "ValueError";
            }
        }
        CHECK(end == "ValueError");
    }
}

GYRE_TEST_CASE("create_connection: a factory of any kind of pointer; what it throws is thrown") {
    Socket listener = listening();
    const SocketAddress address = listener.local_address();
    auto shared = co_await create_connection([] { return std::make_shared<Notes>(); },
                                             address.host(), address.port());
    auto unique = co_await create_connection([] { return std::make_unique<Notes>(); },
                                             address.host(), std::to_string(address.port()));
    std::shared_ptr<Notes> protocol = unique.second;
    CHECK(joined(protocol->log) == "made");
    auto& [transport, notes] = shared;
    CHECK(joined(notes->log) == "made");
    transport->close();
    unique.first->close();
    co_await notes->lost.wait();
    co_await protocol->lost.wait();

    auto failing = []() -> std::shared_ptr<Notes> { throw std::runtime_error("factory"); };
    auto creating = create_connection(failing, "127.0.0.1", address.port());
    std::string end;
    try {
        auto made = co_await std::move(creating);
    } catch (...) {
        end = name_of(std::current_exception());
    }
    CHECK(end == "factory");
    auto null = []() -> std::shared_ptr<Notes> { return nullptr; };
    auto another = create_connection(null, "127.0.0.1", address.port());
    try {
        auto made = co_await std::move(another);
    } catch (...) {
        end = name_of(std::current_exception());
    }
    CHECK(end == "ValueError");
}

GYRE_TEST_CASE("create_connection: a numeric address needs no resolver's thread (S308)") {
    Socket listener = listening();
    auto opening = open_connection("127.0.0.1", listener.local_address().port());
    auto task = create_task(std::move(opening));
    while (!task.done()) {
        CHECK(loop.statistics().posts == 0);
        co_await sleep(0s);
    }
    StreamPair pair = co_await task;
    CHECK(pair.writer.get_extra_info("peername") == listener.local_address());
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

GYRE_TEST_CASE("create_connection: a port out of range is an error, not another port (S308)") {
    for (const Port& port : {Port(65536 + 80), Port(-1), Port("65616"), Port("nonsense/tcp")}) {
        INFO("port: ", port.text());
        std::string end = "connected";
        try {
            StreamPair pair = co_await open_connection("127.0.0.1", port);
        } catch (const ResolveError& error) {
            end = error.code() == EAI_SERVICE ? "EAI_SERVICE" : error.what();
        } catch (const std::exception& error) {
            end = error.what();
        }
        CHECK(end == "EAI_SERVICE");
    }
}

GYRE_TEST_CASE("create_connection: the addresses in order, each failed socket closed (S308)") {
    const int next = next_descriptor();
    {
        Socket listener = listening();
        const SocketAddress open = listener.local_address();
        Socket second = listening();
        const Refusing a;
        const Refusing b;
        auto attempt = reach({a, b, open, second.local_address()});
        std::string end = co_await std::move(attempt);
        CHECK(end == open.to_string());
    }
    CHECK(next_descriptor() == next);
}

GYRE_TEST_CASE("create_connection: by name (S308)") {
    Socket listener = listening();
    auto attempt =
        open_connection("localhost", listener.local_address().port(), {.family = AF_INET});
    StreamPair pair = co_await std::move(attempt);
    CHECK(pair.writer.get_extra_info("peername") == listener.local_address());
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

GYRE_TEST_CASE("create_connection: from a local address (S309)") {
    Socket listener = listening();
    const SocketAddress address = listener.local_address();
    auto attempt = open_connection("127.0.0.1", address.port(),
                                   {.local_addr = SocketAddress::ip("127.0.0.2", 0)});
    StreamPair pair = co_await std::move(attempt);
    CHECK(pair.writer.get_extra_info("sockname").host() == "127.0.0.2");
    pair.writer.close();
    co_await pair.writer.wait_closed();

    // Not one of ours, or of another family.
    auto attempt_2 = reach({address}, {.local_addr = SocketAddress::ip("203.0.113.1", 0)});
    std::string end = co_await std::move(attempt_2);
    CHECK(end.find("bind 203.0.113.1:0") != std::string::npos);
    if (has_ipv6()) {
        auto attempt_3 = reach({SocketAddress::ip("::1", address.port()), address},
                               {.local_addr = SocketAddress::ip("127.0.0.1", 0)});
        end = co_await std::move(attempt_3);
        CHECK(end == address.to_string());
    }
}

GYRE_TEST_CASE("create_connection: if all fail: the error, or one that tells each (S310)") {
    const Refusing a;
    const Refusing b;
    auto attempt = reach({a});
    std::string end = co_await std::move(attempt);
    CHECK(end == refusal(a));
    auto attempt_2 = reach({a, a});
    end = co_await std::move(attempt_2);
    CHECK(end == refusal(a));
    auto attempt_3 = reach({a, b});
    end = co_await std::move(attempt_3);
    CHECK(end.find("Multiple exceptions: " + refusal(a) + ", " + refusal(b)) != std::string::npos);
    auto attempt_4 = reach({a, b}, {.all_errors = true});
    end = co_await std::move(attempt_4);
    CHECK(end == "ExceptionGroup(" + refusal(a) + ", " + refusal(b) + ")");

    std::error_code code;
    try {
        StreamPair pair = co_await open_connection("127.0.0.1", a.address().port());
    } catch (const std::system_error& error) {
        code = error.code();
    }
    CHECK(code == std::errc::connection_refused);
}

GYRE_TEST_CASE("create_connection: no address at all is a system error (S311)") {
    auto attempt = reach({});
    std::string end = co_await std::move(attempt);
    CHECK(end.find("no address") != std::string::npos);
    auto attempt_2 = reach({}, {.happy_eyeballs_delay = 1ms});
    end = co_await std::move(attempt_2);
    CHECK(end.find("no address") != std::string::npos);
}

GYRE_TEST_CASE("create_connection: cancelled, it leaves no socket (S312)") {
    const int next = next_descriptor();
    {
        const Silent silent;
        auto opening = open_connection("127.0.0.1", silent.address().port());
        std::string end;
        try {
            StreamPair pair = co_await wait_for(std::move(opening), 1ms);
        } catch (...) {
            end = name_of(std::current_exception());
        }
        CHECK(end == "TimeoutError");
        CHECK(loop.statistics().descriptors == 0);
    }
    CHECK(next_descriptor() == next);
}

GYRE_TEST_CASE("create_connection: cancelled, it closes the socket it was given (S312)" *
               in_order) {
    std::pair<Socket, Socket> ends = Socket::pair();
    auto protocol = std::make_shared<Notes>();
    auto task = create_task(create_connection([&] { return protocol; }, std::move(ends.first)));
    co_await sleep(0s);
    task.cancel();
    auto attempt = wait(std::vector{task});
    co_await std::move(attempt);
    CHECK(task.cancelled());
    std::string data = co_await sock_recv(ends.second, 1);
    CHECK(data.empty());
    CHECK(joined(protocol->log) == "made lost");
}

GYRE_TEST_CASE("create_connection: the socket does not block (S313)") {
    std::pair<Socket, Socket> ends = Socket::pair();
    const int fd = ends.first.release();
    REQUIRE(::fcntl(fd, F_SETFL, 0) == 0);
    StreamPair pair = co_await open_connection(Socket(fd));
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

GYRE_TEST_CASE("connect_accepted_socket: a transport over a socket that was accepted (S318)") {
    Socket listener = listening();
    auto opening = create_task(open_connection("127.0.0.1", listener.local_address().port()));
    auto accepted = co_await sock_accept(listener);
    auto made = co_await connect_accepted_socket([] { return std::make_shared<Notes>(); },
                                                 std::move(accepted.first));
    StreamPair client = co_await opening;
    CHECK(made.first->peername() == client.writer.get_extra_info("sockname"));
    client.writer.write("hello");
    co_await received(made.second, 5);
    CHECK(made.second->data == "hello");
    made.first->write("goodbye");
    made.first->close();
    std::string data = co_await client.reader.read();
    CHECK(data == "goodbye");
    client.writer.close();
    co_await client.writer.wait_closed();
}
