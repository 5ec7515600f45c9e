// How connections end: one way at a time, with data that nobody has read, and all at once with
// their loop.
#include "stress.hpp"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <random>
#include <thread>
#include <vector>

namespace stress {

namespace {

constexpr std::size_t kChunk = 64 << 10;
constexpr std::size_t kHighWater = 64 << 10;

struct Flow {
    std::size_t received = 0;
    std::size_t most = 0;  // that waited to be sent
    bool in_order = true;
};

void small_send_buffer(StreamWriter& writer) {
    const int small = 4096;
    ::setsockopt(writer.transport().fileno(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

// Byte i of a flow, so that a lost, doubled or misplaced one shows.
char byte_at(std::size_t index) { return static_cast<char>(index % 251); }

Coro<> send_all(StreamWriter writer, std::size_t total, Flow& flow) {
    small_send_buffer(writer);
    std::string block(kChunk, '\0');
    for (std::size_t sent = 0; sent < total; sent += kChunk) {
        for (std::size_t index = 0; index < kChunk; ++index) {
            block[index] = byte_at(sent + index);
        }
        writer.write(block);
        flow.most = std::max(flow.most, writer.transport().get_write_buffer_size());
        co_await writer.drain();
    }
    writer.write_eof();
}

Coro<> receive_all(StreamReader reader, Flow& flow) {
    while (true) {
        std::string data = co_await reader.read(16384);
        if (data.empty()) {
            break;
        }
        for (const char byte : data) {
            flow.in_order = flow.in_order && byte == byte_at(flow.received);
            ++flow.received;
        }
        co_await sleep(0s);
    }
}

// Each way ends when its sender is through, whichever is first.
Coro<> both_ways(StreamReader reader, StreamWriter writer, std::size_t out, Flow& sent,
                 Flow& received) {
    auto sending = create_task(send_all(writer, out, sent));
    co_await receive_all(reader, received);
    co_await sending;
    writer.close();
    co_await writer.wait_closed();
}

}  // namespace

Coro<> half_close(int megabytes) {
    const std::size_t total = static_cast<std::size_t>(megabytes) << 20;
    const std::size_t before = open_descriptors();
    Flow there;
    Flow back;
    const auto start = std::chrono::steady_clock::now();
    const auto serve = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
        return both_ways(std::move(reader), std::move(writer), total / 2, back, there);
    };
    Server server = co_await start_server(serve, "127.0.0.1", 0);
    StreamPair pair = co_await open_connection("127.0.0.1", server.sockets()[0].port());
    co_await both_ways(pair.reader, pair.writer, total, there, back);
    server.close();
    co_await server.wait_closed();
    require(there.received == total && back.received == total / 2, "every byte arrives, both ways");
    require(there.in_order && back.in_order, "each in its place");
    require(std::max(there.most, back.most) <= kHighWater + kChunk,
            "no more waits than the high-water mark and a chunk");
    require(open_descriptors() == before, "nothing is left");
    std::printf("half_close: %d MB there, half of it back, in %.1f s, at most %zu bytes waited\n",
                megabytes, seconds_since(start), std::max(there.most, back.most));
}

namespace {

// Says something and ends, before anything of it has been read.
Coro<> read_after_the_end(std::uint16_t port, std::size_t size) {
    StreamPair pair = co_await open_connection("127.0.0.1", port);
    pair.writer.write(std::to_string(size) + "\n");
    co_await pair.writer.drain();
    co_await sleep(1ms);
    std::size_t received = 0;
    for (std::size_t piece = 1; !pair.reader.at_eof(); piece = piece * 3 % 8191 + 1) {
        std::string data = co_await pair.reader.read(static_cast<std::ptrdiff_t>(piece));
        received += data.size();
    }
    require(received == size, "what came before the end can be read after it");
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

// Goes away without having read any of it.
Coro<> never_read(std::uint16_t port, std::size_t size) {
    StreamPair pair = co_await open_connection("127.0.0.1", port);
    pair.writer.write(std::to_string(size) + "\n");
    co_await pair.writer.drain();
    co_await sleep(1ms);
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

}  // namespace

Coro<> unread(int count) {
    const std::size_t before = open_descriptors();
    int served = 0;
    int failed = 0;
    const auto serve = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
        std::string line = co_await reader.readline();
        try {
            writer.write(std::string(std::stoul(line), 'x'));
            co_await writer.drain();
        } catch (const std::system_error&) {
            ++failed;
        }
        ++served;
        writer.close();
    };
    Server server = co_await start_server(serve, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].port();
    std::minstd_rand random(1);
    co_await with_task_group([&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < count; ++i) {
            const std::size_t size = random() % (i % 10 == 0 ? 1'000'000 : 60'000);
            group.create_task(i % 3 == 2 ? never_read(port, size) : read_after_the_end(port, size));
            if (i % 50 == 49) {
                co_await sleep(5ms);
            }
        }
    });
    server.close();
    co_await server.wait_closed();
    require(served == count, "each is served");
    require(open_descriptors() == before, "nothing is left");
    std::printf(
        "unread: %d ends before their data was read, a third never, %d told to the sender\n", count,
        failed);
}

namespace {

class Silent final : public DatagramProtocol {};

// Something of each kind that a loop can wait for.
class InFlight {
public:
    explicit InFlight(EventLoop& loop) : loop_(loop) {}

    Coro<> begin() {
        loop_.add_signal_handler(SIGUSR2, [] {});
        loop_.call_later(1h, [] {});
        Server server = co_await start_server(echo, "127.0.0.1", 0);  // the loop keeps it
        const std::uint16_t port = server.sockets()[0].port();
        for (int i = 0; i < 4; ++i) {
            keep(flood(port));
            keep(forget(port));
        }
        full_ = Socket::open(SocketAddress::Family::ipv4);
        full_.bind(SocketAddress::ip("127.0.0.1", 0));
        full_.listen(0);
        for (int i = 0; i < 4; ++i) {
            keep(connect_and_wait());
        }
        keep(datagrams());
        keep(child());
        keep(child());
        keep(a_thread());
        keep(a_file());
        co_return;
    }

private:
    void keep(Coro<> coro) { tasks_.push_back(create_task(std::move(coro))); }

    // More than anybody takes.
    Coro<> flood(std::uint16_t port) {
        StreamPair pair = co_await open_connection("127.0.0.1", port);
        const std::string block(1 << 20, 'x');
        while (true) {
            pair.writer.write(block);
            co_await pair.writer.drain();
        }
    }
    Coro<> forget(std::uint16_t port) {
        StreamPair pair = co_await open_connection("127.0.0.1", port);
        pair.writer.write("ping");
        std::string data = co_await pair.reader.readexactly(5);
    }
    // Few of these are ever accepted.
    Coro<> connect_and_wait() {
        StreamPair pair = co_await open_connection("127.0.0.1", full_.local_address().port());
        std::string data = co_await pair.reader.read(1);
    }
    Coro<> datagrams() {
        auto made = co_await create_datagram_endpoint([] { return std::make_shared<Silent>(); },
                                                      Endpoint("127.0.0.1", 0));
        const SocketAddress own = made.first->sockname();
        for (int i = 0; i < 100; ++i) {
            made.first->sendto(std::string(60'000, 'x'), own);
        }
        co_await forever_.wait();
    }
    Coro<> child() {
        Process process = co_await create_subprocess_exec(
            "cat", {}, SubprocessOptions{.stdin_ = PIPE, .stdout_ = PIPE});
        ProcessOutput output = co_await process.communicate(std::string(1 << 20, 'x'));
        co_await process.wait();
        process = co_await create_subprocess_exec("sleep", {"1000"});
        co_await process.wait();
    }
    Coro<> a_thread() {
        while (true) {
            co_await to_thread([] { std::this_thread::sleep_for(1ms); });
        }
    }
    Coro<> a_file() {
        while (true) {
            File file = co_await open_file("/dev/zero", "rb");
            std::string data = co_await file.read(100'000);
            co_await file.close();
        }
    }

    EventLoop& loop_;
    Socket full_;
    Event forever_;
    std::vector<Task<>> tasks_;
};

Coro<> turn(InFlight& all, int ticks) {
    co_await all.begin();
    for (int i = 0; i < ticks; ++i) {
        co_await sleep(i % 4 == 0 ? 1ms : 0ms);
    }
}

void close_in_flight(const std::string& spec, int ticks) {
    std::unique_ptr<EventLoop> loop = new_event_loop(spec);
    loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});  // of what it destroys
    InFlight all(*loop);
    run_until_complete(*loop, turn(all, ticks));
    loop->close();
}

}  // namespace

void in_flight(int count, const std::string& spec) {
    close_in_flight(spec, 0);  // what libuv opens once and for all
    const std::size_t before = open_descriptors();
    std::minstd_rand random(1);
    for (int i = 0; i < count; ++i) {
        close_in_flight(spec, static_cast<int>(random() % 40));
        require(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD, "no child is left");
        require(open_descriptors() == before, "no descriptor is left");
    }
    std::printf("in_flight: %d loops closed with everything in flight\n", count);
}

}  // namespace stress
