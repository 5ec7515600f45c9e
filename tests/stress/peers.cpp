// Peers that reset, do not read, or send a byte at a time; and a storm of signals.
#include "stress.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <vector>

namespace stress {

namespace {

// Closing sends a reset.
void reset(Socket& socket) {
    const ::linger at_once{1, 0};
    ::setsockopt(socket.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
}

struct Ends {
    int failed = 0;
    int ended = 0;
};

// Writes until the peer is gone, and counts how that was told.
class Flooder final : public Protocol {
public:
    explicit Flooder(Ends& ends) : ends_(ends) {}
    void connection_made(const std::shared_ptr<Transport>& transport) override {
        transport_ = transport;
        resume_writing();
    }
    void pause_writing() override { paused_ = true; }
    void resume_writing() override {
        paused_ = false;
        const std::string block(8192, 'x');
        while (!paused_ && !transport_->is_closing()) {
            transport_->write(block);
        }
    }
    void connection_lost(std::exception_ptr error) override {
        ++(error != nullptr ? ends_.failed : ends_.ended);
        transport_ = nullptr;
    }

private:
    Ends& ends_;
    std::shared_ptr<Transport> transport_;
    bool paused_ = false;
};

Coro<> drip(std::uint16_t port, const bool& over) {
    StreamPair pair = co_await open_connection("127.0.0.1", port);
    while (!over) {
        pair.writer.write("x");
        co_await sleep(1s);
    }
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

}  // namespace

Coro<> resets(int count) {
    Ends ends;
    const std::size_t before = open_descriptors();
    Server server =
        co_await create_server([&ends] { return std::make_shared<Flooder>(ends); }, "127.0.0.1", 0);
    const SocketAddress address = server.sockets()[0].getsockname();
    std::minstd_rand random(1);
    std::string buffer(65536, '\0');
    for (int i = 0; i < count; ++i) {
        Socket socket = Socket::open(address.family());
        co_await sock_connect(socket, address);
        std::size_t wanted = random() % 20000;
        while (wanted > 0) {
            const std::span<char> room(buffer.data(), std::min(wanted, buffer.size()));
            std::size_t got = co_await sock_recv_into(socket, room);
            wanted -= got;
        }
        reset(socket);
    }
    server.close();
    co_await server.wait_closed();
    require(ends.failed == count && ends.ended == 0, "one error a reset");
    require(open_descriptors() == before, "nothing is left");
    std::printf("resets: %d, each one error\n", count);
}

Coro<> slow_reader(int megabytes) {
    const std::size_t total = static_cast<std::size_t>(megabytes) << 20;
    constexpr std::size_t chunk = 64 << 10;
    std::size_t most = 0;
    const auto feed = [&](StreamReader, StreamWriter writer) -> Coro<> {
        const int small = 4096;
        ::setsockopt(writer.transport().fileno(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        const std::string block(chunk, 'x');
        for (std::size_t sent = 0; sent < total; sent += chunk) {
            writer.write(block);
            most = std::max(most, writer.transport().get_write_buffer_size());
            co_await writer.drain();
        }
        writer.close();
    };
    const auto start = std::chrono::steady_clock::now();
    const double memory = resident_bytes();
    std::size_t received = 0;
    Server server = co_await start_server(feed, "127.0.0.1", 0);
    {
        Socket socket = Socket::open(SocketAddress::Family::ipv4);
        const int small = 4096;
        ::setsockopt(socket.fileno(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        co_await sock_connect(socket, server.sockets()[0].getsockname());
        std::string buffer(16384, '\0');
        while (true) {
            std::size_t count = co_await sock_recv_into(socket, buffer);
            if (count == 0) {
                break;
            }
            received += count;
            co_await sleep(0s);
        }
    }
    server.close();
    co_await server.wait_closed();
    require(received == total, "every byte arrives");
    require(most <= (64 << 10) + chunk, "no more waits than the high-water mark and a chunk");
    const double more = resident_bytes() - memory;
    require(sanitized || more < (2 << 20), "nor does it lie somewhere else");
    std::printf("slow_reader: %d MB in %.1f s, at most %zu bytes waited, %.0f more of memory\n",
                megabytes, seconds_since(start), most, more);
}

Coro<> slow_loris(int count) {
    limit_descriptors(65536);
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].port();
    bool over = false;
    std::vector<double> times;
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < count; ++i) {
            group.create_task(drip(port, over));
            if (i % 100 == 0) {
                co_await sleep(1ms);
            }
        }
        StreamPair pair = co_await open_connection("127.0.0.1", port);
        for (int i = 0; i < 500; ++i) {
            const auto start = std::chrono::steady_clock::now();
            pair.writer.write("ping");
            std::string back = co_await pair.reader.readexactly(4);
            times.push_back(seconds_since(start));
            co_await sleep(4ms);
        }
        pair.writer.close();
        co_await pair.writer.wait_closed();
        over = true;
    });
    server.close();
    co_await server.wait_closed();
    std::sort(times.begin(), times.end());
    const double p99 = times[times.size() * 99 / 100] * 1000;
    require(p99 < 50, "99 of 100 echoes within 50 ms");
    std::printf("slow_loris: beside %d of a byte a second, an echo's p99 is %.2f ms\n", count, p99);
}

Coro<> signals(int count) {
    EventLoop& loop = get_running_loop();
    long calls = 0;
    loop.add_signal_handler(SIGUSR1, [&calls] { ++calls; });
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    StreamPair pair = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    int echoes = 0;
    for (int sent = 0; sent < count; ++sent) {
        ::raise(SIGUSR1);
        if (sent % 10 == 0) {
            pair.writer.write("ping");
            std::string back = co_await pair.reader.readexactly(4);
            ++echoes;
        }
    }
    co_await sleep(1ms);
    require(calls > 0 && calls <= count, "signals are heard, some as one");
    pair.writer.close();
    co_await pair.writer.wait_closed();
    server.close();
    co_await server.wait_closed();
    require(loop.remove_signal_handler(SIGUSR1), "the handler was there");
    std::printf("signals: %d SIGUSR1 during %d echoes ran %ld callbacks\n", count, echoes, calls);
}

}  // namespace stress
