// echo_server: sends back what it gets, by streams, by protocols, or on bare sockets.
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

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

// Completes at SIGINT or SIGTERM.
gyre::Coro<> asked_to_stop() {
    gyre::Event asked;
    gyre::EventLoop& loop = gyre::get_running_loop();
    for (const int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&asked] { asked.set(); });
    }
    co_await asked.wait();
    for (const int signal : {SIGINT, SIGTERM}) {
        loop.remove_signal_handler(signal);
    }
}

gyre::Coro<> serve_sockets(Where where) {
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
    announce(listening.local_address());
    gyre::Task<> accepting = gyre::create_task(accept_sockets(listening));
    gyre::Task<> stopping = gyre::create_task(asked_to_stop());
    auto either = gyre::wait({accepting, stopping}, {.return_when = gyre::FIRST_COMPLETED});
    co_await std::move(either);
    stopping.cancel();
    accepting.cancel();
    co_await gyre::gather(gyre::return_exceptions, accepting, stopping);
    if (local) {
        std::remove(where.path.c_str());
    }
}

gyre::Coro<> serve(Where where, bool by_protocol) {
    gyre::ServerOptions options;
    options.reuse_port = where.reuse_port;
    const auto protocol = [] { return std::make_shared<EchoProtocol>(); };
    gyre::Coro<gyre::Server> starting =
        where.path.empty()
            ? (by_protocol ? gyre::create_server(protocol, where.host, where.port, options)
                           : gyre::start_server(echo_stream, where.host, where.port, options))
            : (by_protocol ? gyre::create_unix_server(protocol, where.path, options)
                           : gyre::start_unix_server(echo_stream, where.path, options));
    gyre::Server server = co_await std::move(starting);
    for (const gyre::ServerSocket& socket : server.sockets()) {
        announce(socket.getsockname());
    }
    co_await asked_to_stop();
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

}  // namespace

int main(int argc, char** argv) {
    Where where;
    std::string api = "streams";
    demo::Program program("echo_server", "Sends back what it gets, until SIGINT or SIGTERM.");
    program.add_text("--host", where.host, "HOST", "the address to listen on");
    program.add_number("--port", where.port, 0, 65535, "the port; 0: one that is free");
    program.add_text("--unix", where.path, "PATH", "a Unix socket instead");
    program.add_choice("--api", api, {"streams", "protocol", "sock"}, "what it is written with");
    program.add_flag("--reuse-port", where.reuse_port, "share the port with others");
    return program.run(argc, argv, [&] {
        auto main = api == "sock" ? serve_sockets(where) : serve(where, api == "protocol");
        gyre::run(std::move(main), {.loop = program.loop()});
    });
}
