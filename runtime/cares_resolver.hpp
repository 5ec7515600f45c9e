// CaresResolver: names from the hosts file and from name servers, on the loop itself.
#pragma once

#include "answer_cache.hpp"
#include "cares_channel.hpp"
#include "local_names.hpp"
#include "watched_file.hpp"

#include <gyre/resolver_options.hpp>
#include <gyre/resolvers.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <vector>

namespace gyre::detail {

/// Any number of look-ups at once: so many have packets under way, the others queue, first come,
/// first served.
class CaresResolver final : public Resolver, private CaresChannel::Owner {
public:
    /// Throws ValueError for a name server that is no address.
    CaresResolver(EventLoop& loop, const ResolverSettings& settings);
    ~CaresResolver() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "cares"; }
    [[nodiscard]] Coro<NameAnswer> addresses_of(NameQuestion question) override;
    [[nodiscard]] Coro<std::string> name_of(SocketAddress address) override;
    void close() noexcept override;

private:
    class Waiting;
    using Lookup = std::shared_ptr<CaresLookup>;

    [[nodiscard]] Lookup look_up(NameQuestion&& question);
    void submit(const Lookup& lookup);
    void give_up(const Lookup& lookup) noexcept;
    void answered(const Lookup& lookup) noexcept override;
    void left() override;
    CaresChannel& channel();
    void retire();
    void sweep() noexcept;
    void uncount(CaresLookup& lookup) noexcept;
    void pump();

    EventLoop& loop_;
    ResolverSettings settings_;
    LocalNames local_;
    WatchedFile resolv_conf_;
    AnswerCache cache_;
    std::unique_ptr<CaresChannel> channel_;  // made on first use
    // Former ones, until the last of their lookups that somebody waits for is done, and a while
    // longer: nothing is destroyed while it runs.
    std::vector<std::unique_ptr<CaresChannel>> retired_;
    std::list<Lookup> queue_;
    std::size_t packets_ = 0;  // under way, of lookups that somebody waits for
    bool pumping_ = false;
    bool closed_ = false;
};

}  // namespace gyre::detail
