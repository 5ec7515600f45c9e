#include <gyre/resolver.hpp>
#include <gyre/threads.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <system_error>

namespace gyre {

namespace {

// The system's resolver takes 65616 for port 80.
bool is_number_of_no_port(const std::string& service) {
    std::uint16_t port = 0;
    const char* const end = service.data() + service.size();
    const auto [stopped, error] = std::from_chars(service.data(), end, port);
    return stopped == end && error == std::errc::result_out_of_range;
}

// A wait for the network, unless the host is numeric.
std::vector<AddressInfo> resolve(const std::string& host, const std::string& service,
                                 AddressOptions options) {
    if (is_number_of_no_port(service)) {
        throw ResolveError(
            EAI_SERVICE,
            "getaddrinfo " + host + ": a port of at most 65535 is expected, not " + service);
    }
    ::addrinfo hints{};
    hints.ai_family = options.family;
    hints.ai_socktype = options.type;
    hints.ai_protocol = options.proto;
    hints.ai_flags = options.flags;
    ::addrinfo* first = nullptr;
    const int error = ::getaddrinfo(
        host.empty() ? nullptr : host.c_str(),
        service.empty() ? (host.empty() ? "0" : nullptr) : service.c_str(), &hints, &first);
    if (error == EAI_SYSTEM) {
        throw std::system_error(errno, std::generic_category(), "getaddrinfo " + host);
    }
    if (error != 0) {
        throw ResolveError(error, "getaddrinfo " + host + ": " + ::gai_strerror(error));
    }
    const std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
    std::vector<AddressInfo> found;
    for (const ::addrinfo* each = first; each != nullptr; each = each->ai_next) {
        AddressInfo info;
        info.family = each->ai_family;
        info.type = each->ai_socktype;
        info.proto = each->ai_protocol;
        info.canonname = each->ai_canonname == nullptr ? "" : each->ai_canonname;
        info.address = SocketAddress::from_native(each->ai_addr, each->ai_addrlen);
        found.push_back(std::move(info));
    }
    return found;
}

}  // namespace

ResolveError::ResolveError(int error, const std::string& text) : Error(text), code(error) {}
ResolveError::~ResolveError() = default;

Coro<std::vector<AddressInfo>> getaddrinfo(std::string host, Port port, AddressOptions options) {
    const bool numeric = host.empty() || static_cast<bool>(SocketAddress::try_ip(host, 0));
    if (numeric) {
        co_return resolve(host, port.text(), options);
    }
    co_return co_await to_thread(resolve, host, port.text(), options);
}

}  // namespace gyre
