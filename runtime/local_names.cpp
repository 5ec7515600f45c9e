#include "local_names.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>

namespace gyre::detail {

namespace {

bool is_localhost(std::string_view name) {
    if (name.ends_with('.')) {
        name.remove_suffix(1);
    }
    return name == "localhost" || name.ends_with(".localhost");
}

// What the file's address is for a question about this family; none: nothing. The system, too,
// takes ::1 for 127.0.0.1 where IPv4 alone is asked for.
SocketAddress as_family(const SocketAddress& address, int family) {
    const bool ipv6 = address.family() == SocketAddress::Family::ipv6;
    if (family == AF_UNSPEC || (family == AF_INET6) == ipv6) {
        return address;
    }
    if (family == AF_INET) {
        const std::string host = address.host();
        constexpr std::string_view mapped = "::ffff:";
        if (host == "::1") {
            return SocketAddress::ip("127.0.0.1", 0);
        }
        if (host.starts_with(mapped)) {
            return SocketAddress::try_ip(std::string_view(host).substr(mapped.size()), 0);
        }
    }
    return {};
}

}  // namespace

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

std::optional<NameAnswer> LocalNames::find(const std::string& name, int family) {
    read_if_changed();
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (std::any_of(name.begin(), name.end(), is_upper)) {
        return find(lower_case(name), family);
    }
    NameAnswer answer;
    if (const auto found = entries_.find(name); found != entries_.end()) {
        for (const Entry& each : found->second) {
            const SocketAddress address = as_family(each.address, family);
            if (address) {
                answer.addresses.push_back(address);
                answer.canonname = answer.canonname.empty() ? each.canonname : answer.canonname;
            }
        }
    }
    if (answer.addresses.empty() && is_localhost(name)) {
        if (family != AF_INET) {
            answer.addresses.push_back(SocketAddress::ip("::1", 0));
        }
        if (family != AF_INET6) {
            answer.addresses.push_back(SocketAddress::ip("127.0.0.1", 0));
        }
    }
    return answer.addresses.empty() ? std::nullopt : std::optional(std::move(answer));
}

std::optional<std::string> LocalNames::name_of(const SocketAddress& address) {
    read_if_changed();
    const std::string host = address.host();
    if (const auto found = names_.find(host); found != names_.end()) {
        return found->second;
    }
    return host == "::1" || host == "127.0.0.1" ? std::optional<std::string>("localhost")
                                                : std::nullopt;
}

void LocalNames::read_if_changed() {
    if (!file_.changed()) {
        return;
    }
    entries_.clear();
    names_.clear();
    std::ifstream file(file_.path());
    for (std::string line; std::getline(file, line);) {
        add_line(std::move(line));
    }
}

void LocalNames::add_line(std::string line) {
    line.resize(std::min(line.find('#'), line.size()));
    std::istringstream words(line);
    std::string number;
    std::string canonname;
    words >> number >> canonname;
    const SocketAddress address = SocketAddress::try_ip(number, 0);
    if (!address || canonname.empty()) {
        return;
    }
    names_.emplace(address.host(), canonname);
    std::string name = canonname;
    do {
        entries_[lower_case(name)].push_back({address, canonname});
    } while (words >> name);
}

}  // namespace gyre::detail
