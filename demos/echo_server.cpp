// echo_server: sends back what it gets, by streams, by protocols, or on bare sockets; on one core
// or on many.
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kAtOnce = std::size_t{64} << 10;
// Of a stream, which reads as much by itself: what came together goes back together.
constexpr std::size_t kAtOnceOfStream = std::size_t{256} << 10;

struct Where {
    std::string host = "127.0.0.1";
    int port = 8888;
    std::string path;
    bool reuse_port = false;
};

using Addresses = std::vector<gyre::SocketAddress>;

// What the shards tell each other. Each of these belongs to one shard; another one reaches it by a
// post.
struct Letters {
    explicit Letters(std::size_t shards) : addresses(shards), stop(shards) {}

    std::vector<gyre::Queue<Addresses>> addresses;  // where shard 0 listens, to each of the others
    gyre::Queue<std::size_t> listening;             // who else does, to shard 0
    std::vector<gyre::Event> stop;
};

void announce(const gyre::SocketAddress& address) {
    std::printf("listening on %s\n", address.to_string().c_str());
    std::fflush(stdout);
}

// A client that goes in the middle is nothing to report.
gyre::Coro<> echo_stream(gyre::StreamReader reader, gyre::StreamWriter writer) {
    try {
        while (true) {
            std::string data = co_await reader.read(kAtOnceOfStream);
            if (data.empty()) {
                break;
            }
            writer.write(data);
            co_await writer.drain();
        }
    } catch (const std::system_error&) {
    }
    writer.close();
}

class EchoProtocol final : public gyre::Protocol {
public:
    void connection_made(const std::shared_ptr<gyre::Transport>& transport) override {
        transport_ = transport;
    }
    void data_received(std::string_view data) override { transport_->write(data); }
    // A client that sends and does not read is not read from meanwhile.
    void pause_writing() override { transport_->pause_reading(); }
    void resume_writing() override { transport_->resume_reading(); }
    void connection_lost(std::exception_ptr /*error*/) override { transport_ = nullptr; }

private:
    std::shared_ptr<gyre::Transport> transport_;
};

gyre::Coro<> echo_socket(gyre::Socket socket) {
    std::string buffer(kAtOnce, '\0');
    try {
        while (true) {
            std::size_t count = co_await gyre::sock_recv_into(socket, buffer);
            if (count == 0) {
                break;
            }
            co_await gyre::sock_sendall(socket, std::string_view(buffer).substr(0, count));
        }
    } catch (const std::system_error&) {
    }
}

gyre::Coro<> accept_sockets(gyre::Socket& listening) {
    co_await gyre::with_task_group([&listening](gyre::TaskGroup& clients) -> gyre::Coro<> {
        while (true) {
            auto accepted = co_await gyre::sock_accept(listening);
            clients.create_task(echo_socket(std::move(accepted.first)));
        }
    });
}

// Shard 0 tells the others where to listen, and announces it when they do.
gyre::Coro<> all_listen(gyre::Shard shard, Letters& letters, Addresses addresses) {
    const std::size_t from = shard.index();
    if (from != 0) {
        shard.post(0, [&letters, from] { letters.listening.put_nowait(from); });
        co_return;
    }
    for (std::size_t to = 1; to < shard.count(); ++to) {
        shard.post(to, [&letters, to, addresses] { letters.addresses[to].put_nowait(addresses); });
    }
    for (std::size_t others = 1; others < shard.count(); ++others) {
        static_cast<void>(co_await letters.listening.get());
    }
    for (const gyre::SocketAddress& address : addresses) {
        announce(address);
    }
}

// Completes at SIGINT or SIGTERM, which are shard 0's to receive.
gyre::Coro<> asked_to_stop(gyre::Shard shard, Letters& letters) {
    gyre::Event& asked = letters.stop[shard.index()];
    if (shard.index() != 0) {
        co_await asked.wait();
        co_return;
    }
    gyre::EventLoop& loop = gyre::get_running_loop();
    for (const int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&asked] { asked.set(); });
    }
    co_await asked.wait();
    for (const int signal : {SIGINT, SIGTERM}) {
        loop.remove_signal_handler(signal);
    }
    for (std::size_t to = 1; to < shard.count(); ++to) {
        shard.post(to, [&letters, to] { letters.stop[to].set(); });
    }
}

// Where this shard is to listen: as asked for, or where shard 0 does.
gyre::Coro<std::vector<Where>> places_of(gyre::Shard shard, Letters& letters, Where asked) {
    std::vector<Where> places;
    if (shard.index() == 0) {
        places.push_back(std::move(asked));
        co_return places;
    }
    Addresses addresses = co_await letters.addresses[shard.index()].get();
    for (const gyre::SocketAddress& address : addresses) {
        asked.host = address.host();
        asked.port = address.port();
        places.push_back(asked);
    }
    co_return places;
}

gyre::Coro<> serve_sockets(gyre::Shard shard, Letters& letters, Where asked) {
    std::vector<Where> places = co_await places_of(shard, letters, std::move(asked));
    const Where& where = places.front();
    const bool local = !where.path.empty();
    const gyre::SocketAddress address =
        local ? gyre::SocketAddress::unix_path(where.path)
              : gyre::SocketAddress::ip(where.host, static_cast<std::uint16_t>(where.port));
    gyre::Socket listening = gyre::Socket::open(address.family());
    if (!local) {
        listening.set_reuse_address(true);
    }
    if (where.reuse_port) {
        listening.set_reuse_port(true);
    }
    listening.bind(address);
    listening.listen(100);
    Addresses addresses(1, listening.local_address());
    co_await all_listen(shard, letters, std::move(addresses));
    gyre::Task<> accepting = gyre::create_task(accept_sockets(listening));
    gyre::Task<> stopping = gyre::create_task(asked_to_stop(shard, letters));
    auto either = gyre::wait({accepting, stopping}, {.return_when = gyre::FIRST_COMPLETED});
    co_await std::move(either);
    stopping.cancel();
    accepting.cancel();
    co_await gyre::gather(gyre::return_exceptions, accepting, stopping);
    if (local) {
        std::remove(where.path.c_str());
    }
}

gyre::Coro<gyre::Server> start(const Where& where, bool by_protocol) {
    gyre::ServerOptions options;
    options.reuse_port = where.reuse_port;
    const auto protocol = [] { return std::make_shared<EchoProtocol>(); };
    if (!where.path.empty()) {
        return by_protocol ? gyre::create_unix_server(protocol, where.path, options)
                           : gyre::start_unix_server(echo_stream, where.path, options);
    }
    return by_protocol ? gyre::create_server(protocol, where.host, where.port, options)
                       : gyre::start_server(echo_stream, where.host, where.port, options);
}

gyre::Coro<> serve(gyre::Shard shard, Letters& letters, Where asked, bool by_protocol) {
    std::vector<Where> places = co_await places_of(shard, letters, std::move(asked));
    std::vector<gyre::Server> servers;
    Addresses addresses;
    for (const Where& place : places) {
        gyre::Server server = co_await start(place, by_protocol);
        for (const gyre::ServerSocket& socket : server.sockets()) {
            addresses.push_back(socket.getsockname());
        }
        servers.push_back(std::move(server));
    }
    co_await all_listen(shard, letters, std::move(addresses));
    co_await asked_to_stop(shard, letters);
    for (gyre::Server& server : servers) {
        server.close();
        server.abort_clients();
        co_await server.wait_closed();
    }
}

}  // namespace

int main(int argc, char** argv) {
    Where where;
    std::string api = "streams";
    int shards = 1;
    demo::Program program("echo_server", "Sends back what it gets, until SIGINT or SIGTERM.");
    program.add_text("--host", where.host, "HOST", "the address to listen on");
    program.add_number("--port", where.port, 0, 65535, "the port; 0: one that is free");
    program.add_text("--unix", where.path, "PATH", "a Unix socket instead");
    program.add_choice("--api", api, {"streams", "protocol", "sock"}, "what it is written with");
    program.add_flag("--reuse-port", where.reuse_port, "share the port with others");
    program.add_number("--shards", shards, 0, 1024,
                       "on how many loops, each in a thread of its own; 0: one for each core");
    return program.run(argc, argv, [&] {
        const std::size_t count =
            shards == 0 ? gyre::usable_cores() : static_cast<std::size_t>(shards);
        if (!where.path.empty() && count > 1) {
            throw std::invalid_argument("several shards cannot share a Unix socket");
        }
        where.reuse_port = where.reuse_port || count > 1;
        Letters letters(count);
        const auto main = [&](gyre::Shard shard) {
            return api == "sock" ? serve_sockets(shard, letters, where)
                                 : serve(shard, letters, where, api == "protocol");
        };
        gyre::run_sharded(main, {.shards = count, .loop = program.loop()});
    });
}
