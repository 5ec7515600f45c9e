// FakeResolver: a resolver that knows what a test tells it.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/resolvers.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace gyre {

/// Answers from a table, in the table's order, on the loop's own clock: right for a virtual loop.
///
/// ```
/// auto names = std::make_shared<FakeResolver>();
/// names->add("db.example", {"::1", "127.0.0.1"}, 30ms);
/// names->add_error("gone.example", EAI_NONAME);
/// set_resolver(loop, names);
/// ```
///
/// A name that is in no table is an EAI_NONAME. Names are compared without regard to case.
class GYRE_API FakeResolver final : public Resolver {
public:
    FakeResolver();
    ~FakeResolver() override;

    /// The name's addresses, given after the delay; an address's name is the first that has it.
    /// Throws ValueError for an address that is not numeric.
    void add(std::string name, const std::vector<std::string>& addresses,
             detail::AnyDuration delay = std::chrono::nanoseconds(0));
    /// A ResolveError with this EAI_… code instead.
    void add_error(std::string name, int code,
                   detail::AnyDuration delay = std::chrono::nanoseconds(0));
    /// No answer ever.
    void add_hanging(std::string name);

    /// The names asked for until now, in order.
    [[nodiscard]] const std::vector<std::string>& asked() const noexcept { return asked_; }

    [[nodiscard]] std::string_view name() const noexcept override { return "fake"; }
    [[nodiscard]] Coro<NameAnswer> addresses_of(NameQuestion question) override;
    [[nodiscard]] Coro<std::string> name_of(SocketAddress address) override;

private:
    struct Entry {
        std::vector<SocketAddress> addresses;
        detail::Nanoseconds delay{};
        int error = 0;
    };

    std::map<std::string, Entry> entries_;
    std::vector<std::string> asked_;
};

}  // namespace gyre
