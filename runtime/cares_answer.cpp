#include "cares_answer.hpp"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <limits>
#include <new>

namespace gyre::detail {

namespace {

// What the system's resolver makes of the same.
int code_of(int status) noexcept {
    switch (status) {
        case ARES_SUCCESS:
            return 0;
        case ARES_ENOTFOUND:
        case ARES_EBADNAME:
            return EAI_NONAME;
        case ARES_ENODATA:
            return EAI_NODATA;
        case ARES_ENOMEM:
            return EAI_MEMORY;
        default:  // no server, or none that could say; another time, perhaps
            return EAI_AGAIN;
    }
}

Outcome failure(int code) noexcept {
    Outcome outcome;
    outcome.error = code;
    return outcome;
}

}  // namespace

Outcome outcome_of(int status, const ares_addrinfo* found) noexcept {
    if (status != ARES_SUCCESS || found == nullptr || found->nodes == nullptr) {
        return failure(status == ARES_SUCCESS ? EAI_NODATA : code_of(status));
    }
    try {
        Outcome outcome;
        int least = std::numeric_limits<int>::max();
        for (const ares_addrinfo_node* each = found->nodes; each != nullptr; each = each->ai_next) {
            outcome.answer.addresses.push_back(
                SocketAddress::from_native(each->ai_addr, each->ai_addrlen));
            least = std::min(least, each->ai_ttl);
        }
        if (found->name != nullptr) {
            outcome.answer.canonname = found->name;
        }
        for (const ares_addrinfo_cname* each = found->cnames; each != nullptr; each = each->next) {
            if (each->name != nullptr) {
                outcome.answer.canonname = each->name;
            }
            least = std::min(least, each->ttl);
        }
        outcome.time_to_live = std::chrono::seconds(std::max(least, 0));
        return outcome;
    } catch (const std::bad_alloc&) {
        return failure(EAI_MEMORY);
    }
}

Outcome outcome_of(int status, const hostent* found) noexcept {
    if (status != ARES_SUCCESS || found == nullptr || found->h_name == nullptr) {
        return failure(status == ARES_SUCCESS ? EAI_NODATA : code_of(status));
    }
    try {
        Outcome outcome;
        outcome.answer.canonname = found->h_name;
        return outcome;
    } catch (const std::bad_alloc&) {
        return failure(EAI_MEMORY);
    }
}

}  // namespace gyre::detail
