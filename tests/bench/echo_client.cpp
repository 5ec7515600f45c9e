// Asks an echo server: each connection sends its message again as soon as the last one came back.
//
//     echo_client PORT CONNECTIONS SIZE SECONDS PID
//
// Prints names and figures: "requests" within the SECONDS that count, "all" of them, "rate" a
// second, latencies in us, CPU in ns a request of the server, which is process PID, and of the
// client; "accept" is the server's CPU in ns for a connection and its first byte.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

double nanoseconds(clockid_t clock = CLOCK_MONOTONIC) {
    std::timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Of all its threads.
double cpu_of(const std::string& process) {
    double sum = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/" + process + "/task")) {
        std::ifstream file(thread.path() / "schedstat");
        double on_cpu = 0;
        file >> on_cpu;
        sum += on_cpu;
    }
    return sum;
}

void check(bool good, const char* what) {
    if (!good) {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

struct Connection {
    int fd = -1;
    std::size_t sent = 0;
    std::size_t received = 0;
    double begun = 0;
    bool waits_to_send = false;
};

// Connections that are made at a time, fewer than any server's backlog.
constexpr std::size_t kTogether = 50;

class Client {
public:
    Client(int port, std::size_t connections, std::size_t size)
        : connections_(connections), message_(size, '\0'), buffer_(std::size_t{1} << 20, '\0') {
        for (std::size_t i = 0; i < size; ++i) {
            message_[i] = static_cast<char>(i * 7 + i / 251);
        }
        latencies_.reserve(std::size_t{1} << 20);
        for (std::size_t first = 0; first < connections; first += kTogether) {
            const std::size_t count = std::min(kTogether, connections - first);
            connect(std::span(connections_).subspan(first, count), port);
        }
    }

    void begin() {
        for (Connection& connection : connections_) {
            begin(connection);
        }
    }

    /// For so long. Spins, so that no answer has to wake this core: that would be part of the
    /// server's cost. Checks what comes back, if told so.
    void ask(double seconds, bool checking) {
        std::array<epoll_event, 1024> events;
        const double end = nanoseconds() + seconds * 1e9;
        checking_ = checking;
        while (nanoseconds() < end) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), 0);
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                auto& connection = *static_cast<Connection*>(event.data.ptr);
                if ((event.events & EPOLLOUT) != 0) {
                    send(connection);
                }
                if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
                    receive(connection);
                }
            }
        }
    }

    /// In ns, of each request that was answered.
    std::vector<float>& latencies() { return latencies_; }

private:
    // The first byte's echo tells that the server has accepted: its backlog never fills.
    void connect(std::span<Connection> together, int port) const {
        char byte = 1;
        for (Connection& connection : together) {
            connection.fd = connect_to(port);
            check(::send(connection.fd, &byte, 1, MSG_NOSIGNAL) == 1, "send");
        }
        for (Connection& connection : together) {
            check(::recv(connection.fd, &byte, 1, 0) == 1, "recv");
            watch(EPOLL_CTL_ADD, connection);
        }
    }

    static int connect_to(int port) {
        const int on = 1;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        check(fd >= 0, "socket");
        check(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return fd;
    }

    void watch(int operation, Connection& connection) const {
        epoll_event event{};
        event.events = connection.waits_to_send ? EPOLLIN | EPOLLOUT : EPOLLIN;
        event.data.ptr = &connection;
        check(::epoll_ctl(epoll_, operation, connection.fd, &event) == 0, "epoll_ctl");
    }

    void begin(Connection& connection) {
        connection.sent = 0;
        connection.received = 0;
        connection.begun = nanoseconds();
        send(connection);
    }

    void send(Connection& connection) {
        const std::size_t left = message_.size() - connection.sent;
        const ssize_t count = ::send(connection.fd, message_.data() + connection.sent, left,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
        check(count >= 0 || errno == EAGAIN, "send");
        connection.sent += count < 0 ? 0 : static_cast<std::size_t>(count);
        const bool waits = connection.sent < message_.size();
        if (waits != connection.waits_to_send) {
            connection.waits_to_send = waits;
            watch(EPOLL_CTL_MOD, connection);
        }
    }

    void receive(Connection& connection) {
        const ssize_t count = ::recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        check(count >= 0, "recv");
        const auto size = static_cast<std::size_t>(count);
        const std::size_t left = message_.size() - connection.received;
        if (size == 0 || size > left) {
            throw std::runtime_error("the server hung up, or sent more than it got");
        }
        if (checking_ && message_.compare(connection.received, size, buffer_.data(), size) != 0) {
            throw std::runtime_error("the echo differs");
        }
        connection.received += size;
        if (size == left) {
            latencies_.push_back(static_cast<float>(nanoseconds() - connection.begun));
            begin(connection);
        }
    }

    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Connection> connections_;
    std::string message_;
    std::string buffer_;
    std::vector<float> latencies_;
    bool checking_ = true;
};

float quantile(std::vector<float>& values, double share) {
    const auto place = values.begin() +
                       static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

void measure(int port, std::size_t connections, std::size_t size, double seconds,
             const std::string& server) {
    const double before = cpu_of(server);
    Client client(port, connections, size);
    const double accepting = cpu_of(server) - before;
    std::vector<float>& latencies = client.latencies();
    client.begin();
    client.ask(std::min(seconds, 0.1), true);
    const std::size_t warm_up = latencies.size();
    latencies.clear();

    const double cpu = cpu_of(server);
    const double own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    const double start = nanoseconds();
    client.ask(seconds, false);
    const double elapsed = nanoseconds() - start;
    const double own_used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - own;
    const double used = cpu_of(server) - cpu;
    if (latencies.empty()) {
        throw std::runtime_error("no request was answered");
    }
    const auto count = static_cast<double>(latencies.size());
    std::printf("requests %.0f all %.0f rate %.0f cpu %.1f client_cpu %.1f accept %.1f ", count,
                count + static_cast<double>(warm_up), count / elapsed * 1e9, used / count,
                own_used / count, accepting / static_cast<double>(connections));
    std::printf("p50 %.1f p99 %.1f p999 %.1f\n", quantile(latencies, 0.5) / 1e3,
                quantile(latencies, 0.99) / 1e3, quantile(latencies, 0.999) / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fputs("usage: echo_client PORT CONNECTIONS SIZE SECONDS PID\n", stderr);
        return 2;
    }
    try {
        measure(std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10),
                std::strtoul(argv[3], nullptr, 10), std::atof(argv[4]), argv[5]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo_client: %s\n", error.what());
        return 1;
    }
}
