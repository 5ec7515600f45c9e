// Section 26: name resolution with a real name server, dnsmasq, and beside the system's resolver.
#include "connected.hpp"
#include "resolving.hpp"

#include <resolv.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

extern char** environ;

namespace {

// dnsmasq on a port of this machine, until the process ends.
class Dnsmasq {
public:
    // Null where there is no dnsmasq.
    static const Dnsmasq* instance() {
        static const std::unique_ptr<Dnsmasq> one = start();
        if (one == nullptr) {
            MESSAGE("skipped: there is no dnsmasq here");
        }
        return one.get();
    }
    Dnsmasq(const Dnsmasq&) = delete;
    Dnsmasq& operator=(const Dnsmasq&) = delete;
    ~Dnsmasq() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }

    void use(EventLoop& loop) const {
        const std::vector<std::string> servers = {address_.to_string()};
        set_resolver(loop, make_resolver(loop, "cares",
                                         {.nameservers = servers,
                                          .timeout = 5s,
                                          .tries = 1,
                                          .resolv_conf = kNoFile,
                                          .hosts = kNoFile}));
    }

private:
    Dnsmasq() : hosts_(hosts()) { ::chmod(hosts_.path().c_str(), 0644); }

    static std::string hosts() {
        std::string text =
            "192.0.2.10 one.gyre.test\n2001:db8::10 six.gyre.test\n"
            "198.51.100.7 both.gyre.test\n2001:db8::7 both.gyre.test\n"
            "127.0.0.9 mixed.gyre.test\nfd00::9 mixed.gyre.test\n10.9.9.9 mixed.gyre.test\n"
            "::1 mixed.gyre.test\n2002:c633:6401::1 mixed.gyre.test\nfe80::9 mixed.gyre.test\n";
        for (int i = 0; i < 500; ++i) {
            text += "10.77." + std::to_string(i / 250) + '.' + std::to_string(i % 250) +
                    " many.gyre.test\n";
        }
        for (int i = 0; i < 2000; ++i) {
            text += "10.78." + std::to_string(i / 250) + '.' + std::to_string(i % 250) + " n" +
                    std::to_string(i) + ".gyre.test\n";
        }
        return text;
    }

    static std::unique_ptr<Dnsmasq> start() {
        const auto there = [](const char* path) { return ::access(path, X_OK) == 0; };
        const std::array<const char*, 3> paths = {"/usr/sbin/dnsmasq", "/usr/local/sbin/dnsmasq",
                                                  "/usr/bin/dnsmasq"};
        const auto found = std::find_if(paths.begin(), paths.end(), there);
        if (found == paths.end()) {
            return nullptr;
        }
        std::unique_ptr<Dnsmasq> made(new Dnsmasq());
        {
            const Refusing free(own_host());  // only this process has ports there
            made->address_ = free.address();
        }
        std::vector<std::string> words = {*found,
                                          "--keep-in-foreground",
                                          "--conf-file=/dev/null",
                                          "--no-resolv",
                                          "--no-hosts",
                                          "--pid-file=",
                                          "--bind-interfaces",
                                          "--log-facility=/dev/null",
                                          "--no-round-robin",
                                          "--cache-size=5000",
                                          "--local=/test/",
                                          "--cname=alias.gyre.test,both.gyre.test",
                                          "--listen-address=" + made->address_.host(),
                                          "--port=" + std::to_string(made->address_.port()),
                                          "--addn-hosts=" + made->hosts_.path()};
        if (::geteuid() == 0) {
            words.push_back("--user=root");
        }
        std::vector<char*> arguments;
        for (std::string& each : words) {
            arguments.push_back(each.data());
        }
        arguments.push_back(nullptr);
        if (::posix_spawn(&made->pid_, *found, nullptr, nullptr, arguments.data(), environ) != 0) {
            return nullptr;
        }
        return made;
    }

    TemporaryFile hosts_;
    SocketAddress address_;
    ::pid_t pid_ = -1;
};

// Until it listens.
Coro<> ready(EventLoop& loop, const Dnsmasq& server) {
    server.use(loop);
    std::string end = "EAI_AGAIN";
    const auto start = std::chrono::steady_clock::now();
    while (end != "192.0.2.10" && std::chrono::steady_clock::now() - start < 10s) {
        end = co_await look_up("one.gyre.test", {.family = AF_INET});
        if (end != "192.0.2.10") {
            ::usleep(10'000);  // dnsmasq has a clock of its own
        }
    }
    REQUIRE(end == "192.0.2.10");
}

// What glibc says when it asks the same server; "" where it asks somebody else.
std::string system_list(const Dnsmasq& server, const std::string& name, int family) {
    ::res_init();
    _res.nscount = 1;
    std::memcpy(&_res.nsaddr_list[0], server.address().native(), sizeof _res.nsaddr_list[0]);
    ::addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    ::addrinfo* first = nullptr;
    const int error = ::getaddrinfo(name.c_str(), nullptr, &hints, &first);
    if (error != 0) {
        return name_of_code(error);
    }
    const std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
    std::string text;
    for (const ::addrinfo* each = first; each != nullptr; each = each->ai_next) {
        text += (text.empty() ? "" : " ") +
                SocketAddress::from_native(each->ai_addr, each->ai_addrlen).host();
    }
    return text;
}

}  // namespace

GYRE_TEST_CASE("getaddrinfo: dnsmasq's answers, in the system's order and words (S319, S320)") {
    const Dnsmasq* const server = Dnsmasq::instance();
    if (server == nullptr) {
        co_return;
    }
    co_await ready(loop, *server);
    const bool comparable = system_list(*server, "one.gyre.test", AF_INET) == "192.0.2.10";
    struct Case {
        const char* name;
        int family;
        const char* list;  // null: only the system knows
    };
    const std::vector<Case> cases = {
        {"one.gyre.test", AF_UNSPEC, "192.0.2.10"},   {"One.Gyre.TEST.", AF_UNSPEC, "192.0.2.10"},
        {"one.gyre.test", AF_INET6, "EAI_NODATA"},    {"six.gyre.test", AF_UNSPEC, "2001:db8::10"},
        {"six.gyre.test", AF_INET, "EAI_NODATA"},     {"both.gyre.test", AF_UNSPEC, nullptr},
        {"alias.gyre.test", AF_INET, "198.51.100.7"}, {"mixed.gyre.test", AF_UNSPEC, nullptr},
        {"many.gyre.test", AF_INET, nullptr},         {"none.gyre.test", AF_UNSPEC, "EAI_NONAME"},
    };
    for (const Case& each : cases) {
        INFO(std::string(each.name));
        AddressOptions options;
        options.family = each.family;
        std::string list = co_await look_up(each.name, options);
        if (each.list != nullptr) {
            CHECK(list == each.list);
        }
        if (comparable) {
            CHECK(list == system_list(*server, each.name, each.family));
        }
    }
    std::string list = co_await look_up("many.gyre.test", {.family = AF_INET});
    CHECK(std::count(list.begin(), list.end(), ' ') == 499);
    NameInfo info = co_await getnameinfo(SocketAddress::ip("192.0.2.10", 80), NI_NUMERICSERV);
    CHECK(info.host == "one.gyre.test");
}

GYRE_TEST_CASE("getaddrinfo: thousands of look-ups at once from dnsmasq, some cancelled (S321)") {
    const Dnsmasq* const server = Dnsmasq::instance();
    if (server == nullptr) {
        co_return;
    }
    co_await ready(loop, *server);
    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 2000; ++i) {
        tasks.push_back(create_task(look_up("n" + std::to_string(i) + ".gyre.test")));
    }
    for (std::size_t i = 0; i < tasks.size(); i += 3) {
        tasks[i].cancel();
        if (i % 100 == 0) {
            co_await sleep(0s);
        }
    }
    auto waiting = wait(tasks);
    co_await std::move(waiting);
    int right = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        right += !tasks[i].cancelled() && tasks[i].result() == "10.78." + std::to_string(i / 250) +
                                                                   '.' + std::to_string(i % 250)
                     ? 1
                     : 0;
    }
    CHECK(right >= 1333);
}
