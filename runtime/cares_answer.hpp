// What c-ares calls back with, as outcomes.
#pragma once

#include "answer_cache.hpp"

struct ares_addrinfo;
struct hostent;

namespace gyre::detail {

/// `found` may be null. Out of memory is an outcome, too: this is called from C.
[[nodiscard]] Outcome outcome_of(int status, const ares_addrinfo* found) noexcept;
[[nodiscard]] Outcome outcome_of(int status, const hostent* found) noexcept;

}  // namespace gyre::detail
