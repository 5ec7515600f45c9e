// Echo on epoll by hand: the least that a server of one thread must ask of the system.
#include "listen.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace {

// As much as gyre's transports read at a time.
std::array<char, std::size_t{256} << 10> buffer;

struct Connection {
    int fd;
    std::string unsent;
};

class EchoServer {
public:
    explicit EchoServer(int listening) : listening_(listening) {
        watch(EPOLL_CTL_ADD, listening_, EPOLLIN, nullptr);
    }

    [[noreturn]] void serve() {
        std::array<epoll_event, 512> events;
        while (true) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.ptr == nullptr) {
                    accept_all();
                } else {
                    attend(*static_cast<Connection*>(event.data.ptr));
                }
            }
        }
    }

private:
    void watch(int operation, int fd, std::uint32_t what, Connection* connection) const {
        epoll_event event{};
        event.events = what;
        event.data.ptr = connection;
        ::epoll_ctl(epoll_, operation, fd, &event);
    }

    void accept_all() const {
        const int on = 1;
        while (true) {
            const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) {
                return;
            }
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(EPOLL_CTL_ADD, fd, EPOLLIN, new Connection{fd, {}});
        }
    }

    // One read an event: another would mostly find nothing, and epoll tells of what is left.
    void attend(Connection& connection) const {
        if (!connection.unsent.empty()) {
            send_rest(connection);
            return;
        }
        const ssize_t got = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
        if (got > 0) {
            echo(connection, std::string_view(buffer.data(), static_cast<std::size_t>(got)));
        } else if (got == 0 || errno != EAGAIN) {
            close(connection);
        }
    }

    void echo(Connection& connection, std::string_view data) const {
        const ssize_t sent = ::send(connection.fd, data.data(), data.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            close(connection);
            return;
        }
        data.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
        if (!data.empty()) {
            connection.unsent = data;
            watch(EPOLL_CTL_MOD, connection.fd, EPOLLOUT, &connection);
        }
    }

    // Nothing is read meanwhile.
    void send_rest(Connection& connection) const {
        std::string& unsent = connection.unsent;
        const ssize_t sent = ::send(connection.fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) {
                close(connection);
            }
            return;
        }
        unsent.erase(0, static_cast<std::size_t>(sent));
        if (unsent.empty()) {
            watch(EPOLL_CTL_MOD, connection.fd, EPOLLIN, &connection);
        }
    }

    static void close(Connection& connection) {
        ::close(connection.fd);
        delete &connection;
    }

    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int listening_;
};

}  // namespace

int main() { EchoServer(bench::listen_on_a_free_port()).serve(); }
