// Section 26: name resolution, as far as no name server is needed.
#include "resolving.hpp"

#include <array>
#include <cstdio>
#include <memory>

namespace {

// "stream inet 127.0.0.1:80 canonname", a line each, or the error's name.
Coro<std::string> list_of(Host host, Port port, AddressOptions options = {}) {
    std::string text;
    try {
        std::vector<AddressInfo> found = co_await getaddrinfo(host, port, options);
        for (const AddressInfo& each : found) {
            text += std::to_string(each.family) + ' ' + std::to_string(each.type) + ' ' +
                    std::to_string(each.proto) + ' ' + each.address.to_string() + ' ' +
                    each.canonname + '\n';
        }
    } catch (const ResolveError& error) {
        text = name_of_code(error.code) + '\n';
    }
    co_return text;
}

std::string stream_only(const std::string& address, int family = AF_INET) {
    return std::to_string(family) + " 1 6 " + address + " \n";
}

// A line each for STREAM, DGRAM and RAW.
std::string all_kinds(const std::string& address, int family = AF_INET) {
    const std::string start = std::to_string(family) + ' ';
    return start + "1 6 " + address + " \n" + start + "2 17 " + address + " \n" + start + "3 0 " +
           address + " \n";
}

// Names of a hosts file alone; a question for a server is lost.
void use_hosts(EventLoop& loop, std::string_view hosts) {
    const std::vector<std::string> nobody = {"127.0.0.1:1"};
    set_resolver(loop, make_resolver(loop, "cares",
                                     {.nameservers = nobody,
                                      .timeout = 10ms,
                                      .tries = 1,
                                      .resolv_conf = kNoFile,
                                      .hosts = hosts}));
}

}  // namespace

GYRE_TEST_CASE("getaddrinfo: a number is answered without a question (S308, S319)") {
    auto names = std::make_shared<FakeResolver>();
    set_resolver(loop, names);
    struct Case {
        const char* host;
        std::string list;
    };
    const std::vector<Case> cases = {
        {"127.0.0.1", all_kinds("127.0.0.1:80")},
        {"127.1", all_kinds("127.0.0.1:80")},
        {"0x7f.1", all_kinds("127.0.0.1:80")},
        {"::1", all_kinds("[::1]:80", AF_INET6)},
        {"fe80::1%lo", all_kinds("[fe80::1%lo]:80", AF_INET6)},
        {"fe80::1%nope", "EAI_NONAME\n"},
    };
    for (const Case& each : cases) {
        INFO(each.host);
        std::string list = co_await list_of(each.host, 80);
        CHECK(list == each.list);
    }
    CHECK(names->asked().empty());
}

GYRE_TEST_CASE("getaddrinfo: no host is this machine, or every interface (S319, S320)") {
    std::string list = co_await list_of(nullptr, 80, {.type = SOCK_STREAM});
    CHECK(list == stream_only("[::1]:80", AF_INET6) + stream_only("127.0.0.1:80"));
    list = co_await list_of(nullptr, 80, {.family = AF_INET, .flags = AI_PASSIVE});
    CHECK(list == all_kinds("0.0.0.0:80"));
    list = co_await list_of(nullptr, "", {.family = AF_INET, .type = SOCK_STREAM});
    CHECK(list == stream_only("127.0.0.1:0"));
    list = co_await list_of(nullptr, nullptr);
    CHECK(list == "EAI_NONAME\n");
    list = co_await list_of("", 80);
    CHECK(list == "EAI_NONAME\n");
    list = co_await list_of(std::string("a\0b", 3), 80);
    CHECK(list == "EAI_NONAME\n");
}

GYRE_TEST_CASE("getaddrinfo: a port is a number, text, a service's name or none (S319, S320)") {
    const AddressOptions stream{.type = SOCK_STREAM};
    std::string list = co_await list_of("127.0.0.1", "80", stream);
    CHECK(list == stream_only("127.0.0.1:80"));
    list = co_await list_of("127.0.0.1", "http", stream);
    CHECK((list == stream_only("127.0.0.1:80") || list == "EAI_SERVICE\n"));
    for (const char* none : {"", "0"}) {
        list = co_await list_of("127.0.0.1", none, stream);
        CHECK(list == stream_only("127.0.0.1:0"));
    }
    list = co_await list_of("127.0.0.1", nullptr, stream);
    CHECK(list == stream_only("127.0.0.1:0"));
    for (const char* bad : {"70000", "65536", "-1", "80xyz", "no-such-service"}) {
        INFO(bad);
        list = co_await list_of("127.0.0.1", bad, stream);
        CHECK(list == "EAI_SERVICE\n");
        list = co_await list_of("name.test", bad, stream);
        CHECK(list == "EAI_SERVICE\n");
    }
}

GYRE_TEST_CASE("getaddrinfo: what is wrong with a question, by its EAI_ code (S319)") {
    auto names = std::make_shared<FakeResolver>();
    set_resolver(loop, names);
    struct Case {
        const char* host;
        AddressOptions options;
        const char* error;
    };
    const std::vector<Case> cases = {
        {"name.test", {.flags = AI_NUMERICHOST}, "EAI_NONAME\n"},
        {"127.0.0.1", {.family = 99}, "EAI_FAMILY\n"},
        {"name.test", {.family = 99}, "EAI_FAMILY\n"},
        {"::1", {.family = AF_INET}, "EAI_ADDRFAMILY\n"},
        {"127.0.0.1", {.family = AF_INET6}, "EAI_ADDRFAMILY\n"},
        {"127.0.0.1", {.flags = 0x10000}, "EAI_BADFLAGS\n"},
        {"name.test", {.flags = 0x10000}, "EAI_BADFLAGS\n"},
        {"127.0.0.1", {.type = 77}, "EAI_SOCKTYPE\n"},
        {"name.test", {.type = 77}, "EAI_SOCKTYPE\n"},
    };
    for (const Case& each : cases) {
        INFO(each.host);
        std::string list = co_await list_of(each.host, 80, each.options);
        CHECK(list == each.error);
    }
    CHECK(names->asked().empty());
    std::string text;
    try {
        std::vector<AddressInfo> found = co_await getaddrinfo("gone.test", 80);
    } catch (const ResolveError& error) {
        text = error.what();
        CHECK(error.code == EAI_NONAME);
    }
    CHECK(text == "getaddrinfo gone.test: Name or service not known");
}

GYRE_TEST_CASE("getaddrinfo: the resolver's order is kept, with each kind of socket (S320)") {
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> addresses = {"192.0.2.9", "2001:db8::1", "192.0.2.1"};
    names->add("name.test", addresses);
    set_resolver(loop, names);
    std::string list = co_await list_of("NAME.test", 80, {.flags = AI_CANONNAME});
    std::string expected = all_kinds("192.0.2.9:80") + all_kinds("[2001:db8::1]:80", AF_INET6) +
                           all_kinds("192.0.2.1:80");
    expected.insert(expected.find('\n'), "NAME.test");
    CHECK(list == expected);
    list = co_await list_of("name.test", 80, {.type = SOCK_STREAM, .proto = IPPROTO_TCP});
    CHECK(list == stream_only("192.0.2.9:80") + stream_only("[2001:db8::1]:80", AF_INET6) +
                      stream_only("192.0.2.1:80"));
    list = co_await list_of("name.test", 80, {.family = AF_INET6, .type = SOCK_STREAM});
    CHECK(list == stream_only("[2001:db8::1]:80", AF_INET6));
}

GYRE_TEST_CASE("getaddrinfo: AI_V4MAPPED and AI_ALL (S319)") {
    auto names = std::make_shared<FakeResolver>();
    const std::vector<std::string> one = {"192.0.2.9"};
    const std::vector<std::string> two = {"192.0.2.9", "2001:db8::1"};
    names->add("four.test", one);
    names->add("both.test", two);
    set_resolver(loop, names);
    AddressOptions options{.family = AF_INET6, .flags = AI_V4MAPPED};
    std::string list = co_await look_up("four.test", options);
    CHECK(list == "::ffff:192.0.2.9");
    list = co_await look_up("both.test", options);
    CHECK(list == "2001:db8::1");
    options.flags |= AI_ALL;
    list = co_await look_up("both.test", options);
    CHECK(list == "::ffff:192.0.2.9 2001:db8::1");
}

GYRE_TEST_CASE("getaddrinfo: localhost is never asked for, in any spelling (S319)") {
    use_hosts(loop, kNoFile);
    for (const char* name : {"localhost", "LocalHost", "localhost.", "a.b.localhost"}) {
        INFO(name);
        std::string list = co_await look_up(name);
        CHECK(list == "::1 127.0.0.1");
        AddressOptions options;
        options.family = AF_INET;
        list = co_await look_up(name, options);
        CHECK(list == "127.0.0.1");
    }
}

GYRE_TEST_CASE("getaddrinfo: the names of the hosts file (S319)") {
    const TemporaryFile hosts(
        "192.0.2.1 one.test one # a comment\n"
        "nonsense two.test\n192.0.2.3\n"
        "2001:db8::1 ONE.test\n::1 six.test\n192.0.2.4\tfour.test");
    use_hosts(loop, hosts.path());
    AddressOptions ipv4;
    ipv4.family = AF_INET;
    std::string list = co_await look_up("one", ipv4);
    CHECK(list == "192.0.2.1");
    AddressOptions ipv6;
    ipv6.family = AF_INET6;
    list = co_await look_up("One.Test", ipv6);
    CHECK(list == "2001:db8::1");
    list = co_await look_up("six.test", ipv4);
    CHECK(list == "127.0.0.1");
    list = co_await look_up("four.test");
    CHECK(list == "192.0.2.4");
    list = co_await look_up("two.test", ipv4);
    CHECK(list == "EAI_AGAIN");
    std::vector<AddressInfo> found = co_await getaddrinfo("one", 80, {.flags = AI_CANONNAME});
    CHECK(found.front().canonname == "one.test");
    NameInfo info = co_await getnameinfo(SocketAddress::ip("192.0.2.1", 80), NI_NUMERICSERV);
    CHECK(info.host == "one.test");
}

GYRE_TEST_CASE("getnameinfo: numbers, a service's name, bad flags, a host that is a name (S319)") {
    const SocketAddress address = SocketAddress::ip("127.0.0.1", 80);
    NameInfo info = co_await getnameinfo(address, NI_NUMERICHOST | NI_NUMERICSERV);
    CHECK(info.host == "127.0.0.1");
    CHECK(info.service == "80");
    info = co_await getnameinfo(address, NI_NUMERICHOST);
    CHECK((info.service == "http" || info.service == "80"));
    use_hosts(loop, kNoFile);
    info = co_await getnameinfo("::1", 80, NI_NUMERICSERV);
    CHECK(info.host == "localhost");
    const std::vector<std::pair<const char*, int>> wrong = {{"127.0.0.1", 1 << 20},
                                                            {"name.test", 0}};
    std::string errors;
    for (const auto& [host, flags] : wrong) {
        try {
            info = co_await getnameinfo(host, 80, flags);
        } catch (const ResolveError& error) {
            errors += name_of_code(error.code) + ' ';
        }
    }
    CHECK(errors == "EAI_BADFLAGS EAI_NONAME ");
}

GYRE_TEST_CASE("Resolver: chosen by name; a wrong name or server says what is right (S319)") {
    CHECK(make_resolver(loop, "cares")->name() == "cares");
    CHECK(make_resolver(loop, "system")->name() == "system");
    std::string text;
    try {
        static_cast<void>(make_resolver(loop, "nonsense"));
    } catch (const ValueError& error) {
        text = error.what();
    }
    CHECK(text == "unknown resolver 'nonsense'; there are cares, system");
    for (const char* wrong : {"", "name", "1.2.3.4:0", "1.2.3.4:99999", "[::1", "unix:/x"}) {
        const std::vector<std::string> servers = {wrong};
        CHECK(thrown_by([&] {
                  static_cast<void>(make_resolver(loop, "cares", {.nameservers = servers}));
              }) == "ValueError");
    }
    const std::vector<std::string> servers = {"1.2.3.4", "1.2.3.4:53", "::1", "[::1]", "[::1]:53"};
    CHECK(make_resolver(loop, {}, {.nameservers = servers})->name() == "cares");
    co_return;
}

TEST_CASE("Resolver: the one of RunOptions, else of GYRE_RESOLVER, else cares (S319)") {
    const auto name = []() -> Coro<std::string> {
        co_return std::string(get_resolver(get_running_loop())->name());
    };
    CHECK(run(name(), {.loop = "selector"}) == "cares");
    CHECK(run(name(), {.loop = "virtual"}) == "system");
    ::setenv("GYRE_RESOLVER", "system", 1);
    CHECK(run(name(), {.loop = "selector"}) == "system");
    CHECK(run(name(), {.loop = "selector", .resolver = "cares"}) == "cares");
    ::unsetenv("GYRE_RESOLVER");
}

GYRE_TEST_CASE("getaddrinfo: the system's resolver answers in a thread (S319, S321)") {
    set_resolver(loop, make_resolver(loop, "system"));
    std::string list = co_await look_up("localhost", {.family = AF_INET});
    CHECK(list == "127.0.0.1");
    NameInfo info = co_await getnameinfo(SocketAddress::ip("127.0.0.1", 80), NI_NUMERICSERV);
    CHECK_FALSE(info.host.empty());
}

// Not on each loop: the answers do not depend on it, and Python takes its time.
TEST_CASE("getaddrinfo: Python's list, for all that needs no name server (S319, S320)") {
    const char* const script =
        "import socket\n"
        "hosts = [None, '', 'localhost', '127.0.0.1', '127.1', '0', '::1', 'fe80::1%lo',\n"
        "         'fe80::1%nope', '::ffff:1.2.3.4', '*', '1.2.3.4.', socket.gethostname()]\n"
        "ports = [None, '', '0', '80', 'http', 'domain', '80xyz']\n"
        "kinds = [(0, 0, 0, 0), (2, 1, 0, 0), (10, 2, 0, 8), (0, 1, 0, 1), (0, 1, 6, 2),\n"
        "         (0, 2, 6, 0), (0, 0, 17, 0), (10, 1, 0, 24), (0, 5, 0, 0), (0, 0, 132, 0),\n"
        "         (99, 0, 0, 0), (0, 0, 0, 65536), (0, 1, 0, 4), (0, 1, 0, 1024), (0, 1, 0, 32)]\n"
        "for h in hosts:\n"
        "  for p in ports:\n"
        "    for k in kinds:\n"
        "      if h and h[-4:].isalpha() and k[0] == 10: continue\n"
        "      if h == '1.2.3.4.' and not k[3] & 4: continue\n"
        "      try: r = ';'.join(f'{int(f)} {int(t)} {q} {a[0]} {a[1]} {c}'\n"
        "                 for f, t, q, c, a in socket.getaddrinfo(h, p, *k))\n"
        "      except socket.gaierror as e: r = str(e.errno)\n"
        "      print(*('-' if x is None else '\"' + x for x in (h, p)), *k, r, sep='\\t')\n";
    const TemporaryFile file(script);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> python(
        ::popen(("python3 " + file.path() + " 2>/dev/null").c_str(), "r"), &::pclose);
    std::array<char, 1 << 14> line{};
    int compared = 0;
    Runner runner({.loop = "selector"});
    while (std::fgets(line.data(), line.size(), python.get()) != nullptr) {
        std::vector<std::string> fields;
        std::string_view rest = line.data();
        rest.remove_suffix(1);
        for (std::size_t tab = 0; tab != std::string_view::npos; rest.remove_prefix(tab + 1)) {
            tab = rest.find('\t');
            fields.emplace_back(rest.substr(0, tab));
            if (tab == std::string_view::npos) {
                break;
            }
        }
        REQUIRE(fields.size() == 7);
        const auto text = [](const std::string& field) {
            return field == "-" ? Host() : Host(field.substr(1));
        };
        const auto list = [](Host host, Port port, AddressOptions options) -> Coro<std::string> {
            std::string found_text;
            try {
                std::vector<AddressInfo> found = co_await getaddrinfo(host, port, options);
                for (const AddressInfo& each : found) {
                    const std::string number = each.address.host();
                    found_text += (found_text.empty() ? "" : ";") + std::to_string(each.family) +
                                  ' ' + std::to_string(each.type) + ' ' +
                                  std::to_string(each.proto) + ' ' +
                                  number.substr(0, number.find('%')) + ' ' +
                                  std::to_string(each.address.port()) + ' ' + each.canonname;
                }
            } catch (const ResolveError& error) {
                found_text = std::to_string(error.code);
            }
            co_return found_text;
        };
        AddressOptions options;
        options.family = std::stoi(fields[2]);
        options.type = std::stoi(fields[3]);
        options.proto = std::stoi(fields[4]);
        options.flags = std::stoi(fields[5]);
        const Port port = fields[1] == "-" ? Port() : Port(fields[1].substr(1));
        INFO(std::string(line.data()));
        CHECK(runner.run(list(text(fields[0]), port, options)) == fields[6]);
        ++compared;
    }
    MESSAGE("compared with Python: ", compared);
}
