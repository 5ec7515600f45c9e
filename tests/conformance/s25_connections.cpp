// Section 25: connections.
#include "connected.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace {

AddressInfo info(const SocketAddress& address) {
    AddressInfo made;
    made.family = address.family() == SocketAddress::Family::ipv6 ? AF_INET6 : AF_INET;
    made.type = SOCK_STREAM;
    made.address = address;
    return made;
}

// An address that does not answer: as many as it takes wait there already.
class Silent {
public:
    Silent() : listener_(listening(0)), address_(listener_.local_address()) {
        for (Socket& each : waiting_) {
            each = Socket::open(SocketAddress::Family::ipv4);
            each.connect(address_);
        }
    }
    [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }

private:
    Socket listener_;
    SocketAddress address_;
    Socket waiting_[3];
};

// Connects to the first of several addresses that answers; gives it, or the error.
Coro<std::string> reach(std::vector<SocketAddress> addresses, ConnectOptions options = {}) {
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

std::string refusal(const SocketAddress& address) {
    return "connect " + address.to_string() + ": Connection refused";
}

bool has_ipv6() {
    try {
        Socket socket = Socket::open(SocketAddress::Family::ipv6);
        socket.bind(SocketAddress::ip("::1", 0));
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

// A number that the next socket gets again if everything was closed.
int next_descriptor() {
    const Socket socket = Socket::open(SocketAddress::Family::ipv4);
    return socket.fileno();
}

}  // namespace

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

GYRE_TEST_CASE("happy eyeballs: the next address after the delay, the first to answer (S314)") {
    const int next = next_descriptor();
    {
        const Silent silent;
        Socket listener = listening();
        const auto start = loop.time();
        auto attempt =
            reach({silent.address(), listener.local_address()}, {.happy_eyeballs_delay = 20ms});
        std::string end = co_await std::move(attempt);
        CHECK(end == listener.local_address().to_string());
        CHECK(loop.time() - start >= 20ms);
        CHECK(all_tasks().size() == 1);
        CHECK(loop.statistics().descriptors == 0);
    }
    CHECK(next_descriptor() == next);
}

GYRE_TEST_CASE("happy eyeballs: the next address at once when the one before failed (S314)") {
    const Refusing a;
    const Refusing b;
    Socket listener = listening();
    auto attempt = reach({a, b, listener.local_address()}, {.happy_eyeballs_delay = 1h});
    std::string end = co_await std::move(attempt);
    CHECK(end == listener.local_address().to_string());
}

GYRE_TEST_CASE("happy eyeballs: the first that answers wins, nobody else is asked (S314)") {
    Socket first = listening();
    Socket second = listening();
    auto attempt =
        reach({first.local_address(), second.local_address()}, {.happy_eyeballs_delay = 1h});
    std::string end = co_await std::move(attempt);
    CHECK(end == first.local_address().to_string());
    CHECK_FALSE(second.accept());
}

GYRE_TEST_CASE("happy eyeballs: if all fail, all their errors (S314, S310)") {
    const Refusing a;
    const Refusing b;
    auto attempt = reach({a, b}, {.happy_eyeballs_delay = 1ms});
    std::string end = co_await std::move(attempt);
    CHECK(end.find("Multiple exceptions") != std::string::npos);
    auto attempt_2 = reach({a, b}, {.happy_eyeballs_delay = 1ms, .all_errors = true});
    end = co_await std::move(attempt_2);
    CHECK(end == "ExceptionGroup(" + refusal(a) + ", " + refusal(b) + ")");
}

GYRE_TEST_CASE("happy eyeballs: the families take turns, behind the first so many (S315)") {
    if (!has_ipv6()) {
        co_return;
    }
    // Where every attempt fails, the errors tell the order.
    const auto order = [](ConnectOptions options) -> Coro<std::string> {
        const Refusing a("127.0.0.1");
        const Refusing b("::1");
        std::vector<AddressInfo> infos = {info(b), info(b), info(b), info(a), info(a)};
        options.all_errors = true;
        std::string text;
        try {
            Socket socket = co_await detail::connect_to(std::move(infos), options);
        } catch (const ExceptionGroup& group) {
            for (const std::exception_ptr& each : group.exceptions()) {
                text += name_of(each).find("[::1]") == std::string::npos ? '4' : '6';
            }
        }
        co_return text;
    };
    auto attempt = order({});
    std::string text = co_await std::move(attempt);
    CHECK(text == "66644");
    auto attempt_2 = order({.interleave = 1});
    text = co_await std::move(attempt_2);
    CHECK(text == "64646");
    auto attempt_3 = order({.interleave = 2});
    text = co_await std::move(attempt_3);
    CHECK(text == "66464");
    auto attempt_4 = order({.interleave = 9});
    text = co_await std::move(attempt_4);
    CHECK(text == "66644");
    auto attempt_5 = order({.happy_eyeballs_delay = 1h});
    text = co_await std::move(attempt_5);
    CHECK(text == "64646");
    auto attempt_6 = order({.happy_eyeballs_delay = 1h, .interleave = 0});
    text = co_await std::move(attempt_6);
    CHECK(text == "66644");
}

GYRE_TEST_CASE("create_connection: without a delay an address has all the time it takes (S316)") {
    const Silent silent;
    Socket listener = listening();
    auto task = create_task(reach({silent.address(), listener.local_address()}));
    co_await sleep(50ms);
    CHECK(outcome(task) == "pending");
    CHECK_FALSE(listener.accept());
    task.cancel();
    auto attempt = wait(std::vector{task});
    co_await std::move(attempt);
}

GYRE_TEST_CASE("happy eyeballs: a cancel from outside ends the race and all that run (S317)") {
    const int next = next_descriptor();
    {
        const Silent one;
        const Silent two;
        for (const auto time : {5ms, 15ms, 50ms}) {
            auto task =
                create_task(reach({one.address(), two.address()}, {.happy_eyeballs_delay = 10ms}));
            co_await sleep(time);
            CHECK(outcome(task) == "pending");
            task.cancel();
            std::string end = co_await ending(task);
            CHECK(end == "CancelledError");
            CHECK(all_tasks().size() == 1);
            CHECK(loop.statistics().descriptors == 0);
        }
    }
    CHECK(next_descriptor() == next);
}

GYRE_TEST_CASE("happy eyeballs: right with eager tasks, too (S317)") {
    set_task_factory(loop, eager_task_factory);
    Socket listener = listening();
    const SocketAddress address = listener.local_address();
    const Refusing refusing;
    auto attempt = reach({refusing, address, address}, {.happy_eyeballs_delay = 1h});
    std::string end = co_await std::move(attempt);
    CHECK(end == address.to_string());
    auto attempt_2 = reach({refusing}, {.happy_eyeballs_delay = 1h});
    end = co_await std::move(attempt_2);
    CHECK(end.find("Connection refused") != std::string::npos);
    set_task_factory(loop, nullptr);
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
