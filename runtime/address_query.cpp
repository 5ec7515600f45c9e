#include "address_query.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

using Infos = std::vector<AddressInfo>;

// The system's resolver takes 65616 for port 80.
bool is_number_of_no_port(std::string_view service) {
    const bool negative = service.starts_with('-');
    service.remove_prefix(negative || service.starts_with('+') ? 1 : 0);
    std::uint16_t port = 0;
    const char* const end = service.data() + service.size();
    const auto [stopped, error] = std::from_chars(service.data(), end, port);
    const bool number = stopped == end && error != std::errc::invalid_argument;
    return number && (error != std::errc() || (negative && port != 0));
}

// Of a service that is nothing but digits.
std::optional<std::uint16_t> port_of(std::string_view service) {
    std::uint16_t port = 0;
    const char* const end = service.data() + service.size();
    const auto [stopped, error] = std::from_chars(service.data(), end, port);
    return stopped == end && error == std::errc() ? std::optional(port) : std::nullopt;
}

// Gives the EAI_ code.
int ask_system(const char* host, const Port& port, const AddressOptions& options, Infos& infos) {
    ::addrinfo hints{};
    hints.ai_family = options.family;
    hints.ai_socktype = options.type;
    hints.ai_protocol = options.proto;
    hints.ai_flags = options.flags | AI_NUMERICHOST;
    ::addrinfo* first = nullptr;
    const char* const service = port.is_null() ? nullptr : port.text().c_str();
    const int error = ::getaddrinfo(host, service, &hints, &first);
    if (error != 0) {
        return error;
    }
    const std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
    for (const ::addrinfo* each = first; each != nullptr; each = each->ai_next) {
        AddressInfo& info = infos.emplace_back();
        info.family = each->ai_family;
        info.type = each->ai_socktype;
        info.proto = each->ai_protocol;
        info.canonname = each->ai_canonname == nullptr ? "" : each->ai_canonname;
        info.address = SocketAddress::from_native(each->ai_addr, each->ai_addrlen);
    }
    return 0;
}

// The kinds of sockets for any address. With a number for the port they depend on the options
// alone, and a program asks for the same ones again and again.
std::shared_ptr<const Infos> kinds_of(const Port& port, bool numeric, AddressOptions options,
                                      int& error) {
    const auto ask = [&] {
        auto kinds = std::make_shared<Infos>();
        const char* const any = options.family == AF_INET6 ? "::" : "0.0.0.0";
        error = ask_system(any, port, options, *kinds);
        return kinds;
    };
    if (!numeric) {
        return ask();
    }
    thread_local AddressOptions asked;
    thread_local std::shared_ptr<const Infos> last;
    error = 0;
    if (last == nullptr || asked != options) {
        std::shared_ptr<const Infos> kinds = ask();
        if (error != 0) {
            return kinds;
        }
        asked = options;
        last = std::move(kinds);
    }
    return last;
}

// Whatever the system might read as a number.
bool may_be_numeric(const std::string& host) {
    return host.find(':') != std::string::npos ||
           (!host.empty() && std::isdigit(static_cast<unsigned char>(host.front())) != 0);
}

// "fe80::1%nope": a number, but of an interface that is not there.
bool is_scoped_number(const std::string& host) {
    const std::size_t percent = host.find('%');
    return percent != std::string::npos &&
           SocketAddress::try_ip(std::string_view(host).substr(0, percent), 0).family() ==
               SocketAddress::Family::ipv6;
}

// AI_ADDRCONFIG: the families of which this machine has an address beside the loopback's.
class Configured {
public:
    Configured() {
        ::ifaddrs* first = nullptr;
        if (::getifaddrs(&first) != 0) {
            ipv4 = ipv6 = true;
            return;
        }
        const std::unique_ptr<::ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
        for (const ::ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
            if (each->ifa_addr == nullptr) {
                continue;
            }
            const int family = each->ifa_addr->sa_family;
            const std::size_t size =
                family == AF_INET ? sizeof(::sockaddr_in) : sizeof(::sockaddr_in6);
            const SocketAddress address = SocketAddress::from_native(each->ifa_addr, size);
            ipv4 = ipv4 || (family == AF_INET && address.host() != "127.0.0.1");
            ipv6 = ipv6 || (family == AF_INET6 && address.host() != "::1");
        }
    }
    bool ipv4 = false;
    bool ipv6 = false;
};

int family_to_ask(const AddressOptions& options) {
    int family = options.family;
    if ((options.flags & AI_ADDRCONFIG) != 0) {
        const Configured configured;
        if (family == AF_UNSPEC && configured.ipv4 != configured.ipv6) {
            family = configured.ipv4 ? AF_INET : AF_INET6;
        } else if ((family == AF_INET && !configured.ipv4) ||
                   (family == AF_INET6 && !configured.ipv6)) {
            return -1;
        }
    }
    const bool mapped = family == AF_INET6 && (options.flags & AI_V4MAPPED) != 0;
    return mapped ? AF_UNSPEC : family;
}

SocketAddress mapped(const SocketAddress& ipv4) {
    return SocketAddress::ip("::ffff:" + ipv4.host(), 0);
}

}  // namespace

void throw_resolve_error(int code, const std::string& what) {
    if (code == EAI_SYSTEM) {
        throw std::system_error(errno, std::generic_category(), what);
    }
    throw ResolveError(code, what + ": " + ::gai_strerror(code));
}

bool AddressQuery::answered() {
    const auto what = [this] { return "getaddrinfo " + name_; };
    if (is_number_of_no_port(port_.text())) {
        throw ResolveError(EAI_SERVICE,
                           what() + ": a port from 0 to 65535 is expected, not " + port_.text());
    }
    const bool numeric_only = (options_.flags & AI_NUMERICHOST) != 0;
    const bool c_string = name_.find('\0') == std::string::npos;
    // A star is the system's other word for null.
    const bool null = null_ || name_ == "*";
    if (c_string && (null || numeric_only || may_be_numeric(name_))) {
        const char* const number = null ? nullptr : name_.c_str();
        auto infos = std::make_shared<Infos>();
        const int error = ask_system(number, port_, options_, *infos);
        if (error == 0) {
            infos_ = std::move(infos);
            return true;
        }
        if (error != EAI_NONAME || null || numeric_only || is_scoped_number(name_)) {
            throw_resolve_error(error, what());
        }
    }
    // What is wrong with the rest, and which kinds of sockets there are, is the same for any host.
    AddressOptions any = options_;
    any.flags &= ~(AI_ADDRCONFIG | AI_CANONNAME);
    number_ = port_of(port_.text());
    int error = 0;
    infos_ = kinds_of(port_, number_.has_value(), any, error);
    if (error != 0) {
        throw_resolve_error(error, what());
    }
    family_ = family_to_ask(options_);
    if (family_ == -1 || name_.empty() || !c_string) {
        throw_resolve_error(EAI_NONAME, what());
    }
    return false;
}

NameQuestion AddressQuery::take_question() {
    NameQuestion question;
    if ((options_.flags & AI_CANONNAME) != 0) {
        question.name = name_;
    } else {
        question.name = std::move(name_);
    }
    question.family = family_;
    question.flags = options_.flags;
    return question;
}

Infos AddressQuery::combine(const NameAnswer& answer) const {
    using Family = SocketAddress::Family;
    const std::vector<SocketAddress>& found = answer.addresses;
    const auto is_v4 = [](const SocketAddress& each) { return each.family() == Family::ipv4; };
    const bool map =
        options_.family == AF_INET6 && (options_.flags & AI_V4MAPPED) != 0 &&
        ((options_.flags & AI_ALL) != 0 || std::all_of(found.begin(), found.end(), is_v4));
    Infos all;
    all.reserve(found.size() * infos_->size());
    for (const SocketAddress& each : found) {
        const bool v4 = is_v4(each);
        const bool wanted = options_.family == AF_UNSPEC || (options_.family == AF_INET) == v4;
        if (!wanted && !(map && v4)) {
            continue;
        }
        const SocketAddress address = wanted ? each : mapped(each);
        for (const AddressInfo& kind : *infos_) {
            AddressInfo& info = all.emplace_back();
            info.family = v4 && wanted ? AF_INET : AF_INET6;
            info.type = kind.type;
            info.proto = kind.proto;
            info.address = address.with_port(number_.value_or(kind.address.port()));
        }
    }
    if ((options_.flags & AI_CANONNAME) != 0 && !all.empty()) {
        all.front().canonname = answer.canonname.empty() ? name_ : answer.canonname;
    }
    return all;
}

}  // namespace gyre::detail
