// resolve: the addresses of names, as getaddrinfo() gives them.
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::string kind_of(int type) {
    switch (type) {
        case SOCK_STREAM:
            return "stream";
        case SOCK_DGRAM:
            return "datagram";
        case SOCK_RAW:
            return "raw";
        default:
            return "type " + std::to_string(type);
    }
}

int family_of(const std::string& word) {
    if (word == "inet") {
        return AF_INET;
    }
    return word == "inet6" ? AF_INET6 : AF_UNSPEC;
}

gyre::Coro<> resolve(std::vector<std::string> hosts, std::string port, int family) {
    gyre::AddressOptions options;
    options.family = family;
    options.flags = AI_CANONNAME;
    std::vector<gyre::Task<std::vector<gyre::AddressInfo>>> lookups;
    for (const std::string& host : hosts) {
        lookups.push_back(gyre::create_task(gyre::getaddrinfo(host, port, options)));
    }
    std::string failure;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        std::vector<gyre::AddressInfo> found;
        try {
            found = co_await lookups[i];
        } catch (const gyre::ResolveError& error) {
            failure += (failure.empty() ? "" : "; ") + std::string(error.what());
            continue;
        }
        const std::string& canonname = found.empty() ? hosts[i] : found.front().canonname;
        std::printf("%s%s\n", hosts[i].c_str(),
                    canonname == hosts[i] ? "" : (" is " + canonname).c_str());
        for (const gyre::AddressInfo& each : found) {
            std::printf("  %-8s %s\n", kind_of(each.type).c_str(),
                        each.address.to_string().c_str());
        }
    }
    if (!failure.empty()) {
        throw std::runtime_error(failure);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> hosts;
    std::string port;
    std::string family = "any";
    demo::Program program("resolve", "Shows the addresses of names, as getaddrinfo gives them.");
    program.add_resolver();
    program.add_text("--port", port, "PORT", "a port, or a service's name");
    program.add_choice("--family", family, {"any", "inet", "inet6"}, "the addresses' family");
    program.add_texts("hosts", hosts, "names or addresses");
    return program.run(argc, argv, [&] {
        gyre::run(resolve(hosts, port, family_of(family)), program.run_options());
    });
}
