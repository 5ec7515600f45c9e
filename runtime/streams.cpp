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

// The separator that ends first; of those that end there, the shortest.
Match find_first(std::string_view data, const std::vector<std::string>& separators,
                 std::size_t offset) {
    Match best;
    for (const std::string& each : separators) {
        const std::size_t start = data.find(each, offset);
        if (start == npos) {
            continue;
        }
        const std::size_t end = start + each.size();
        if (best.start == npos || end < best.end || (end == best.end && start > best.start)) {
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

// They keep the state: the reader may be gone before they are awaited.
using State = std::shared_ptr<detail::StreamState>;

// What came stays in the buffer until it is given, so that a cancelled read takes nothing.
Coro<std::string> read_all(State state) {
    state->check();
    while (!state->eof()) {
        co_await state->wait_for_data("read");
        state->check();
    }
    co_return state->buffer().take(npos);
}

Coro<std::string> read_some(State state, std::size_t n) {
    state->check();
    if (n == 0) {
        co_return std::string();
    }
    if (state->buffer().empty() && !state->eof()) {
        co_await state->wait_for_data("read");
        state->check();
    }
    std::string data = state->buffer().take(n);
    state->taken();
    co_return data;
}

Coro<std::string> read_exactly(State state, std::ptrdiff_t n) {
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

Coro<std::string> read_until(State state, std::vector<std::string> separators) {
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

Coro<std::string> read_line(State state) {
    std::vector<std::string> newline(1, "\n");
    std::string line;
    std::string problem;
    std::size_t consumed = 0;
    try {
        line = co_await read_until(state, std::move(newline));
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

AsyncGenerator<std::string> read_lines(State state) {
    while (true) {
        std::string line = co_await read_line(state);
        if (line.empty()) {
            co_return;
        }
        co_yield std::move(line);
    }
}

}  // namespace

Coro<std::string> StreamReader::read(std::ptrdiff_t n) const {
    return n < 0 ? read_all(state_) : read_some(state_, static_cast<std::size_t>(n));
}

Coro<std::string> StreamReader::readexactly(std::ptrdiff_t n) const {
    return read_exactly(state_, n);
}

Coro<std::string> StreamReader::readuntil(std::string separator) const {
    std::vector<std::string> separators;
    separators.push_back(std::move(separator));
    return read_until(state_, std::move(separators));
}

Coro<std::string> StreamReader::readuntil(std::vector<std::string> separators) const {
    return read_until(state_, std::move(separators));
}

Coro<std::string> StreamReader::readline() const { return read_line(state_); }

AsyncGenerator<std::string> StreamReader::lines() const { return read_lines(state_); }

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
