// CaresChannel: c-ares on a loop.
#pragma once

#include "answer_cache.hpp"
#include "cares_timer.hpp"

#include <gyre/future.hpp>
#include <gyre/resolver_options.hpp>
#include <gyre/resolvers.hpp>

#include <cstddef>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <string>

struct ares_channeldata;

namespace gyre::detail {

class CaresChannel;

/// One question on its way. c-ares cannot take back a single one, so it is shared: between whoever
/// waits for it, and c-ares until that has called back.
class CaresLookup {
public:
    explicit CaresLookup(EventLoop& loop) : done(create_future<>(loop)) {}

    NameQuestion question;                         // with a name, or …
    std::unique_ptr<const SocketAddress> address;  // … of this address's
    Outcome outcome;                               // once done
    std::exception_ptr failure;                    // … if c-ares was never asked
    Future<> done;
    bool wanted = true;    // somebody waits for it
    bool counted = false;  // its packets are
    bool queued = false;
    std::list<std::shared_ptr<CaresLookup>>::iterator place;  // in the queue
    CaresChannel* channel = nullptr;                          // while it is in c-ares, …
    std::shared_ptr<CaresLookup> in_flight;                   // … which refers to this

    /// How many packets it has under way at once.
    [[nodiscard]] std::size_t packets() const noexcept;
};

/// Drives a channel of c-ares: watches its sockets, keeps its time.
///
/// c-ares may call back before a call into it returns, and must not be called from there; so what
/// it calls back only notes the outcome, and left() of the owner comes once it is left.
class CaresChannel {
public:
    class Owner {
    public:
        /// A lookup is done. Must not call the channel.
        virtual void answered(const std::shared_ptr<CaresLookup>& lookup) noexcept = 0;
        /// c-ares is left, after whatever happened in it.
        virtual void left() = 0;

    protected:
        ~Owner() = default;
    };

    /// Reads resolv.conf. Throws ValueError for a name server that is no address.
    CaresChannel(EventLoop& loop, const ResolverSettings& settings, Owner& owner);
    CaresChannel(const CaresChannel&) = delete;
    CaresChannel& operator=(const CaresChannel&) = delete;
    /// Lookups that are left end as cancelled. Not from inside a callback of c-ares.
    ~CaresChannel();

    void start(const std::shared_ptr<CaresLookup>& lookup);
    /// Nobody waits for it any more. Once that is so of all, they are dropped together.
    void abandon(CaresLookup& lookup);

    /// How many lookups are in c-ares, and of how many somebody waits for the outcome.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }

private:
    class Socket;
    struct Callbacks;

    void open(const ResolverSettings& settings);
    void use_servers(const ResolverSettings& settings);
    void watch(int fd, bool readable, bool writable);
    void process(int readable, int writable);
    void finish(CaresLookup& lookup) noexcept;
    void leave();
    void arm() noexcept;

    EventLoop& loop_;
    Owner& owner_;
    CaresTimer::Clock::duration timeout_;
    ares_channeldata* channel_ = nullptr;
    std::map<int, std::unique_ptr<Socket>> sockets_;
    CaresTimer timer_;
    std::size_t size_ = 0;
    std::size_t wanted_ = 0;
};

/// Where a name server listens: "ADDR" or "ADDR:PORT". Throws ValueError.
[[nodiscard]] SocketAddress parse_nameserver(const std::string& text);

}  // namespace gyre::detail
