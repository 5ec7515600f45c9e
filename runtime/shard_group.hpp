// ShardGroup: what the shards of one run_sharded() have in common; ShardRun: the life of one.
#pragma once

#include <gyre/detail/future_base.hpp>
#include <gyre/detail/inbox.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/future.hpp>
#include <gyre/run.hpp>
#include <gyre/sharded.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

namespace gyre::detail {

class ShardRun;

/// Every member may be called by any shard. Nothing here waits or locks.
class ShardGroup {
public:
    ShardGroup(ShardWork& work, std::size_t count, const ShardedOptions& options);
    ShardGroup(const ShardGroup&) = delete;
    ShardGroup& operator=(const ShardGroup&) = delete;
    ~ShardGroup();

    [[nodiscard]] std::size_t count() const noexcept { return shards_.size(); }
    [[nodiscard]] ShardRun& shard(std::size_t index) const noexcept { return *shards_[index]; }

    /// Keeps the error if it is the first one, and cancels the mains unless that was done; false if
    /// it is not the first.
    [[nodiscard]] bool fail(std::exception_ptr error) noexcept;
    /// Cancels the mains, if nobody has done so.
    void cancel_mains_once() noexcept;
    void cancel_mains() noexcept;
    [[nodiscard]] bool is_cancelling() const noexcept { return cancelling_; }

    // The two meetings on the way to the end: each shard comes once, the last one tells all.
    void main_ended() noexcept;
    void tasks_ended() noexcept;

    /// A main ended by the cancellation that the group asked for.
    void main_was_cancelled() noexcept { cut_short_ = true; }

    /// For the caller of run_sharded(), when every shard has closed.
    void throw_outcome() const;

private:
    std::vector<std::unique_ptr<ShardRun>> shards_;
    std::atomic<std::size_t> mains_left_;
    std::atomic<std::size_t> shards_left_;
    std::atomic<bool> cancelling_ = false;
    std::atomic<bool> failed_ = false;
    std::atomic<bool> cut_short_ = false;
    std::exception_ptr error_;  // written by who sets failed_, read when the threads are gone
};

/// One shard: a Runner, and what is told to it by others. Everything but the constructor, the
/// destructor and tell() belongs to the shard's own thread.
class ShardRun final : public Listener::Owner {
public:
    ShardRun(ShardGroup& group, std::size_t index, ShardWork& work, const ShardedOptions& options);
    ~ShardRun();

    /// Throws what new_event_loop() throws.
    void make_loop();
    /// From the start of main to the closed loop.
    void run() noexcept;
    /// Instead of run().
    void discard() noexcept;

    [[nodiscard]] EventLoop& loop() const noexcept { return *loop_; }

    enum class News { cancel_main, mains_ended, tasks_ended };
    /// Any thread; never fails, for a closed loop needs no news.
    void tell(News news) noexcept;

private:
    // News on its way through the inbox, at most once at a time: no allocation, no failure.
    class Message final : public Ready {
    public:
        Message(ShardRun& shard, void (ShardRun::*act)()) noexcept : shard_(shard), act_(act) {}
        void post(Inbox& inbox) noexcept {
            if (!under_way_.exchange(true)) {
                static_cast<void>(inbox.post(*this));
            }
        }
        void run() override {
            under_way_ = false;
            (shard_.*act_)();
        }

    private:
        ShardRun& shard_;
        void (ShardRun::*act_)();
        std::atomic<bool> under_way_ = false;
    };

    void heard(FutureBase& task, std::size_t index) override;
    void cancel_main();
    void note_mains_ended() { mains_ended_.set_result(); }
    void note_tasks_ended() { tasks_ended_.set_result(); }

    void start_main() noexcept;
    void end_main() noexcept;
    void run_with_interrupts() noexcept;
    void turn_until(const Future<>& news) noexcept;
    void turn(const Future<>& news) noexcept;
    void fail(std::exception_ptr error) noexcept;

    ShardGroup& group_;
    std::size_t index_;
    ShardWork& work_;
    Context context_;
    std::optional<Runner> runner_;
    EventLoop* loop_ = nullptr;  // retained: others may post to it when it is closed
    FutureRef main_;
    Listener listener_;
    Future<> mains_ended_;
    Future<> tasks_ended_;
    Message cancel_message_{*this, &ShardRun::cancel_main};
    Message mains_ended_message_{*this, &ShardRun::note_mains_ended};
    Message tasks_ended_message_{*this, &ShardRun::note_tasks_ended};
    std::uint32_t cancels_ = 0;
    bool main_ended_ = false;
    bool loop_was_left_ = false;
};

}  // namespace gyre::detail
