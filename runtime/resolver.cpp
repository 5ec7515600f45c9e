#include "address_query.hpp"

#include <gyre/resolver.hpp>
#include <gyre/resolvers.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>

namespace gyre {

namespace {

// Gives the EAI_ code.
int ask_system(const SocketAddress& address, int flags, NameInfo& info) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    const int error = ::getnameinfo(static_cast<const ::sockaddr*>(address.native()),
                                    static_cast<::socklen_t>(address.native_size()), host.data(),
                                    host.size(), service.data(), service.size(), flags);
    info.host = host.data();
    info.service = service.data();
    return error;
}

// NI_NOFQDN: a name of this machine's own domain goes without it.
std::string without_own_domain(std::string name) {
    std::array<char, HOST_NAME_MAX + 1> own{};
    ::gethostname(own.data(), own.size() - 1);
    const std::string machine = own.data();
    const std::size_t dot = machine.find('.');
    if (dot != std::string::npos && name.size() > machine.size() - dot &&
        name.ends_with(machine.substr(dot))) {
        name.resize(name.size() - (machine.size() - dot));
    }
    return name;
}

// Little is kept in the frame: many may wait.
Coro<std::vector<AddressInfo>> addresses(detail::AddressQuery query) {
    if (query.answered()) {
        co_return query.take();
    }
    const std::shared_ptr<Resolver> resolver = get_resolver(get_running_loop());
    Coro<NameAnswer> asking = resolver->addresses_of(query.take_question());
    co_return query.combine(co_await std::move(asking));
}

Coro<NameInfo> names(SocketAddress address, int flags) {
    // Services are in a file; with a number for the host, nothing is asked.
    const int checked = flags & ~NI_NAMEREQD;
    NameInfo info;
    const int error = ask_system(address, checked | NI_NUMERICHOST, info);
    if (error != 0) {
        detail::throw_resolve_error(error, "getnameinfo " + address.to_string());
    }
    if ((flags & NI_NUMERICHOST) != 0 && (flags & NI_NAMEREQD) == 0) {
        co_return info;
    }
    const bool unnamed = address.family() == SocketAddress::Family::local;
    if ((flags & NI_NUMERICHOST) != 0 || unnamed) {
        // Whatever the system says to these.
        const int refused = ask_system(address, flags, info);
        if (refused != 0) {
            detail::throw_resolve_error(refused, "getnameinfo " + address.to_string());
        }
        co_return info;
    }
    const std::shared_ptr<Resolver> resolver = get_resolver(get_running_loop());
    try {
        std::string name = co_await resolver->name_of(address);
        info.host = std::move(name);
    } catch (const ResolveError& refused) {
        const bool nameless = refused.code == EAI_NONAME || refused.code == EAI_NODATA;
        if (!nameless || (flags & NI_NAMEREQD) != 0) {
            throw;
        }
    }
    if ((flags & NI_NOFQDN) != 0) {
        info.host = without_own_domain(std::move(info.host));
    }
    co_return info;
}

Coro<NameInfo> names_of_host(std::string host, Port port, int flags) {
    AddressOptions numeric;
    numeric.type = SOCK_DGRAM;
    numeric.flags = AI_NUMERICHOST;
    std::vector<AddressInfo> found =
        co_await getaddrinfo(std::move(host), std::move(port), numeric);
    co_return co_await names(found.front().address, flags);
}

}  // namespace

ResolveError::ResolveError(int error, const std::string& text) : Error(text), code(error) {}
ResolveError::~ResolveError() = default;

Coro<std::vector<AddressInfo>> getaddrinfo(Host host, Port port, AddressOptions options) {
    return addresses(detail::AddressQuery(std::move(host), std::move(port), options));
}

Coro<NameInfo> getnameinfo(SocketAddress address, int flags) { return names(address, flags); }

Coro<NameInfo> getnameinfo(std::string host, Port port, int flags) {
    return names_of_host(std::move(host), std::move(port), flags);
}

}  // namespace gyre
