// What the tests of the resolver share.
#pragma once

#include "dns_server.hpp"
#include "support.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <fstream>
#include <map>

/// "EAI_NONAME" …
inline std::string name_of_code(int code) {
    static const std::map<int, std::string> names = {
        {EAI_NONAME, "EAI_NONAME"},     {EAI_AGAIN, "EAI_AGAIN"},
        {EAI_SERVICE, "EAI_SERVICE"},   {EAI_FAMILY, "EAI_FAMILY"},
        {EAI_SOCKTYPE, "EAI_SOCKTYPE"}, {EAI_BADFLAGS, "EAI_BADFLAGS"},
        {EAI_NODATA, "EAI_NODATA"},     {EAI_ADDRFAMILY, "EAI_ADDRFAMILY"},
        {EAI_MEMORY, "EAI_MEMORY"},     {EAI_FAIL, "EAI_FAIL"}};
    const auto found = names.find(code);
    return found == names.end() ? std::to_string(code) : found->second;
}

/// The addresses of a name in a line, or the error's name.
inline Coro<std::string> look_up(Host host, AddressOptions options = {}) {
    std::string text;
    options.type = SOCK_STREAM;
    try {
        std::vector<AddressInfo> found = co_await getaddrinfo(host, nullptr, options);
        for (const AddressInfo& each : found) {
            text += (text.empty() ? "" : " ") + each.address.host();
        }
    } catch (const ResolveError& error) {
        text = name_of_code(error.code);
    }
    co_return text;
}

/// A file of this process, gone with it.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content) {
        char name[] = "/tmp/gyre-resolver-XXXXXX";
        const int fd = ::mkstemp(name);
        REQUIRE(fd >= 0);
        ::close(fd);
        path_ = name;
        write(content);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { ::unlink(path_.c_str()); }

    void write(const std::string& content) const { std::ofstream(path_) << content; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// No file is there.
inline constexpr std::string_view kNoFile = "/nonexistent/file";

/// Has c-ares answer on the loop, by this server alone, impatiently.
inline void use_cares(EventLoop& loop, const dns::Server& server, ResolverOptions options = {}) {
    const std::vector<std::string> nameservers = server.nameservers();
    options.nameservers = nameservers;
    if (options.timeout == ResolverOptions().timeout) {
        options.timeout = 40ms;
        options.tries = 2;
    }
    if (options.resolv_conf == ResolverOptions().resolv_conf) {
        options.resolv_conf = kNoFile;
    }
    if (options.hosts == ResolverOptions().hosts) {
        options.hosts = kNoFile;
    }
    set_resolver(loop, make_resolver(loop, "cares", options));
}
