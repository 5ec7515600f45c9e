#include "system_resolver.hpp"

#include "address_order.hpp"
#include "address_query.hpp"

#include <gyre/threads.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>

namespace gyre::detail {

namespace {

NameAnswer look_up(const NameQuestion& question) {
    ::addrinfo hints{};
    hints.ai_family = question.family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = question.flags & ~(AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV);
    ::addrinfo* first = nullptr;
    const int error = ::getaddrinfo(question.name.c_str(), nullptr, &hints, &first);
    if (error != 0) {
        throw_resolve_error(error, "getaddrinfo " + question.name);
    }
    const std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
    NameAnswer answer;
    for (const ::addrinfo* each = first; each != nullptr; each = each->ai_next) {
        if (each->ai_canonname != nullptr && answer.canonname.empty()) {
            answer.canonname = each->ai_canonname;
        }
        answer.addresses.push_back(SocketAddress::from_native(each->ai_addr, each->ai_addrlen));
    }
    return answer;
}

std::string look_up_name(const SocketAddress& address) {
    std::array<char, NI_MAXHOST> host{};
    const int error = ::getnameinfo(static_cast<const ::sockaddr*>(address.native()),
                                    static_cast<::socklen_t>(address.native_size()), host.data(),
                                    host.size(), nullptr, 0, NI_NAMEREQD);
    if (error != 0) {
        throw_resolve_error(error, "getnameinfo " + address.host());
    }
    return host.data();
}

}  // namespace

Coro<NameAnswer> SystemResolver::addresses_of(NameQuestion question) {
    if (local_) {
        std::optional<NameAnswer> known = local_->find(question.name, question.family);
        if (known) {
            sort_addresses(known->addresses);
            co_return std::move(*known);
        }
    }
    co_return co_await to_thread(look_up, std::move(question));
}

Coro<std::string> SystemResolver::name_of(SocketAddress address) {
    if (local_) {
        std::optional<std::string> known = local_->name_of(address);
        if (known) {
            co_return std::move(*known);
        }
    }
    co_return co_await to_thread(look_up_name, address);
}

}  // namespace gyre::detail
