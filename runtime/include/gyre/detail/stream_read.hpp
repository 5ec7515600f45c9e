// StreamRead: what StreamReader's functions return; ReadAwaiter: a read that is under way.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/stream_state.hpp>
#include <gyre/detail/task_base.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gyre::detail {

class ReadAwaiter;

/// What is asked of a stream. Nothing happens before it is awaited, which happens once. It keeps
/// the stream: the reader may be gone by then.
class [[nodiscard]] GYRE_API StreamRead {
public:
    enum class Kind : std::uint8_t { some, all, exactly, line, until };

    StreamRead(std::shared_ptr<StreamState> state, Kind kind, std::ptrdiff_t count = 0) noexcept
        : state_(std::move(state)), count_(static_cast<std::size_t>(count)), kind_(kind) {
        valid_ = kind != Kind::exactly || count >= 0;
    }
    StreamRead(std::shared_ptr<StreamState> state, std::vector<std::string> separators);

    [[nodiscard]] ReadAwaiter operator co_await() && noexcept;
    [[nodiscard]] ReadAwaiter operator co_await() & noexcept;

private:
    friend class ReadAwaiter;

    std::shared_ptr<StreamState> state_;
    struct GYRE_API FreeSeparators {
        void operator()(const std::vector<std::string>* separators) const noexcept;
    };
    std::unique_ptr<const std::vector<std::string>, FreeSeparators> separators_;  // of `until`
    std::size_t count_;  // of bytes; of `until`, the longest separator's
    Kind kind_;
    bool valid_ = true;
    bool awaited_ = false;
};

/// Suspends only while what is asked for has not come: a read that finds it costs no frame and no
/// iteration. The bytes stay in the buffer until the reading coroutine runs, so that a cancelled
/// read takes none.
class [[nodiscard]] GYRE_API ReadAwaiter final : private RetryNode {
public:
    /// `read` stays where it is as long as this: one expression has both.
    explicit ReadAwaiter(StreamRead& read) noexcept : read_(read) {}
    ~ReadAwaiter() {
        if (task() != nullptr) {
            state().forget(*this);
        }
    }

    [[nodiscard]] bool await_ready() {
        if (std::exchange(read_.awaited_, true) || read_.state_ == nullptr) [[unlikely]] {
            throw_already_awaited();
        }
        return is_over();
    }
    void await_suspend(std::coroutine_handle<> handle);
    std::string await_resume();

private:
    friend class StreamState;

    [[nodiscard]] StreamState& state() const noexcept { return *read_.state_; }
    /// Any byte will do.
    [[nodiscard]] bool takes_any() const noexcept {
        return read_.kind_ == StreamRead::Kind::some && read_.count_ != 0;
    }
    [[nodiscard]] const void* frame() const noexcept { return frame_; }
    /// It can be answered, by bytes or by an error.
    [[nodiscard]] bool is_over() {
        state().settle();
        if (takes_any()) [[likely]] {
            return !state().buffer().empty() || state().eof() || state().error() != nullptr;
        }
        return state().error() != nullptr || has_come();
    }
    [[nodiscard]] bool has_come();
    [[nodiscard]] bool find_separator();
    void run() override;
    [[nodiscard]] bool may_resume();

    [[nodiscard]] std::string take_exactly();
    [[nodiscard]] std::string take_until();
    [[nodiscard]] std::string take_line();
    [[nodiscard]] std::string take(std::size_t count);

    StreamRead& read_;
    std::size_t position_ = 0;     // of the stream, that the next three count from
    std::size_t searched_ = 0;     // no separator begins before it
    std::size_t match_start_ = 0;  // a separator was found if its end is not 0
    std::size_t match_end_ = 0;
    const void* frame_ = nullptr;  // of the coroutine that waits
    bool fetched_ = false;         // the answer, of which the buffer knows nothing
    bool other_waits_ = false;
};

inline ReadAwaiter StreamRead::operator co_await() && noexcept { return ReadAwaiter(*this); }
inline ReadAwaiter StreamRead::operator co_await() & noexcept { return ReadAwaiter(*this); }

}  // namespace gyre::detail
