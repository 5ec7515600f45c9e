#include "shard_group.hpp"

#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>

#include <utility>

namespace gyre::detail {

namespace {

RunOptions run_options(const ShardedOptions& options) noexcept {
    return {options.loop, options.debug, options.resolver, options.resolver_options};
}

// A main that was cancelled because another one failed has nothing to add.
bool tells_something(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        return false;
    } catch (...) {
        return true;
    }
}

}  // namespace

ShardRun::ShardRun(ShardGroup& group, std::size_t index, ShardWork& work,
                   const ShardedOptions& options)
    : group_(group),
      index_(index),
      work_(work),
      context_(copy_context()),
      runner_(run_options(options)) {}

// In the thread of run_sharded(): the shard's own has ended.
ShardRun::~ShardRun() {
    mains_ended_ = {};
    tasks_ended_ = {};
    main_ = {};
    if (loop_ != nullptr) {
        loop_->release();
    }
}

void ShardRun::make_loop() {
    // Here, not in run(): whatever can fail has failed before the first main starts.
    EventLoop& loop = context_.run([this]() -> EventLoop& { return runner_->get_loop(); });
    loop.retain();
    loop_ = &loop;
    mains_ended_ = create_future(loop);
    tasks_ended_ = create_future(loop);
}

void ShardRun::discard() noexcept { runner_.reset(); }

void ShardRun::tell(News news) noexcept {
    Message& message = news == News::cancel_main   ? cancel_message_
                       : news == News::mains_ended ? mains_ended_message_
                                                   : tasks_ended_message_;
    message.post(*loop_->inbox());
}

void ShardRun::run() noexcept {
    // The others may post at any time, so that no wait is a deadlock.
    const bool has_peers = group_.count() > 1;
    if (has_peers) {
        loop_->expect_post();
    }
    start_main();
    run_with_interrupts();
    turn_until(mains_ended_);
    try {
        end_tasks(*loop_);
    } catch (...) {
        fail(std::current_exception());
    }
    // What ended here may have posted to another shard, and what ends there, to this one.
    group_.tasks_ended();
    turn_until(tasks_ended_);
    if (has_peers) {
        loop_->forget_post();
    }
    try {
        runner_->close();
    } catch (...) {
        fail(std::current_exception());
    }
    runner_.reset();
}

// --- main ---------------------------------------------------------------------------------------

void ShardRun::start_main() noexcept {
    try {
        main_ = context_.run([this] { return work_.start(*loop_, Shard(group_, index_)); });
        listener_ = Listener(*main_, *this);
    } catch (...) {
        fail(std::current_exception());
        end_main();
    }
}

void ShardRun::heard(FutureBase& task, std::size_t /*index*/) {
    try {
        if (task.cancelled() && cancels_ > 0 && task.as_task()->cancelling() <= cancels_) {
            group_.main_was_cancelled();
        } else {
            task.check_result();
            work_.keep_result(index_, task);
        }
    } catch (const ExitError&) {
        // It has left the loop before.
    } catch (...) {
        fail(std::current_exception());
    }
    end_main();
}

void ShardRun::end_main() noexcept {
    if (!std::exchange(main_ended_, true)) {
        group_.main_ended();
    }
}

void ShardRun::cancel_main() {
    if (main_ && !main_->done()) {
        ++cancels_;
        main_->cancel({});
    }
}

// --- the loop -----------------------------------------------------------------------------------

void ShardRun::run_with_interrupts() noexcept {
    int interrupts = 0;
    bool watching = false;
    try {
        watching = index_ == 0 && loop_->add_interrupt_handler([this, &interrupts] {
            if (++interrupts > 1) {
                throw KeyboardInterrupt();
            }
            group_.cancel_mains_once();
        });
        turn(mains_ended_);
    } catch (...) {
        fail(std::current_exception());
    }
    if (watching) {
        loop_->remove_interrupt_handler();
    }
}

void ShardRun::turn_until(const Future<>& news) noexcept {
    while (!news.done()) {
        turn(news);
    }
}

// Returns when the news is there, or when something has left the loop.
void ShardRun::turn(const Future<>& news) noexcept {
    try {
        run_until_done(*loop_, *news.state(), false);
    } catch (...) {
        const bool insisting = group_.is_cancelling();
        fail(std::current_exception());
        if (insisting) {
            group_.cancel_mains();
        }
        if (!std::exchange(loop_was_left_, true)) {
            return;
        }
        // Main had its chance to end. What is left of it ends with the other tasks.
        if (main_ && !main_->done()) {
            main_->mark_retrieved();
            main_->as_task()->disable_pending_report();
        }
        end_main();
    }
}

void ShardRun::fail(std::exception_ptr error) noexcept {
    if (group_.fail(error)) {
        return;
    }
    try {
        if (tells_something(error)) {
            loop_->call_exception_handler(ExceptionContext(
                "run_sharded: a further exception in shard " + std::to_string(index_), error));
        }
    } catch (...) {
        // An exit error of the handler: the run ends already.
    }
}

}  // namespace gyre::detail
