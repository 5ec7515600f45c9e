#include "cares_channel.hpp"

#include "cares_answer.hpp"

#include <gyre/detail/resource.hpp>
#include <gyre/errors.hpp>

#include <ares.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace gyre::detail {

namespace {

constexpr int kUdpPayload = 1232;  // what passes everywhere without fragments (DNS flag day 2020)

// Beyond, c-ares would count too far when it doubles it.
int milliseconds_of(Nanoseconds timeout) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    return static_cast<int>(std::clamp<std::int64_t>(count, 1, 60'000));
}

void check(int status, const char* what) {
    if (status == ARES_ENOMEM) {
        throw std::bad_alloc();
    }
    if (status != ARES_SUCCESS) {
        throw RuntimeError(std::string(what) + ": " + ::ares_strerror(status));
    }
}

template <class T>
T native_of(const SocketAddress& address) {
    T native{};
    std::memcpy(&native, address.native(), std::min(sizeof native, address.native_size()));
    return native;
}

}  // namespace

// A socket of c-ares. It opens and closes it; the loop may close before.
class CaresChannel::Socket final : private Resource {
public:
    Socket(CaresChannel& channel, int fd) : Resource(channel.loop_), channel_(channel), fd_(fd) {
        begin_use(fd);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { let_go(); }

    void update(bool readable, bool writable) {
        set(reading_, readable, false);
        set(writing_, writable, true);
    }

private:
    void set(bool& is, bool wanted, bool writer) {
        if (is == wanted || fd_ < 0) {
            return;
        }
        if (wanted) {
            watch(fd_, writer, [&channel = channel_, fd = fd_, writer] {
                channel.process(writer ? ARES_SOCKET_BAD : fd, writer ? fd : ARES_SOCKET_BAD);
            });
        } else {
            unwatch(fd_, writer);
        }
        is = wanted;
    }
    void on_loop_close() noexcept override { let_go(); }
    void let_go() noexcept {
        if (fd_ >= 0) {
            unwatch(fd_, false);
            unwatch(fd_, true);
            end_use(std::exchange(fd_, -1));
        }
    }

    CaresChannel& channel_;
    int fd_;
    bool reading_ = false;
    bool writing_ = false;
};

// What c-ares calls.
struct CaresChannel::Callbacks {
    static void on_socket(void* self, ares_socket_t fd, int readable, int writable) noexcept {
        try {
            static_cast<CaresChannel*>(self)->watch(fd, readable != 0, writable != 0);
        } catch (...) {
            // Not watched, it is silent: the timer ends what waits for it.
        }
    }
    static void on_addresses(void* argument, int status, int /*timeouts*/,
                             ares_addrinfo* found) noexcept {
        const auto free = [](ares_addrinfo* info) { ::ares_freeaddrinfo(info); };
        const std::unique_ptr<ares_addrinfo, decltype(free)> owner(found, free);
        CaresLookup& lookup = *static_cast<CaresLookup*>(argument);
        lookup.outcome = outcome_of(status, found);
        lookup.channel->finish(lookup);
    }
    static void on_name(void* argument, int status, int /*timeouts*/, hostent* found) noexcept {
        CaresLookup& lookup = *static_cast<CaresLookup*>(argument);
        lookup.outcome = outcome_of(status, found);
        lookup.channel->finish(lookup);
    }
};

std::size_t CaresLookup::packets() const noexcept {
    return address == nullptr && question.family == AF_UNSPEC ? 2 : 1;
}

CaresChannel::CaresChannel(EventLoop& loop, const ResolverSettings& settings, Owner& owner)
    : loop_(loop),
      owner_(owner),
      timeout_(std::chrono::milliseconds(milliseconds_of(settings.timeout))),
      timer_(loop, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {
    open(settings);
    try {
        use_servers(settings);
    } catch (...) {
        ::ares_destroy(channel_);
        throw;
    }
}

CaresChannel::~CaresChannel() {
    ::ares_cancel(channel_);
    ::ares_destroy(channel_);
}

void CaresChannel::open(const ResolverSettings& settings) {
    static const int ready = ::ares_library_init(ARES_LIB_INIT_ALL);
    check(ready, "c-ares");
    std::string lookups = "b";  // the hosts file is read once, not for each question
    std::string resolv_conf = settings.resolv_conf;
    ares_options options{};
    options.flags = ARES_FLAG_EDNS;
    options.ednspsz = kUdpPayload;
    options.timeout = milliseconds_of(settings.timeout);
    options.tries = std::max(settings.tries, 1);
    options.lookups = lookups.data();
    options.resolvconf_path = resolv_conf.data();
    options.sock_state_cb = &Callbacks::on_socket;
    options.sock_state_cb_data = this;
    int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
               ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    options.qcache_max_ttl = 0;  // the resolver has a cache of its own, for who wants it
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    if (settings.rotate) {
        mask |= ARES_OPT_ROTATE;
    }
    check(::ares_init_options(&channel_, &options, mask), "c-ares");
}

void CaresChannel::use_servers(const ResolverSettings& settings) {
    if (settings.nameservers.empty()) {
        return;
    }
    std::vector<ares_addr_port_node> nodes(settings.nameservers.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const SocketAddress server = parse_nameserver(settings.nameservers[i]);
        ares_addr_port_node& node = nodes[i];
        node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
        node.udp_port = node.tcp_port = server.port();
        if (server.family() == SocketAddress::Family::ipv4) {
            node.family = AF_INET;
            node.addr.addr4 = native_of<::sockaddr_in>(server).sin_addr;
        } else {
            node.family = AF_INET6;
            const auto native = native_of<::sockaddr_in6>(server);
            std::memcpy(&node.addr.addr6, &native.sin6_addr, sizeof native.sin6_addr);
        }
    }
    check(::ares_set_servers_ports(channel_, nodes.data()), "name servers");
}

void CaresChannel::start(const std::shared_ptr<CaresLookup>& lookup) {
    // c-ares holds the raw pointer; finish() lets go of this share.
    lookup->channel = this;
    lookup->in_flight = lookup;
    ++size_;
    ++wanted_;
    if (lookup->address != nullptr) {
        const auto ask = [&](const auto& from, int family) {
            ::ares_gethostbyaddr(channel_, &from, sizeof from, family, &Callbacks::on_name,
                                 lookup.get());
        };
        if (lookup->address->family() == SocketAddress::Family::ipv4) {
            ask(native_of<::sockaddr_in>(*lookup->address).sin_addr, AF_INET);
        } else {
            ask(native_of<::sockaddr_in6>(*lookup->address).sin6_addr, AF_INET6);
        }
    } else {
        ares_addrinfo_hints hints{};
        hints.ai_flags = ARES_AI_NOSORT | ARES_AI_CANONNAME;
        hints.ai_family = lookup->question.family;
        ::ares_getaddrinfo(channel_, lookup->question.name.c_str(), nullptr, &hints,
                           &Callbacks::on_addresses, lookup.get());
    }
    arm();
}

void CaresChannel::abandon(CaresLookup& lookup) {
    lookup.wanted = false;
    --wanted_;
    leave();
}

void CaresChannel::finish(CaresLookup& lookup) noexcept {
    const std::shared_ptr<CaresLookup> owner = std::move(lookup.in_flight);
    lookup.channel = nullptr;
    --size_;
    if (lookup.wanted) {
        --wanted_;
        owner_.answered(owner);
    }
}

void CaresChannel::watch(int fd, bool readable, bool writable) {
    if (!readable && !writable) {
        sockets_.erase(fd);  // c-ares closes it right after
        return;
    }
    std::unique_ptr<Socket>& socket = sockets_[fd];
    if (socket == nullptr) {
        socket = std::make_unique<Socket>(*this, fd);
    }
    socket->update(readable, writable);
}

void CaresChannel::process(int readable, int writable) {
    ::ares_process_fd(channel_, readable, writable);
    leave();
}

void CaresChannel::leave() {
    if (wanted_ == 0 && size_ != 0) {
        ::ares_cancel(channel_);
    }
    arm();
    owner_.left();
}

void CaresChannel::arm() noexcept {
    if (size_ == 0 || loop_.is_closed()) {
        timer_.cancel();
        return;
    }
    // Nothing that is sent from now on is due before; so c-ares, which looks at each question for
    // its answer, need not be asked every time.
    const auto now = CaresTimer::Clock::now();
    if (timer_.when() && *timer_.when() <= now + timeout_) {
        return;
    }
    ::timeval left{};
    if (::ares_timeout(channel_, nullptr, &left) != nullptr) {
        try {
            timer_.arm(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
        } catch (...) {
            // Without memory: the next answer, or question, brings us here again.
        }
    }
}

SocketAddress parse_nameserver(const std::string& text) {
    constexpr std::uint16_t dns = 53;
    SocketAddress address = SocketAddress::try_ip(text, dns);
    if (!address && text.size() > 2 && text.front() == '[' && text.back() == ']') {
        address = SocketAddress::try_ip(std::string_view(text).substr(1, text.size() - 2), dns);
    }
    if (!address) {
        try {
            address = SocketAddress::parse(text);
        } catch (const ValueError&) {
        }
    }
    const bool scoped = address.host().find('%') != std::string::npos;
    if (address.host().empty() || address.port() == 0 || scoped) {
        throw ValueError("a name server is expected as ADDR or ADDR:PORT, not " + text);
    }
    return address;
}

}  // namespace gyre::detail
