// echo_client: sends a message and shows what comes back.
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <string>
#include <utility>

namespace {

struct Where {
    std::string host = "127.0.0.1";
    int port = 8888;
    std::string path;
};

gyre::Coro<> echo(Where where, std::string message, int times) {
    gyre::Coro<gyre::StreamPair> connecting = where.path.empty()
                                                  ? gyre::open_connection(where.host, where.port)
                                                  : gyre::open_unix_connection(where.path);
    gyre::StreamPair pair = co_await std::move(connecting);
    for (int time = 0; time < times; ++time) {
        std::printf("Send: '%s'\n", message.c_str());
        pair.writer.write(message);
        co_await pair.writer.drain();
        std::string data =
            co_await pair.reader.readexactly(static_cast<std::ptrdiff_t>(message.size()));
        std::printf("Received: '%s'\n", data.c_str());
    }
    std::puts("Close the connection");
    pair.writer.close();
    co_await pair.writer.wait_closed();
}

}  // namespace

int main(int argc, char** argv) {
    Where where;
    std::string message = "Hello World!";
    int times = 1;
    demo::Program program("echo_client", "Sends a message and shows what comes back.");
    program.add_resolver();
    program.add_text("--host", where.host, "HOST", "the server's host");
    program.add_number("--port", where.port, 1, 65535, "the server's port");
    program.add_text("--unix", where.path, "PATH", "a Unix socket instead");
    program.add_number("-n,--times", times, 1, "how many times");
    program.add_text("message", message, " ", "what to send");
    return program.run(argc, argv,
                       [&] { gyre::run(echo(where, message, times), program.run_options()); });
}
