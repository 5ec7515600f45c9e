#include "answer_cache.hpp"

#include "local_names.hpp"

#include <netdb.h>

#include <utility>

namespace gyre::detail {

namespace {
constexpr std::chrono::seconds kNegative{30};
}

std::string AnswerCache::key_of(const NameQuestion& question) {
    return std::to_string(question.family) + ((question.flags & AI_CANONNAME) != 0 ? "c " : " ") +
           lower_case(question.name);
}

const Outcome* AnswerCache::find(const std::string& key, Nanoseconds now) {
    const auto found = capacity_ == 0 ? by_key_.end() : by_key_.find(key);
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

void AnswerCache::store(const std::string& key, const Outcome& outcome, Nanoseconds now) {
    const bool negative = outcome.error == EAI_NONAME || outcome.error == EAI_NODATA;
    const std::chrono::seconds time = negative ? kNegative : outcome.time_to_live;
    if (capacity_ == 0 || time.count() <= 0 || (outcome.error != 0 && !negative)) {
        return;
    }
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        entries_.erase(found->second);
        by_key_.erase(found);
    }
    while (entries_.size() >= capacity_) {
        by_key_.erase(entries_.back().key);
        entries_.pop_back();
    }
    entries_.push_front({key, outcome, saturating_add(now, time)});
    by_key_[key] = entries_.begin();
}

void AnswerCache::clear() noexcept {
    by_key_.clear();
    entries_.clear();
}

}  // namespace gyre::detail
