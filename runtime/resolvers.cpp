#include "cares_resolver.hpp"
#include "system_resolver.hpp"

#include <gyre/detail/loop_data.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>
#include <gyre/resolvers.hpp>

#include <cstdlib>

namespace gyre {

namespace detail {

ResolverSettings::ResolverSettings(const ResolverOptions& options)
    : nameservers(options.nameservers.begin(), options.nameservers.end()),
      timeout(options.timeout),
      tries(options.tries),
      rotate(options.rotate),
      cache(options.cache),
      resolv_conf(options.resolv_conf),
      hosts(options.hosts) {}

std::shared_ptr<Resolver> make_resolver(EventLoop& loop, std::string_view spec,
                                        const ResolverSettings& settings) {
    if (spec.empty()) {
        const char* const wanted = std::getenv("GYRE_RESOLVER");
        spec = wanted == nullptr ? "" : wanted;
    }
    if (spec == "system") {
        return std::make_shared<SystemResolver>();
    }
    if (spec.empty() && loop.has_virtual_clock() && settings.nameservers.empty()) {
        return std::make_shared<SystemResolver>(settings.hosts);
    }
    if (spec == "cares" || spec.empty()) {
        return std::make_shared<CaresResolver>(loop, settings);
    }
    throw ValueError("unknown resolver '" + std::string(spec) + "'; there are cares, system");
}

}  // namespace detail

Resolver::~Resolver() = default;

std::shared_ptr<Resolver> make_resolver(EventLoop& loop, std::string_view spec,
                                        const ResolverOptions& options) {
    return detail::make_resolver(loop, spec, detail::ResolverSettings(options));
}

std::shared_ptr<Resolver> get_resolver(EventLoop& loop) {
    std::shared_ptr<Resolver>& resolver = detail::LoopData::of(loop).resolver;
    if (resolver == nullptr) {
        resolver = make_resolver(loop);
    }
    return resolver;
}

void set_resolver(EventLoop& loop, std::shared_ptr<Resolver> resolver) {
    detail::LoopData::of(loop).resolver = std::move(resolver);
}

}  // namespace gyre
