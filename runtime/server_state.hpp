// ServerState: a server's sockets and connections.
#pragma once

#include <gyre/detail/resource.hpp>
#include <gyre/event.hpp>
#include <gyre/server.hpp>
#include <gyre/socket.hpp>
#include <gyre/transport.hpp>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace gyre::detail {

/// Kept by the loop while it serves, through its listeners.
class ServerState final : public std::enable_shared_from_this<ServerState> {
public:
    ServerState(EventLoop& loop, MakeProtocol make, std::vector<Socket> sockets,
                const ServerOptions& options);
    ServerState(const ServerState&) = delete;
    ServerState& operator=(const ServerState&) = delete;
    ~ServerState();

    void start();
    void close();
    [[nodiscard]] static Coro<> start_serving(std::shared_ptr<ServerState> self);
    [[nodiscard]] static Coro<> serve_forever(std::shared_ptr<ServerState> self);
    [[nodiscard]] static Coro<> wait_closed(std::shared_ptr<ServerState> self);
    void close_clients();
    void abort_clients();

    [[nodiscard]] bool is_serving() const noexcept { return serving_; }
    [[nodiscard]] std::vector<ServerSocket> sockets() const;
    [[nodiscard]] EventLoop& get_loop() const noexcept { return loop_; }

    /// What listeners call.
    void accepted(Socket socket);
    [[nodiscard]] int backlog() const noexcept { return options_.backlog; }

private:
    class Listener;
    using Clients = std::list<std::weak_ptr<Transport>>;

    void client_lost(Clients::iterator client);
    void look_whether_over();

    EventLoop& loop_;
    MakeProtocol make_;
    ServerOptions options_;
    std::vector<std::shared_ptr<Listener>> listeners_;
    Clients clients_;
    Event closed_;
    Event over_;  // closed, and no connection is left
    bool serving_ = false;
    bool serving_forever_ = false;
};

}  // namespace gyre::detail
