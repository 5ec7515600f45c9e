// Section 26: connections to names, whose addresses answer, refuse or hang.
#include "connected.hpp"
#include "resolving.hpp"

#include <array>

namespace {

// The same port on several addresses of this machine: one name, one port, many ends.
class Ends {
public:
    Ends() : host_(own_host()) {
        const std::string start = host_.substr(0, host_.rfind('.') + 1);
        for (int i = 1; port_ == 0; ++i) {
            try {
                open(start, i);
            } catch (const std::system_error&) {
                // Another socket has the number on one of the addresses.
                port_ = 0;
            }
        }
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] const std::string& good() const noexcept { return good_; }
    [[nodiscard]] const std::string& other() const noexcept { return other_; }
    [[nodiscard]] const std::string& hanging() const noexcept { return hanging_; }
    [[nodiscard]] const std::string& refusing() const noexcept { return refusing_; }
    [[nodiscard]] bool other_was_asked() { return static_cast<bool>(other_socket_.accept()); }

private:
    void open(const std::string& start, int attempt) {
        const auto host = [&](int number) {
            return start + std::to_string(1 + (attempt * 4 + number) % 250);
        };
        good_ = host(0);
        other_ = host(1);
        hanging_ = host(2);
        refusing_ = host(3);
        good_socket_ = listening_at(good_, 0, 10);
        port_ = good_socket_.local_address().port();
        other_socket_ = listening_at(other_, port_, 10);
        hanging_socket_ = listening_at(hanging_, port_, 0);
        for (Socket& each : waiting_) {
            each = Socket::open(SocketAddress::Family::ipv4);
            each.connect(hanging_socket_.local_address());
        }
        refusing_socket_ = Socket::open(SocketAddress::Family::ipv4);
        refusing_socket_.bind(SocketAddress::ip(refusing_, port_));
    }
    static Socket listening_at(const std::string& host, std::uint16_t port, int backlog) {
        Socket socket = Socket::open(SocketAddress::Family::ipv4);
        socket.bind(SocketAddress::ip(host, port));
        socket.listen(backlog);
        return socket;
    }

    std::string host_;
    std::string good_;
    std::string other_;
    std::string hanging_;
    std::string refusing_;
    Socket good_socket_;
    Socket other_socket_;
    Socket hanging_socket_;
    Socket refusing_socket_;
    std::array<Socket, 3> waiting_;
    std::uint16_t port_ = 0;
};

// The address that answered, or the error's name.
Coro<std::string> reach(std::string host, std::uint16_t port, ConnectOptions options) {
    std::string end;
    try {
        StreamPair pair = co_await open_connection(std::move(host), port, options);
        end = pair.writer.get_extra_info("peername").host();
        pair.writer.close();
        co_await pair.writer.wait_closed();
    } catch (...) {
        end = name_of(std::current_exception());
    }
    co_return end;
}

}  // namespace

GYRE_TEST_CASE("open_connection: a name's addresses are tried in the resolver's order (S308)") {
    Ends ends;
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {ends.refusing(), ends.good(), ends.other()};
    names->add("service.test", addresses, 20ms);
    set_resolver(loop, names);
    const auto start = loop.time();
    std::string end = co_await reach("service.test", ends.port(), {});
    CHECK(end == ends.good());
    CHECK(loop.time() - start >= 20ms);
    CHECK_FALSE(ends.other_was_asked());
    CHECK(joined(names->asked()) == "service.test");
}

GYRE_TEST_CASE("happy eyeballs: from an address that hangs to the next, after the delay (S314)") {
    Ends ends;
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {ends.hanging(), ends.hanging(), ends.good(),
                                                ends.other()};
    names->add("service.test", addresses);
    set_resolver(loop, names);
    const auto start = loop.time();
    std::string end = co_await reach("service.test", ends.port(), {.happy_eyeballs_delay = 20ms});
    CHECK(end == ends.good());
    CHECK(loop.time() - start >= 40ms);
    CHECK_FALSE(ends.other_was_asked());
    CHECK(all_tasks().size() == 1);
    CHECK(loop.statistics().descriptors == 0);
}

GYRE_TEST_CASE("happy eyeballs: an hour's delay is no matter where the first refuses (S314)") {
    Ends ends;
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {ends.refusing(), ends.good()};
    names->add("service.test", addresses);
    set_resolver(loop, names);
    const auto start = loop.time();
    std::string end = co_await reach("service.test", ends.port(), {.happy_eyeballs_delay = 1h});
    CHECK(end == ends.good());
    CHECK(loop.time() - start < 1h);
}

GYRE_TEST_CASE("happy eyeballs: the families of a name take turns (S315)") {
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {"::1", "::1", "127.0.0.1", "127.0.0.1"};
    names->add("service.test", addresses);
    set_resolver(loop, names);
    const Refusing refusing;
    std::string order;
    try {
        StreamPair pair =
            co_await open_connection("service.test", refusing.address().port(),
                                     {.happy_eyeballs_delay = 1h, .all_errors = true});
    } catch (const ExceptionGroup& group) {
        for (const std::exception_ptr& each : group.exceptions()) {
            order += name_of(each).find("[::1]") == std::string::npos ? '4' : '6';
        }
    }
    CHECK(order == "6464");
}

GYRE_TEST_CASE("create_connection: without a delay one address may hang for ever (S316)") {
    Ends ends;
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {ends.hanging(), ends.good()};
    names->add("service.test", addresses);
    set_resolver(loop, names);
    auto opening = open_connection("service.test", ends.port());
    auto attempt = wait_for(std::move(opening), 30ms);
    std::string end;
    try {
        StreamPair pair = co_await std::move(attempt);
    } catch (...) {
        end = name_of(std::current_exception());
    }
    CHECK(end == "TimeoutError");
}

GYRE_TEST_CASE("happy eyeballs: a cancel while the name is resolved, or the race is on (S317)") {
    Ends ends;
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {ends.hanging(), ends.hanging()};
    names->add("service.test", addresses, 10ms);
    names->add_hanging("never.test");
    set_resolver(loop, names);
    const std::vector<std::pair<const char*, std::chrono::milliseconds>> moments = {
        {"never.test", 5ms}, {"service.test", 5ms}, {"service.test", 15ms}, {"service.test", 35ms}};
    for (const auto& [host, moment] : moments) {
        auto opening = open_connection(host, ends.port(), {.happy_eyeballs_delay = 10ms});
        auto attempt = wait_for(std::move(opening), moment);
        std::string end;
        try {
            StreamPair pair = co_await std::move(attempt);
        } catch (...) {
            end = name_of(std::current_exception());
        }
        CHECK(end == "TimeoutError");
        CHECK(all_tasks().size() == 1);
        CHECK(loop.statistics().descriptors == 0);
    }
}

GYRE_TEST_CASE("open_connection: an unknown name is a ResolveError, no address an OSError (S311)") {
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> none;
    names->add("empty.test", none);
    set_resolver(loop, names);
    std::string end = co_await reach("gone.test", 80, {});
    CHECK(end == "getaddrinfo gone.test: Name or service not known");
    end = co_await reach("empty.test", 80, {});
    CHECK(end.find("no address") != std::string::npos);
}
