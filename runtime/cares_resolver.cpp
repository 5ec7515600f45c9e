#include "cares_resolver.hpp"

#include "address_order.hpp"
#include "address_query.hpp"

#include <gyre/errors.hpp>

#include <netdb.h>

#include <algorithm>
#include <utility>

namespace gyre::detail {

namespace {

// More at once make a server or the way to it lose some; c-ares takes its own full socket for a
// failure of the server.
constexpr std::size_t kMostPackets = 100;
// So many that nobody waits for are left alone in a channel before a new one takes its place.
constexpr std::size_t kMostAbandoned = 50;

}  // namespace

// A lookup that a coroutine waits for. However that ends, the wait ends with this.
class CaresResolver::Waiting {
public:
    Waiting(CaresResolver& resolver, Lookup lookup)
        : resolver_(resolver), lookup_(std::move(lookup)) {
        if (!lookup_->done.done()) {
            resolver_.submit(lookup_);
        }
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { resolver_.give_up(lookup_); }

    [[nodiscard]] const Future<>& done() const noexcept { return lookup_->done; }

    /// Once it is done. Throws the failure, or ResolveError.
    [[nodiscard]] NameAnswer answer() {
        if (lookup_->failure != nullptr) {
            std::rethrow_exception(lookup_->failure);
        }
        if (lookup_->outcome.error != 0) {
            throw_resolve_error(lookup_->outcome.error,
                                lookup_->address == nullptr
                                    ? "getaddrinfo " + lookup_->question.name
                                    : "getnameinfo " + lookup_->address->host());
        }
        sort_addresses(lookup_->outcome.answer.addresses);
        return std::move(lookup_->outcome.answer);
    }

private:
    CaresResolver& resolver_;
    Lookup lookup_;
};

CaresResolver::CaresResolver(EventLoop& loop, const ResolverSettings& settings)
    : loop_(loop),
      settings_(settings),
      local_(settings.hosts),
      resolv_conf_(settings.resolv_conf),
      cache_(settings.cache) {
    for (const std::string& each : settings.nameservers) {
        static_cast<void>(parse_nameserver(each));
    }
}

CaresResolver::~CaresResolver() = default;

// A lookup that is done if the answer is known already.
CaresResolver::Lookup CaresResolver::look_up(NameQuestion&& question) {
    Lookup lookup = std::make_shared<CaresLookup>(loop_);
    lookup->question = std::move(question);
    std::optional<NameAnswer> known = local_.find(lookup->question.name, lookup->question.family);
    if (known) {
        lookup->outcome.answer = std::move(*known);
        lookup->done.set_result();
    } else if (const Outcome* kept = cache_.find(lookup->question, loop_.time())) {
        lookup->outcome = *kept;
        lookup->done.set_result();
    }
    return lookup;
}

// Little is kept in the frame: many may wait.
Coro<NameAnswer> CaresResolver::addresses_of(NameQuestion question) {
    Waiting waiting(*this, look_up(std::move(question)));
    co_await waiting.done();
    co_return waiting.answer();
}

Coro<std::string> CaresResolver::name_of(SocketAddress address) {
    std::optional<std::string> known = local_.name_of(address);
    if (known) {
        co_return std::move(*known);
    }
    Lookup lookup = std::make_shared<CaresLookup>(loop_);
    lookup->address = std::make_unique<const SocketAddress>(address);
    Waiting waiting(*this, std::move(lookup));
    co_await waiting.done();
    co_return waiting.answer().canonname;
}

void CaresResolver::close() noexcept {
    closed_ = true;
    queue_.clear();
    channel_.reset();
    retired_.clear();
}

void CaresResolver::submit(const Lookup& lookup) {
    if (closed_) {
        throw RuntimeError("the resolver's loop is closed");
    }
    sweep();
    queue_.push_back(lookup);
    lookup->place = std::prev(queue_.end());
    lookup->queued = true;
    pump();
}

void CaresResolver::give_up(const Lookup& lookup) noexcept {
    if (closed_) {
        return;
    }
    if (std::exchange(lookup->queued, false)) {
        queue_.erase(lookup->place);
        return;
    }
    if (CaresChannel* const channel = lookup->channel; channel != nullptr) {
        uncount(*lookup);
        channel->abandon(*lookup);
    }
}

void CaresResolver::answered(const Lookup& lookup) noexcept {
    uncount(*lookup);
    if (lookup->failure == nullptr && lookup->address == nullptr) {
        cache_.store(lookup->question, lookup->outcome, loop_.time());
    }
    if (!lookup->done.done()) {
        lookup->done.set_result();
    }
}

void CaresResolver::left() { pump(); }

CaresChannel& CaresResolver::channel() {
    const bool crowded =
        channel_ != nullptr && channel_->size() - channel_->wanted() >= kMostAbandoned;
    const bool changed = resolv_conf_.changed();
    if (changed) {
        cache_.clear();
    }
    if (changed || crowded) {
        retire();
    }
    if (channel_ == nullptr) {
        CaresChannel::Owner& self = *this;
        channel_ = std::make_unique<CaresChannel>(loop_, settings_, self);
    }
    return *channel_;
}

void CaresResolver::retire() {
    if (channel_ != nullptr) {
        retired_.push_back(std::move(channel_));
    }
}

void CaresResolver::sweep() noexcept {
    std::erase_if(retired_, [](const auto& each) { return each->wanted() == 0; });
}

void CaresResolver::uncount(CaresLookup& lookup) noexcept {
    if (std::exchange(lookup.counted, false)) {
        packets_ -= lookup.packets();
    }
}

void CaresResolver::pump() {
    // A channel that answers at once, or is dropped, comes here again from within.
    if (std::exchange(pumping_, true)) {
        return;
    }
    while (!queue_.empty() && packets_ + queue_.front()->packets() <= kMostPackets) {
        const Lookup lookup = std::move(queue_.front());
        queue_.pop_front();
        lookup->queued = false;
        lookup->counted = true;
        packets_ += lookup->packets();
        try {
            channel().start(lookup);
        } catch (...) {
            lookup->failure = std::current_exception();
            answered(lookup);
        }
    }
    pumping_ = false;
}

}  // namespace gyre::detail
