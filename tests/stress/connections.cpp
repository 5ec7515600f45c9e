// Connections in great number: held, opened and closed, and more than the system gives.
#include "stress.hpp"

#include <vector>

namespace stress {

namespace {

struct Client {
    explicit Client(StreamPair&& pair) : stream(std::move(pair)) {}
    StreamPair stream;
};

Coro<> close_gently(StreamWriter writer) {
    writer.close();
    co_await writer.wait_closed();
}

// Until the server's ends are gone too.
Coro<> until_descriptors(std::size_t count) {
    for (int tries = 0; open_descriptors() != count && tries < 200; ++tries) {
        co_await sleep(10ms);
    }
}

}  // namespace

Coro<> idle(int count) {
    const ::rlim_t before_limit = limit_descriptors(65536);
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].port();
    co_await sleep(10ms);
    const std::size_t before = open_descriptors();
    const double memory = resident_bytes();
    std::vector<Client> clients;
    for (int i = 0; i < count; ++i) {
        StreamPair pair = co_await open_connection("127.0.0.1", port);
        clients.emplace_back(std::move(pair));
    }
    co_await sleep(50ms);
    const std::size_t held = open_descriptors();
    const double each = (resident_bytes() - memory) / count;
    require(held == before + 2 * static_cast<std::size_t>(count), "two descriptors a connection");
    for (Client& client : clients) {
        co_await close_gently(client.stream.writer);
    }
    clients.clear();
    co_await until_descriptors(before);
    require(open_descriptors() == before, "the descriptors are back");
    server.close();
    co_await server.wait_closed();
    limit_descriptors(before_limit);
    std::printf(
        "idle: %d connections, both ends here: %.0f bytes each; descriptors %zu, %zu, %zu\n", count,
        each, before, held, before);
}

Coro<> churn(int count) {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].port();
    const std::size_t before = open_descriptors();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        StreamPair pair = co_await open_connection("127.0.0.1", port);
        pair.writer.write("ping");
        std::string back = co_await pair.reader.readexactly(4);
        require(back == "ping", "the echo is what was sent");
        // A reset keeps the port out of TIME_WAIT.
        pair.writer.transport().abort();
        co_await pair.writer.wait_closed();
    }
    const double seconds = seconds_since(start);
    server.close();
    co_await server.wait_closed();
    require(open_descriptors() < before, "the descriptors are back");
    std::printf("churn: %d connections opened, echoed and closed, %.0f a second\n", count,
                count / seconds);
}

Coro<> out_of_descriptors(int count) {
    int reports = 0;
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([&reports](EventLoop&, const ExceptionContext&) { ++reports; });
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const SocketAddress address = server.sockets()[0].getsockname();
    std::vector<Socket> clients;
    for (int i = 0; i < count; ++i) {
        Socket socket = Socket::open(address.family());
        co_await sock_connect(socket, address);
        clients.push_back(std::move(socket));
    }
    co_await sleep(20ms);
    // No room for one connection more.
    const ::rlim_t before = limit_descriptors(open_descriptors());
    Socket late;
    {
        Socket room = std::move(clients.back());
        clients.pop_back();
        room.close();
        co_await sleep(20ms);
        limit_descriptors(open_descriptors() + 1);
        late = Socket::open(address.family());
        co_await sock_connect(late, address);
    }
    const double cpu = cpu_seconds();
    co_await sleep(500ms);
    require(reports == 1, "accept() reports once");
    require(cpu_seconds() - cpu < 0.05, "little processor time meanwhile");
    limit_descriptors(before);
    const auto start = std::chrono::steady_clock::now();
    co_await sock_sendall(late, "ping");
    std::string back = co_await sock_recv(late, 16);
    const double seconds = seconds_since(start);
    require(back == "ping" && seconds < 2, "it is served once there is room");
    clients.clear();
    late.close();
    server.close();
    co_await server.wait_closed();
    loop.set_exception_handler(nullptr);
    std::printf("out_of_descriptors: reported once, %.3f s of CPU meanwhile, served %.2f s after\n",
                cpu_seconds() - cpu, seconds);
}

Coro<> beyond_select(int count) {
    const ::rlim_t before_limit = limit_descriptors(65536);
    int reports = 0;
    bool clear = true;
    const auto is_clear = [](const std::exception& error) {
        return std::string_view(error.what()).find("select takes file descriptors below") !=
               std::string_view::npos;
    };
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        ++reports;
        try {
            std::rethrow_exception(context.exception);
        } catch (const std::exception& error) {
            clear = clear && is_clear(error);
        }
    });
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].port();
    const std::size_t before = open_descriptors();
    std::vector<Client> clients;
    int refused = 0;
    for (int i = 0; i < count && refused < 10; ++i) {
        try {
            StreamPair pair = co_await open_connection("127.0.0.1", port);
            clients.emplace_back(std::move(pair));
        } catch (const std::exception& error) {
            ++refused;
            clear = clear && is_clear(error);
        }
    }
    require(refused == 10 && clear, "select refuses what it cannot hold, and says so");
    const std::size_t held = clients.size();
    StreamPair& first = clients.front().stream;
    first.writer.write("ping");
    std::string back = co_await first.reader.readexactly(4);
    require(back == "ping", "the others go on");
    for (Client& client : clients) {
        client.stream.writer.transport().abort();
    }
    clients.clear();
    co_await until_descriptors(before);
    require(open_descriptors() == before, "the descriptors are back");
    server.close();
    co_await server.wait_closed();
    loop.set_exception_handler(nullptr);
    limit_descriptors(before_limit);
    std::printf("beyond_select: %zu connections held, then refused; %d refused by the server\n",
                held, reports);
}

}  // namespace stress
