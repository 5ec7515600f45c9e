#include <gyre/detail/stream_read.hpp>
#include <gyre/errors.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace gyre::detail {

namespace {

constexpr std::size_t npos = std::string_view::npos;

const char* operation_of(StreamRead::Kind kind) noexcept {
    switch (kind) {
        case StreamRead::Kind::exactly:
            return "readexactly";
        case StreamRead::Kind::line:
        case StreamRead::Kind::until:
            return "readuntil";
        default:
            return "read";
    }
}

}  // namespace

StreamRead::StreamRead(std::shared_ptr<StreamState> state, std::vector<std::string> separators)
    : state_(std::move(state)),
      separators_(new std::vector<std::string>(std::move(separators))),
      count_(0),
      kind_(Kind::until),
      valid_(!separators_->empty()) {
    for (const std::string& each : *separators_) {
        count_ = std::max(count_, each.size());
        valid_ = valid_ && !each.empty();
    }
}

void StreamRead::FreeSeparators::operator()(
    const std::vector<std::string>* separators) const noexcept {
    delete separators;
}

// --- waiting ------------------------------------------------------------------------------------

bool ReadAwaiter::has_come() {
    if (!read_.valid_) {
        return true;
    }
    switch (read_.kind_) {
        case StreamRead::Kind::some:
            return read_.count_ == 0 || !state().buffer().empty() || state().eof();
        case StreamRead::Kind::all:
            return state().eof();
        case StreamRead::Kind::exactly:
            return state().buffer().size() >= read_.count_ || state().eof();
        default:
            return find_separator() || searched_ > state().limit() || state().eof();
    }
}

bool ReadAwaiter::find_separator() {
    const StreamBuffer& buffer = state().buffer();
    if (position_ != buffer.position()) {  // another one took bytes meanwhile
        position_ = buffer.position();
        searched_ = match_end_ = 0;
    }
    if (match_end_ != 0) {
        return true;
    }
    const std::string_view data = buffer.view();
    std::size_t longest = 1;
    if (read_.kind_ == StreamRead::Kind::line) {
        match_start_ = data.find('\n', searched_);
        match_end_ = match_start_ == npos ? 0 : match_start_ + 1;
    } else {
        longest = read_.count_;
        // The one that ends first; of those that end there, the shortest.
        for (const std::string& each : *read_.separators_) {
            const std::size_t start = data.find(each, searched_);
            const std::size_t end = start + each.size();
            if (start != npos && (match_end_ == 0 || end < match_end_ ||
                                  (end == match_end_ && start > match_start_))) {
                match_start_ = start;
                match_end_ = end;
            }
        }
    }
    if (match_end_ == 0) {
        searched_ = data.size() + 1 > longest ? data.size() + 1 - longest : 0;
    }
    return match_end_ != 0;
}

void ReadAwaiter::await_suspend(std::coroutine_handle<> handle) {
    TaskBase& task = TaskBase::require_current();
    if (!state().wait_for_data(*this)) {
        throw RuntimeError(
            std::string(operation_of(read_.kind_)) +
            "() called while another coroutine is already waiting for incoming data");
    }
    frame_ = handle.address();
    task.suspend_on(*this, handle);
}

void ReadAwaiter::run() {
    if (must_resume() || may_resume()) {
        resume_task();
    } else {
        wait_again();
    }
}

// What woke it may have been taken by another task, which did not wait.
bool ReadAwaiter::may_resume() {
    if (takes_any() && state().has_left()) {
        fetched_ = state().fetch(read_.count_);
        if (fetched_) {
            return true;
        }
    }
    if (is_over()) {
        return true;
    }
    other_waits_ = !state().wait_for_data(*this);
    return other_waits_;
}

// --- the answer ---------------------------------------------------------------------------------

std::string ReadAwaiter::await_resume() {
    const bool waited = task() != nullptr;
    if (waited) {
        state().forget(*this);
        step.task->check_cancelled(*this);
        if (fetched_) {
            return state().take_fetched(read_.count_);
        }
        if (other_waits_) {
            throw RuntimeError(
                std::string(operation_of(read_.kind_)) +
                "() called while another coroutine is already waiting for incoming data");
        }
    } else if (read_.valid_) {
        state().check();
    }
    switch (read_.kind_) {
        case StreamRead::Kind::some:
            if (state().buffer().empty()) {
                state().check();
            }
            return take(read_.count_);
        case StreamRead::Kind::all:
            state().check();
            return take(npos);
        case StreamRead::Kind::exactly:
            return take_exactly();
        case StreamRead::Kind::line:
            return take_line();
        default:
            return take_until();
    }
}

std::string ReadAwaiter::take(std::size_t count) {
    std::string taken = state().buffer().take(count);
    state().taken();
    return taken;
}

std::string ReadAwaiter::take_exactly() {
    if (!read_.valid_) {
        throw ValueError("readexactly size can not be less than zero");
    }
    if (state().buffer().size() < read_.count_) {
        state().check();
        throw IncompleteReadError(take(npos), read_.count_);
    }
    return take(read_.count_);
}

std::string ReadAwaiter::take_until() {
    if (!read_.valid_) {
        throw ValueError("a separator is expected to have at least one byte");
    }
    if (find_separator()) {
        if (match_start_ > state().limit()) {
            throw LimitOverrunError("separator is found, but chunk is longer than limit",
                                    match_start_);
        }
        return take(match_end_);
    }
    if (searched_ > state().limit()) {
        throw LimitOverrunError("separator is not found, and chunk exceed the limit", searched_);
    }
    state().check();
    throw IncompleteReadError(take(npos), std::nullopt);
}

std::string ReadAwaiter::take_line() {
    if (find_separator()) {
        if (match_start_ > state().limit()) {
            state().drop(match_end_);
            throw ValueError("separator is found, but chunk is longer than limit");
        }
        return take(match_end_);
    }
    if (searched_ > state().limit()) {
        state().drop(npos);
        throw ValueError("separator is not found, and chunk exceed the limit");
    }
    state().check();
    return take(npos);
}

}  // namespace gyre::detail
