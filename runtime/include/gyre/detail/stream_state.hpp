// StreamState: what a reader, a writer and their transport share.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/lazy_protocol.hpp>
#include <gyre/detail/stream_buffer.hpp>
#include <gyre/detail/wait_list.hpp>
#include <gyre/event.hpp>
#include <gyre/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gyre::detail {

class ReadAwaiter;

/// A reader's limit. Throws ValueError for 0.
GYRE_API std::size_t checked_limit(std::size_t limit);

/// The protocol of a stream; also a reader's state where there is no transport.
class GYRE_API StreamState final : public LazyProtocol,
                                   public std::enable_shared_from_this<StreamState> {
public:
    /// Throws ValueError for a limit of 0.
    explicit StreamState(std::size_t limit);
    ~StreamState() override;

    // --- what the transport calls ---------------------------------------------------------------
    void connection_made(const std::shared_ptr<Transport>& transport) override;
    void connection_lost(std::exception_ptr error) override;
    void pause_writing() override { writing_paused_ = true; }
    void resume_writing() override;
    std::span<char> get_buffer() override { return buffer_.room(); }
    void buffer_updated(std::size_t count) override;
    bool eof_received() override;
    bool leave(LeftBytes& left) override;

    // --- reading --------------------------------------------------------------------------------
    void feed(std::string_view data);
    void feed_eof();
    void fail(std::exception_ptr error);
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
    [[nodiscard]] bool at_eof() const noexcept { return eof_ && buffer_.empty(); }
    [[nodiscard]] bool eof() const noexcept { return eof_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] StreamBuffer& buffer() noexcept { return buffer_; }
    [[nodiscard]] const StreamBuffer& buffer() const noexcept { return buffer_; }
    [[nodiscard]] bool has_left() const noexcept { return left_ != nullptr; }
    /// For a read of up to `most` bytes that leave() woke. False if there are none, after all.
    [[nodiscard]] bool fetch(std::size_t most);
    /// What was fetched, and not taken yet.
    [[nodiscard]] std::string take_fetched(std::size_t most);
    /// The buffer has all that has come.
    void settle() {
        if (left_ != nullptr) [[unlikely]] {
            std::exchange(left_, nullptr)->deliver();
        }
    }
    /// Throws the error that was set.
    void check() const {
        if (error_ != nullptr) [[unlikely]] {
            std::rethrow_exception(error_);
        }
    }
    /// Bytes were taken: the transport may go on.
    void taken() {
        if (held_up_ && buffer_.size() <= limit_) [[unlikely]] {
            go_on();
        }
    }
    /// Takes that many, or all there are.
    void drop(std::size_t count);
    /// The read is woken once it can be answered. False if another one waits.
    [[nodiscard]] bool wait_for_data(ReadAwaiter& reader);
    /// It waits no more.
    void forget(const ReadAwaiter& reader) noexcept {
        if (reader_ == &reader) {
            reader_ = nullptr;
        }
    }

    // --- writing --------------------------------------------------------------------------------
    [[nodiscard]] const std::shared_ptr<Transport>& transport() const noexcept {
        return transport_;
    }
    /// More waits to be sent than the high-water mark, and not yet less than the low one.
    [[nodiscard]] bool is_writing_paused() const noexcept { return writing_paused_; }
    /// The connection is no more.
    [[nodiscard]] bool is_lost() const noexcept { return lost_; }
    /// Throws the error that ended the connection.
    void check_lost() const;
    /// Those in drain().
    [[nodiscard]] RetryWaitList& drainers() noexcept { return drainers_; }
    [[nodiscard]] static Coro<> wait_closed(std::shared_ptr<StreamState> self);

    /// Called once the connection is made.
    void on_made(std::function<void()> call) { on_made_ = std::move(call); }

private:
    void note_fetched(std::size_t count) noexcept;
    void keep(std::string_view data);
    void came();
    void wake_reader();
    void go_on();

    // First what each read and write needs, as in DescriptorTransport.
    ReadAwaiter* reader_ = nullptr;  // until it is woken
    LeftBytes* left_ = nullptr;      // it was woken to fetch them: the buffer is empty
    std::shared_ptr<Transport> transport_;
    std::exception_ptr error_;  // of reading
    bool eof_ = false;
    bool held_up_ = false;
    bool writing_paused_ = false;
    bool lost_ = false;
    std::uint32_t place_ = 0;   // among the reads that were woken to fetch
    std::uint32_t usual_ = 0;   // how many bytes are fetched at a time, if so many as to be counted
    std::string_view fetched_;  // in the loop's buffer; empty again before the step goes on
    StreamBuffer buffer_;
    std::size_t limit_;
    std::string large_;              // fetched to where it is to stay
    std::exception_ptr lost_error_;  // of the connection
    RetryWaitList drainers_;
    Event closed_;
    std::function<void()> on_made_;
};

}  // namespace gyre::detail
