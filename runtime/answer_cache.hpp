// AnswerCache: what name servers said, for as long as it holds.
#pragma once

#include <gyre/detail/duration.hpp>
#include <gyre/resolvers.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

namespace gyre::detail {

/// What came of a question: addresses, a name, or an error.
struct Outcome {
    Outcome() = default;
    int error = 0;  ///< EAI_…
    NameAnswer answer;
    std::chrono::seconds time_to_live{};
};

/// A bounded number of outcomes, each until its time to live is over; the one that was longest not
/// asked for gives way. That there is no such name is kept as well, for half a minute: c-ares does
/// not tell how long the server meant it.
class AnswerCache {
public:
    explicit AnswerCache(std::size_t capacity) : capacity_(capacity) {}

    /// Null if it is not known, or not any more.
    [[nodiscard]] const Outcome* find(const NameQuestion& question, Nanoseconds now);
    /// Keeps it, unless it holds for no time: then, after an error of the network or without
    /// memory, it does not.
    void store(const NameQuestion& question, const Outcome& outcome, Nanoseconds now) noexcept;
    void clear() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct Entry {
        std::string key;
        Outcome outcome;
        Nanoseconds until;
    };
    using Entries = std::list<Entry>;  // the one asked for last comes first

    std::size_t capacity_;
    Entries entries_;
    std::unordered_map<std::string, Entries::iterator> by_key_;
};

}  // namespace gyre::detail
