#include "answer_cache.hpp"

#include "local_names.hpp"

#include <netdb.h>

#include <new>
#include <string>
#include <utility>

namespace gyre::detail {

namespace {

constexpr std::chrono::seconds kNegative{30};

std::string key_of(const NameQuestion& question) {
    return std::to_string(question.family) + ((question.flags & AI_CANONNAME) != 0 ? "c " : " ") +
           lower_case(question.name);
}

}  // namespace

const Outcome* AnswerCache::find(const NameQuestion& question, Nanoseconds now) {
    if (capacity_ == 0) {
        return nullptr;
    }
    const auto found = by_key_.find(key_of(question));
    if (found == by_key_.end()) {
        return nullptr;
    }
    const Entries::iterator entry = found->second;
    if (entry->until <= now) {
        by_key_.erase(found);
        entries_.erase(entry);
        return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->outcome;
}

void AnswerCache::store(const NameQuestion& question, const Outcome& outcome,
                        Nanoseconds now) noexcept {
    const bool negative = outcome.error == EAI_NONAME || outcome.error == EAI_NODATA;
    const std::chrono::seconds time = negative ? kNegative : outcome.time_to_live;
    if (capacity_ == 0 || time.count() <= 0 || (outcome.error != 0 && !negative)) {
        return;
    }
    try {
        Entries entry;
        entry.push_back({key_of(question), outcome, saturating_add(now, time)});
        const auto [place, added] = by_key_.try_emplace(entry.front().key);
        if (!added) {
            entries_.erase(place->second);
        }
        place->second = entry.begin();
        entries_.splice(entries_.begin(), entry);
        while (entries_.size() > capacity_) {
            by_key_.erase(entries_.back().key);
            entries_.pop_back();
        }
    } catch (const std::bad_alloc&) {
        // It is asked for again.
    }
}

void AnswerCache::clear() noexcept {
    by_key_.clear();
    entries_.clear();
}

}  // namespace gyre::detail
