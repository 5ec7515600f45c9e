#include <gyre/streams.hpp>

#include <algorithm>
#include <cassert>

namespace gyre {

namespace {

constexpr std::size_t npos = std::string_view::npos;

struct Match {
    std::size_t start = npos;
    std::size_t end = npos;
};

// The separator that ends first; of those that end there, the longest.
Match find_first(std::string_view data, const std::vector<std::string>& separators,
                 std::size_t offset) {
    Match best;
    for (const std::string& each : separators) {
        const std::size_t start = data.find(each, offset);
        if (start == npos) {
            continue;
        }
        const std::size_t end = start + each.size();
        if (best.start == npos || end < best.end || (end == best.end && start < best.start)) {
            best = {start, end};
        }
    }
    return best;
}

void check_count(std::ptrdiff_t n) {
    if (n < 0) {
        throw ValueError("readexactly size can not be less than zero");
    }
}

}  // namespace

Coro<std::string> StreamReader::read(std::ptrdiff_t n) const {
    const std::shared_ptr<detail::StreamState> state = state_;
    state->check();
    if (n == 0) {
        co_return std::string();
    }
    if (n < 0) {
        std::string all;
        while (true) {
            all += state->buffer().take(npos);
            state->taken();
            if (state->eof()) {
                co_return all;
            }
            co_await state->wait_for_data("read");
            state->check();
        }
    }
    if (state->buffer().empty() && !state->eof()) {
        co_await state->wait_for_data("read");
        state->check();
    }
    std::string data = state->buffer().take(static_cast<std::size_t>(n));
    state->taken();
    co_return data;
}

Coro<std::string> StreamReader::readexactly(std::ptrdiff_t n) const {
    const std::shared_ptr<detail::StreamState> state = state_;
    check_count(n);
    state->check();
    const auto wanted = static_cast<std::size_t>(n);
    while (state->buffer().size() < wanted) {
        if (state->eof()) {
            throw IncompleteReadError(state->buffer().take(npos), wanted);
        }
        co_await state->wait_for_data("readexactly");
        state->check();
    }
    std::string data = state->buffer().take(wanted);
    state->taken();
    co_return data;
}

Coro<std::string> StreamReader::readuntil(std::string separator) const {
    std::vector<std::string> separators;
    separators.push_back(std::move(separator));
    return readuntil(std::move(separators));
}

Coro<std::string> StreamReader::readuntil(std::vector<std::string> separators) const {
    const std::shared_ptr<detail::StreamState> state = state_;
    std::size_t longest = 0;
    std::size_t shortest = npos;
    for (const std::string& each : separators) {
        longest = std::max(longest, each.size());
        shortest = std::min(shortest, each.size());
    }
    if (separators.empty() || shortest == 0) {
        throw ValueError("a separator is expected to have at least one byte");
    }
    state->check();
    std::size_t searched = 0;  // no separator begins before it
    while (true) {
        const std::string_view data = state->buffer().view();
        const Match match = find_first(data, separators, searched);
        if (match.start != npos) {
            if (match.start > state->limit()) {
                throw LimitOverrunError("separator is found, but chunk is longer than limit",
                                        match.start);
            }
            std::string found = state->buffer().take(match.end);
            state->taken();
            co_return found;
        }
        searched = data.size() + 1 > longest ? data.size() + 1 - longest : 0;
        if (searched > state->limit()) {
            throw LimitOverrunError("separator is not found, and chunk exceed the limit", searched);
        }
        if (state->eof()) {
            throw IncompleteReadError(state->buffer().take(npos), std::nullopt);
        }
        co_await state->wait_for_data("readuntil");
        state->check();
    }
}

Coro<std::string> StreamReader::readline() const {
    const std::shared_ptr<detail::StreamState> state = state_;
    std::string line;
    std::string problem;
    std::size_t consumed = 0;
    try {
        line = co_await readuntil(std::string("\n"));
        co_return line;
    } catch (const IncompleteReadError& incomplete) {
        line = incomplete.partial();
    } catch (const LimitOverrunError& overrun) {
        problem = overrun.what();
        consumed = overrun.consumed();
    }
    if (!problem.empty()) {
        detail::StreamBuffer& buffer = state->buffer();
        if (buffer.view().substr(consumed).starts_with('\n')) {
            buffer.drop(consumed + 1);
        } else {
            buffer.clear();
        }
        state->taken();
        throw ValueError(problem);
    }
    co_return line;
}

AsyncGenerator<std::string> StreamReader::lines() const {
    const StreamReader reader = *this;
    while (true) {
        std::string line = co_await reader.readline();
        if (line.empty()) {
            co_return;
        }
        co_yield std::move(line);
    }
}

/// Shared by a stream's writers; the last to go closes.
class StreamWriter::Closer {
public:
    explicit Closer(std::shared_ptr<detail::StreamState> state) noexcept
        : state_(std::move(state)) {}
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;
    ~Closer() {
        if (const std::shared_ptr<Transport>& transport = state_->transport()) {
            transport->close();
        }
    }

private:
    std::shared_ptr<detail::StreamState> state_;
};

StreamWriter::StreamWriter(std::shared_ptr<detail::StreamState> state)
    : state_(std::move(state)), closer_(std::make_shared<Closer>(state_)) {
    assert(state_->transport() != nullptr);
}

}  // namespace gyre
