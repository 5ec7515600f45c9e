// A listening socket on a free port of 127.0.0.1, announced as the demos announce theirs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>

namespace bench {

inline constexpr int kBacklog = 4096;

/// The line that the script waits for.
inline void announce(int port) {
    std::printf("listening on 127.0.0.1:%d\n", port);
    std::fflush(stdout);
}

/// Does not block; ends the program where it cannot listen.
[[nodiscard]] inline int listen_on_a_free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (fd < 0 || ::bind(fd, any, size) != 0 || ::listen(fd, kBacklog) != 0 ||
        ::getsockname(fd, any, &size) != 0) {
        std::perror("listen");
        std::exit(1);
    }
    announce(ntohs(address.sin_port));
    return fd;
}

}  // namespace bench
