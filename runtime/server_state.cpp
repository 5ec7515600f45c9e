#include "server_state.hpp"

#include <gyre/errors.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

constexpr std::chrono::seconds kPause(1);

bool out_of_resources(const std::error_code& code) noexcept {
    return code == std::errc::too_many_files_open ||
           code == std::errc::too_many_files_open_in_system || code == std::errc::no_buffer_space ||
           code == std::errc::not_enough_memory;
}

}  // namespace

/// One socket of a server. While it listens the loop keeps it, and it keeps the server.
class ServerState::Listener final : public Resource, public std::enable_shared_from_this<Listener> {
public:
    Listener(EventLoop& loop, Socket socket, bool remove_path)
        : Resource(loop), socket_(std::move(socket)), address_(socket_.local_address()) {
        const std::string path = address_.path();
        struct stat status {};
        if (remove_path && !path.empty() && path.front() != '\0' &&
            ::stat(path.c_str(), &status) == 0) {
            device_ = status.st_dev;
            inode_ = status.st_ino;
        }
    }

    [[nodiscard]] ServerSocket view() const noexcept { return {socket_.fileno(), address_}; }

    void start(std::shared_ptr<ServerState> server) {
        socket_.listen(server->backlog());
        begin_use(socket_.fileno());
        server_ = std::move(server);
        accept_from_now_on();
    }

    void stop() noexcept {
        const std::shared_ptr<ServerState> keep = std::move(server_);
        pause_.cancel();
        if (keep != nullptr) {
            if (!paused_) {
                unwatch(socket_.fileno(), false);
            }
            end_use(socket_.fileno());
        }
        remove_path();
        socket_.close();
    }

private:
    void on_loop_close() noexcept override {
        const std::shared_ptr<ServerState> keep = server_;
        stop();
    }

    void accept_from_now_on() {
        paused_ = false;
        watch(socket_.fileno(), false, [this] { accept_all(); });
    }

    // No more at a time than may wait, so that others have their turn.
    void accept_all() {
        const std::shared_ptr<Listener> keep = shared_from_this();  // a factory may close it
        const std::shared_ptr<ServerState> server = server_;
        try {
            for (int count = 0; count <= server->backlog() && server_ != nullptr; ++count) {
                std::optional<Socket> socket = socket_.accept();
                if (!socket) {
                    return;
                }
                server->accepted(std::move(*socket));
            }
        } catch (const std::system_error& error) {
            if (!out_of_resources(error.code())) {
                throw;
            }
            ExceptionContext context("accept() failed: out of system resources",
                                     std::current_exception());
            context.details["server"] = address_.to_string();
            loop().call_exception_handler(context);
            unwatch(socket_.fileno(), false);
            paused_ = true;
            pause_ = loop().call_later(kPause, [this] { accept_from_now_on(); });
        }
    }

    void remove_path() noexcept {
        const std::string path = address_.path();
        struct stat status {};
        if (inode_ != 0 && ::stat(path.c_str(), &status) == 0 && status.st_dev == device_ &&
            status.st_ino == inode_) {
            ::unlink(path.c_str());
        }
        inode_ = 0;
    }

    Socket socket_;
    SocketAddress address_;
    std::shared_ptr<ServerState> server_;
    TimerHandle pause_;
    bool paused_ = false;
    ::dev_t device_ = 0;
    ::ino_t inode_ = 0;  // of the path to remove at the end
};

ServerState::ServerState(EventLoop& loop, MakeProtocol make, std::vector<Socket> sockets,
                         const ServerOptions& options)
    : loop_(loop), make_(std::move(make)), options_(options) {
    loop_.retain();
    for (Socket& socket : sockets) {
        listeners_.push_back(
            std::make_shared<Listener>(loop, std::move(socket), options.cleanup_socket));
    }
}

ServerState::~ServerState() { loop_.release(); }

void ServerState::start() {
    if (closed_.is_set()) {
        throw RuntimeError("the server is closed");
    }
    if (std::exchange(serving_, true)) {
        return;
    }
    for (const std::shared_ptr<Listener>& listener : listeners_) {
        listener->start(shared_from_this());
    }
}

Coro<> ServerState::start_serving(std::shared_ptr<ServerState> self) {
    self->start();
    co_return;
}

void ServerState::close() {
    if (closed_.is_set()) {
        return;
    }
    const std::shared_ptr<ServerState> keep = shared_from_this();
    for (const std::shared_ptr<Listener>& listener : std::exchange(listeners_, {})) {
        listener->stop();
    }
    serving_ = false;
    closed_.set();
    look_whether_over();
}

std::vector<ServerSocket> ServerState::sockets() const {
    std::vector<ServerSocket> views;
    for (const std::shared_ptr<Listener>& listener : listeners_) {
        views.push_back(listener->view());
    }
    return views;
}

void ServerState::accepted(Socket socket) {
    const auto place = clients_.emplace(clients_.end());
    try {
        TransportHooks hooks;
        hooks.lost = [self = shared_from_this(), place] { self->client_lost(place); };
        *place = loop_.make_transport(std::move(socket), make_(), std::move(hooks));
    } catch (const ExitError&) {
        clients_.erase(place);
        throw;
    } catch (...) {
        clients_.erase(place);
        loop_.call_exception_handler(ExceptionContext(
            "Error on transport creation for incoming connection", std::current_exception()));
    }
}

void ServerState::client_lost(Clients::iterator client) {
    clients_.erase(client);
    look_whether_over();
}

void ServerState::look_whether_over() {
    if (closed_.is_set() && clients_.empty()) {
        over_.set();
    }
}

Coro<> ServerState::wait_closed(std::shared_ptr<ServerState> self) { co_await self->over_.wait(); }

Coro<> ServerState::serve_forever(std::shared_ptr<ServerState> self) {
    if (self->serving_forever_) {
        throw RuntimeError("server is already being awaited on serve_forever()");
    }
    self->start();
    self->serving_forever_ = true;
    std::exception_ptr error;
    try {
        co_await self->closed_.wait();
    } catch (...) {
        error = std::current_exception();
    }
    self->serving_forever_ = false;
    if (error == nullptr) {
        error = std::make_exception_ptr(CancelledError());  // close() ends it so
    }
    self->close();
    try {
        co_await self->over_.wait();
    } catch (const CancelledError&) {
        error = std::current_exception();
    }
    std::rethrow_exception(error);
}

void ServerState::close_clients() {
    const Clients clients = clients_;
    for (const std::weak_ptr<Transport>& each : clients) {
        if (const std::shared_ptr<Transport> client = each.lock()) {
            client->close();
        }
    }
}

void ServerState::abort_clients() {
    const Clients clients = clients_;
    for (const std::weak_ptr<Transport>& each : clients) {
        if (const std::shared_ptr<Transport> client = each.lock()) {
            client->abort();
        }
    }
}

}  // namespace gyre::detail
