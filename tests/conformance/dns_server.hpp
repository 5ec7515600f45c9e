// A name server for tests, in a thread of its own, as honest or hostile as the test wants it.
#pragma once

#include <gyre/socket.hpp>
#include <gyre/socket_address.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace dns {

constexpr std::uint16_t A = 1;
constexpr std::uint16_t CNAME = 5;
constexpr std::uint16_t PTR = 12;
constexpr std::uint16_t AAAA = 28;
constexpr int SERVFAIL = 2;
constexpr int NXDOMAIN = 3;
constexpr int REFUSED = 5;

inline std::string number(std::uint32_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) {
        text += static_cast<char>(value >> (8 * bytes));
    }
    return text;
}

/// "a.b" as labels.
inline std::string labels(std::string_view name) {
    std::string text;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        text += static_cast<char>(label.size());
        text += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return text + '\0';
}

struct Record {
    std::string name;
    std::uint16_t type;
    std::string data;
    std::uint32_t ttl = 60;
};

inline Record address(const std::string& name, const std::string& host, std::uint32_t ttl = 60) {
    const bool ipv6 = host.find(':') != std::string::npos;
    std::string data(ipv6 ? 16 : 4, '\0');
    ::inet_pton(ipv6 ? AF_INET6 : AF_INET, host.c_str(), data.data());
    return {name, ipv6 ? AAAA : A, data, ttl};
}
inline Record cname(const std::string& name, const std::string& target) {
    return {name, CNAME, labels(target)};
}

/// A message to send back, and what becomes of it on the way.
struct Reply {
    Reply(std::string text) : bytes(std::move(text)) {}
    std::string bytes;
    std::chrono::milliseconds delay{};
    std::optional<std::size_t> cut = {};  // over TCP: so many bytes, then the connection closes
};
using Replies = std::vector<Reply>;

struct Query {
    std::string id;
    std::string name;
    std::uint16_t type = 0;
    bool tcp = false;
    std::string question;  // as it came

    [[nodiscard]] std::string message(int code, const std::vector<Record>& records,
                                      bool truncated = false) const {
        std::string text =
            id + number(0x8180U | (truncated ? 0x200U : 0U) | static_cast<std::uint32_t>(code), 2);
        text += number(1, 2) + number(static_cast<std::uint32_t>(records.size()), 2) + number(0, 4);
        text += question;
        for (const Record& each : records) {
            text += labels(each.name) + number(each.type, 2) + number(1, 2) + number(each.ttl, 4);
            text += number(static_cast<std::uint32_t>(each.data.size()), 2) + each.data;
        }
        return text;
    }
    /// Those of the records that it asks for.
    [[nodiscard]] std::string answer(const std::vector<Record>& records) const {
        std::vector<Record> wanted;
        for (const Record& each : records) {
            if (each.type == type || each.type == CNAME) {
                wanted.push_back(each);
            }
        }
        return message(0, wanted);
    }
};

class Server {
public:
    using Handler = std::function<Replies(const Query&)>;

    /// The handler is called in the server's thread.
    explicit Server(Handler handler) : handler_(std::move(handler)) {
        while (!open()) {
        }
        thread_ = std::thread([this] { serve(); });
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof one);
        thread_.join();
        for (auto& [fd, text] : clients_) {
            ::close(fd);
        }
        ::close(udp_);
        ::close(tcp_);
        ::close(stop_);
    }

    [[nodiscard]] std::vector<std::string> nameservers() const { return {address_.to_string()}; }
    [[nodiscard]] int queries() const { return queries_; }
    [[nodiscard]] int queries_over_tcp() const { return over_tcp_; }
    [[nodiscard]] std::vector<std::string> names() const {
        const std::lock_guard lock(mutex_);
        return names_;
    }

private:
    using Clock = std::chrono::steady_clock;
    struct Delayed {
        Clock::time_point when;
        std::function<void()> send;
    };

    // One number for both; another socket may have it for TCP.
    bool open() {
        stop_ = ::eventfd(0, EFD_CLOEXEC);
        gyre::Socket udp =
            gyre::Socket::open(gyre::SocketAddress::Family::ipv4, gyre::Socket::Kind::datagram);
        udp.bind(gyre::SocketAddress::ip("127.0.0.1", 0));
        gyre::Socket tcp = gyre::Socket::open(gyre::SocketAddress::Family::ipv4);
        try {
            tcp.bind(udp.local_address());
        } catch (const std::system_error&) {
            ::close(stop_);
            return false;
        }
        tcp.listen(50);
        address_ = udp.local_address();
        udp_ = udp.release();
        tcp_ = tcp.release();
        return true;
    }

    void serve() {
        while (true) {
            std::vector<::pollfd> watched = {
                {stop_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
            for (const auto& [fd, text] : clients_) {
                watched.push_back({fd, POLLIN, 0});
            }
            ::poll(watched.data(), watched.size(), delayed_.empty() ? -1 : 1);
            if (watched[0].revents != 0) {
                return;
            }
            if (watched[1].revents != 0) {
                serve_datagram();
            }
            if (watched[2].revents != 0) {
                const int fd = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
                if (fd >= 0) {
                    clients_[fd];
                }
            }
            for (std::size_t i = 3; i < watched.size(); ++i) {
                if (watched[i].revents != 0) {
                    serve_client(watched[i].fd);
                }
            }
            send_delayed();
        }
    }

    void send_delayed() {
        const Clock::time_point now = Clock::now();
        for (std::size_t i = 0; i < delayed_.size();) {
            if (delayed_[i].when <= now) {
                delayed_[i].send();
                delayed_.erase(delayed_.begin() + static_cast<std::ptrdiff_t>(i));
            } else {
                ++i;
            }
        }
    }

    Replies handle(const std::string& message, bool tcp) {
        Query query;
        query.tcp = tcp;
        query.id = message.substr(0, 2);
        std::size_t at = 12;
        while (at < message.size() && message[at] != 0) {
            const auto size = static_cast<std::size_t>(message[at]);
            query.name += (query.name.empty() ? "" : ".") + message.substr(at + 1, size);
            at += size + 1;
        }
        query.type = static_cast<std::uint16_t>(static_cast<unsigned char>(message.at(at + 2)));
        query.question = message.substr(12, at + 5 - 12);
        ++queries_;
        over_tcp_ += tcp ? 1 : 0;
        {
            const std::lock_guard lock(mutex_);
            names_.push_back(query.name);
        }
        return handler_(query);
    }

    void serve_datagram() {
        std::string buffer(4096, '\0');
        ::sockaddr_storage from{};
        ::socklen_t size = sizeof from;
        const auto count = ::recvfrom(udp_, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                      reinterpret_cast<::sockaddr*>(&from), &size);
        if (count < 12) {
            return;
        }
        buffer.resize(static_cast<std::size_t>(count));
        for (const Reply& reply : handle(buffer, false)) {
            delayed_.push_back({Clock::now() + reply.delay, [this, reply, from, size] {
                                    ::sendto(udp_, reply.bytes.data(), reply.bytes.size(), 0,
                                             reinterpret_cast<const ::sockaddr*>(&from), size);
                                }});
        }
    }

    void serve_client(int fd) {
        std::string buffer(4096, '\0');
        const auto count = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        std::string& text = clients_[fd];
        if (count <= 0) {
            ::close(fd);
            clients_.erase(fd);
            return;
        }
        text.append(buffer, 0, static_cast<std::size_t>(count));
        while (text.size() > 2) {
            const std::size_t size =
                static_cast<unsigned char>(text[0]) * 256U + static_cast<unsigned char>(text[1]);
            if (text.size() < size + 2) {
                return;
            }
            const std::string message = text.substr(2, size);
            text.erase(0, size + 2);
            for (const Reply& reply : handle(message, true)) {
                std::string bytes =
                    number(static_cast<std::uint32_t>(reply.bytes.size()), 2) + reply.bytes;
                bytes.resize(std::min(bytes.size(), reply.cut.value_or(bytes.size())));
                ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (reply.cut) {
                    ::close(fd);
                    clients_.erase(fd);
                    return;
                }
            }
        }
    }

    Handler handler_;
    gyre::SocketAddress address_;
    int udp_ = -1;
    int tcp_ = -1;
    int stop_ = -1;
    std::map<int, std::string> clients_;
    std::vector<Delayed> delayed_;
    std::atomic<int> queries_ = 0;
    std::atomic<int> over_tcp_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> names_;
    std::thread thread_;
};

}  // namespace dns
