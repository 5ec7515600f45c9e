#include "address_query.hpp"
#include "local_names.hpp"

#include <gyre/fake_resolver.hpp>
#include <gyre/future.hpp>
#include <gyre/sleep.hpp>

#include <netdb.h>

#include <algorithm>

namespace gyre {

namespace {
constexpr auto kNever = detail::Nanoseconds::max();
}

FakeResolver::FakeResolver() = default;
FakeResolver::~FakeResolver() = default;

void FakeResolver::add(std::string name, const std::vector<std::string>& addresses,
                       detail::AnyDuration delay) {
    Entry entry;
    entry.delay = delay;
    for (const std::string& each : addresses) {
        entry.addresses.push_back(SocketAddress::ip(each, 0));
    }
    entries_[detail::lower_case(std::move(name))] = std::move(entry);
}

void FakeResolver::add_error(std::string name, int code, detail::AnyDuration delay) {
    Entry entry;
    entry.delay = delay;
    entry.error = code;
    entries_[detail::lower_case(std::move(name))] = std::move(entry);
}

void FakeResolver::add_hanging(std::string name) {
    Entry entry;
    entry.delay = kNever;
    entries_[detail::lower_case(std::move(name))] = std::move(entry);
}

Coro<NameAnswer> FakeResolver::addresses_of(NameQuestion question) {
    asked_.push_back(question.name);
    const auto found = entries_.find(detail::lower_case(question.name));
    Entry entry;
    if (found == entries_.end()) {
        entry.error = EAI_NONAME;
    } else {
        entry = found->second;
    }
    if (entry.delay == kNever) {
        const Future<> never = create_future<>();
        co_await never;
    }
    if (entry.delay > detail::Nanoseconds(0)) {
        co_await sleep(entry.delay);
    }
    if (entry.error != 0) {
        detail::throw_resolve_error(entry.error, "getaddrinfo " + question.name);
    }
    NameAnswer answer;
    answer.addresses = std::move(entry.addresses);
    co_return answer;
}

Coro<std::string> FakeResolver::name_of(SocketAddress address) {
    const SocketAddress wanted = address.with_port(0);
    for (const auto& [name, entry] : entries_) {
        const auto& all = entry.addresses;
        if (std::find(all.begin(), all.end(), wanted) != all.end()) {
            co_return name;
        }
    }
    detail::throw_resolve_error(EAI_NONAME, "getnameinfo " + address.host());
}

}  // namespace gyre
