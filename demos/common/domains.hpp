// domainlib: which of a list of domains exist, as they become known.
#pragma once

#include <gyre/async_generator.hpp>
#include <gyre/coro.hpp>

#include <string>
#include <vector>

namespace demo {

/// Python 3.11's keyword.kwlist, those of at most so many letters, with a suffix behind each; in
/// lower case.
[[nodiscard]] std::vector<std::string> keyword_domains(std::size_t max_length,
                                                       const std::string& suffix);

struct Probe {
    Probe() = default;
    std::string domain;
    bool found = false;
};

/// Whether the domain has an address.
[[nodiscard]] gyre::Coro<Probe> probe(std::string domain);

/// Probes them all at once and gives each when it is known.
[[nodiscard]] gyre::AsyncGenerator<Probe> multi_probe(std::vector<std::string> domains);

}  // namespace demo
