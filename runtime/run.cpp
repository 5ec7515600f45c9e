#include <gyre/detail/listener.hpp>
#include <gyre/detail/loop_data.hpp>
#include <gyre/resolvers.hpp>
#include <gyre/run.hpp>
#include <gyre/threads.hpp>

namespace gyre {

namespace detail {

namespace {

// Stops the loop once the future is done.
class StopWhenDone final : public Listener::Owner {
public:
    StopWhenDone(EventLoop& loop, FutureBase& future) : loop_(loop), listener_(future, *this) {}
    void heard(FutureBase& /*source*/, std::size_t /*index*/) override { loop_.stop(); }

private:
    EventLoop& loop_;
    Listener listener_;
};

// Completes when every task has ended, however that be.
Coro<> all_ended(std::vector<TaskRef> tasks) {
    for (TaskRef& task : tasks) {
        const Future<> end{FutureRef::share(task.get())};
        try {
            co_await end;
        } catch (const ExitError&) {
            throw;
        } catch (...) {
            // Whoever asked for its outcome gets it; see report_errors().
        }
    }
}

void cancel_all(EventLoop& loop) {
    const std::vector<TaskRef> tasks = LoopData::of(loop).tasks();
    if (tasks.empty()) {
        return;
    }
    for (const TaskRef& task : tasks) {
        task->cancel({});
    }
    run_until_complete(loop, all_ended(tasks));
    for (const TaskRef& task : tasks) {
        if (task->state() == FutureBase::State::failed) {
            ExceptionContext context("unhandled exception during run() shutdown",
                                     task->exception());
            context.details["task"] = task->describe();
            task->report(context);
        }
    }
}

}  // namespace

void check_can_run(const EventLoop& loop) {
    loop.check_open();
    if (loop.is_running()) {
        throw RuntimeError("this event loop is already running");
    }
    if (running_loop != nullptr) {
        throw RuntimeError("cannot run an event loop while another one runs in the same thread");
    }
}

void check_not_running(const char* what) {
    if (running_loop != nullptr) {
        throw RuntimeError(std::string(what) + " cannot be called from a running event loop");
    }
}

void end_tasks(EventLoop& loop) {
    cancel_all(loop);
    run_until_complete(loop, LoopData::of(loop).close_generators());
    std::optional<std::chrono::nanoseconds> patience;
    if (!loop.has_virtual_clock()) {
        patience = std::chrono::minutes(5);
    }
    run_until_complete(loop, shutdown_default_executor(patience));
}

void run_until_done(EventLoop& loop, FutureBase& future, bool own_task) {
    // A future done before is known in this run's first iteration, like any other.
    StopWhenDone stop(loop, future);
    try {
        loop.run_forever();
    } catch (...) {
        if (own_task) {
            future.mark_retrieved();
            future.as_task()->disable_pending_report();
        }
        throw;
    }
    if (!future.done()) {
        if (own_task) {
            future.as_task()->disable_pending_report();
        }
        throw RuntimeError("event loop stopped before Future completed");
    }
}

}  // namespace detail

Runner::Runner(RunOptions options)
    : spec_(options.loop),
      debug_(options.debug),
      resolver_(options.resolver),
      resolver_settings_(options.resolver_options) {}

Runner::~Runner() {
    try {
        close();
    } catch (...) {
        ExceptionContext context("Exception while a Runner was closed", std::current_exception());
        std::fputs((context.message + ": " + describe(context.exception) + "\n").c_str(), stderr);
    }
    if (loop_ != nullptr) {  // it runs: whoever destroys this from inside will come back to it
        static_cast<void>(loop_.release());
    }
}

EventLoop& Runner::get_loop() {
    if (closed_) {
        throw RuntimeError("Runner is closed");
    }
    if (loop_ == nullptr) {
        std::unique_ptr<EventLoop> loop = new_event_loop(spec_);
        if (debug_) {
            loop->set_debug(*debug_);
        }
        set_resolver(*loop, detail::make_resolver(*loop, resolver_, resolver_settings_));
        loop_ = std::move(loop);
        context_ = copy_context();
    }
    return *loop_;
}

void Runner::begin() {
    detail::check_not_running("Runner.run()");
    static_cast<void>(get_loop());
}

void Runner::run_task(detail::TaskBase& task) {
    int interrupts = 0;
    const bool watching = loop_->add_interrupt_handler([&interrupts, &task] {
        if (++interrupts == 1 && !task.done()) {
            task.cancel({});
            return;
        }
        throw KeyboardInterrupt();
    });
    struct Restore {
        EventLoop& loop;
        bool watching;
        ~Restore() {
            if (watching) {
                loop.remove_interrupt_handler();
            }
        }
    } restore{*loop_, watching};
    detail::run_until_done(*loop_, task, true);
    if (interrupts > 0 && task.cancelled() && task.uncancel() == 0) {
        throw KeyboardInterrupt();
    }
}

void Runner::close() {
    if (loop_ != nullptr && loop_->is_running()) {
        throw RuntimeError("cannot close a running event loop");
    }
    if (std::exchange(closed_, true) || loop_ == nullptr) {
        return;
    }
    struct CloseLoop {
        std::unique_ptr<EventLoop>& loop;
        ~CloseLoop() { loop.reset(); }
    } close_loop{loop_};
    detail::end_tasks(*loop_);
}

}  // namespace gyre
