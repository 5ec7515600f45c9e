#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>

namespace gyre::detail {

GYRE_THREAD_LOCAL Step step;

struct TaskBase::Extras {
    Listener::Owner* listener = nullptr;
    std::string name;
    std::shared_ptr<ContextBox> context;  // shared with others, instead of its own
    std::string request;                  // the message of the latest cancel() that no wait took
};

namespace {

// Numbers are handed to threads in blocks: the first thread counts 1, 2, 3 and no step is atomic.
std::uint32_t next_id() noexcept {
    constexpr std::uint32_t block = 1U << 16;
    static std::atomic<std::uint32_t> blocks{0};
    GYRE_THREAD_LOCAL static std::uint32_t last = 0;
    if (last % block == 0) {
        last = blocks.fetch_add(block, std::memory_order_relaxed);
    }
    return ++last;
}

std::exception_ptr make_cancelled(std::string_view message) {
    return message.empty() ? nullptr
                           : std::make_exception_ptr(CancelledError(std::string(message)));
}

// g++ names a coroutine by the function that it makes of it, "void f(f(int)::…Frame*)": f() is what
// was written.
std::string function_name(const std::source_location& location) {
    std::string name = location.function_name();
    if (name.find("Frame*") != std::string::npos) {
        name.erase(name.find('('));
        name.erase(0, name.starts_with("void ") ? 5 : 0);
        name += "()";
    }
    return name;
}

std::string message_of(const std::exception_ptr& error) {
    if (error == nullptr) {
        return {};
    }
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError& cancelled) {
        return cancelled.message();
    }
}

}  // namespace

void WaitNode::wake() noexcept {
    if (!done()) {
        word_ |= kWoken;
        task()->loop().queue(*task());
    }
}

TaskBase::TaskBase(EventLoop& loop, std::coroutine_handle<> body)
    : FutureBase(loop),
      body_(body),
      leaf_(body),
      own_context_{copy_current_context()},
      id_(next_id()) {}

TaskBase::~TaskBase() {
    destroy_body();
    if (has_extras_) {
        delete extras_;
    }
}

TaskBase& TaskBase::require_current() {
    if (step.task == nullptr) {
        throw RuntimeError("no running task");
    }
    return *step.task;
}

void TaskBase::start(bool eager) {
    LoopData::of(loop()).add(*this);
    retain();
    eager_ = eager && running_loop == &loop();
    if (eager_) {
        step_body();
    } else {
        loop().queue(*this);
    }
}

// --- a step -------------------------------------------------------------------------------------

void TaskBase::run() {
    if (done()) [[unlikely]] {
        call_listener();
        return;
    }
    if (must_cancel_) [[unlikely]] {
        if (!prepare_cancelled_step()) {
            return;
        }
    } else if ((waiting_ & kRetry) != 0 && !waiting_node()->cancelled() &&
               !static_cast<RetryNode*>(waiting_node())->retry()) {
        return;
    }
    step_body();
}

void TaskBase::suspend_on(RetryNode& node, std::coroutine_handle<> handle) {
    suspend_on(static_cast<WaitNode&>(node), handle);
    waiting_ |= kRetry;
}

void TaskBase::queue_listener() noexcept {
    retain();
    loop().queue(*this);
}

void TaskBase::call_listener() {
    const TaskRef self(this);
    if (Listener::Owner* const owner = std::exchange(listener(), nullptr)) {
        owner->heard(*this, 0);
    }
}

void TaskBase::drop() noexcept {
    if (done()) {
        release();  // the listener's call was to come
    }
}

std::string TaskBase::run_described() {
    const TaskRef self = TaskRef::share(this);
    run();
    return describe();
}

void TaskBase::step_body() {
    started_ = true;
    waiting_ = 0;
    {
        ContextScope scope(context());
        TaskBase* const outer = std::exchange(step.task, this);
        step.where = where_;
        std::coroutine_handle<> next = leaf_;
        do {
            step.next = nullptr;
            next.resume();
            next = step.next;
        } while (next);
        step.task = outer;
        where_ = step.where;
    }
    if (body_.done()) {
        end_body();
    }
}

void TaskBase::end_body() {
    const TaskRef loops_own(this);
    std::exception_ptr error = body_failed() ? step.take_error() : nullptr;
    if (error == nullptr && !must_cancel_) {
        try {
            take_result();
        } catch (...) {
            error = std::current_exception();
        }
        if (error == nullptr) {
            error_ = nullptr;
            destroy_body();
            LoopData::of(loop()).remove(*this);
            finish();
            return;
        }
    }
    destroy_body();
    LoopData::of(loop()).remove(*this);
    if (error == nullptr) {
        must_cancel_ = false;
        become_cancelled(std::move(error_));
        return;
    }
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        become_cancelled(std::move(error));
    } catch (const ExitError&) {
        fail(std::move(error));
        throw;
    } catch (...) {
        fail(std::move(error));
    }
}

void TaskBase::destroy_body() noexcept {
    if (const std::coroutine_handle<> body = std::exchange(body_, nullptr)) {
        body.destroy();
    }
}

// --- cancellation -------------------------------------------------------------------------------

bool TaskBase::cancel(std::string_view message) {
    mark_retrieved();
    if (done()) {
        return false;
    }
    // Down a chain of tasks that await tasks, without recursion.
    const auto awaited_task = [](const TaskBase& task) -> TaskBase* {
        FutureBase* awaited = task.waiting_future();
        return awaited == nullptr || awaited->done() ? nullptr : awaited->as_task();
    };
    TaskBase* last = this;
    for (;;) {
        ++last->cancel_requests_;
        TaskBase* inner = awaited_task(*last);
        if (inner == nullptr || inner->visiting_) {
            break;
        }
        last->visiting_ = true;
        last = inner;
    }
    for (TaskBase* task = this; task != last; task = awaited_task(*task)) {
        task->visiting_ = false;
    }
    if (!last->cancel_awaited(message)) {
        last->must_cancel_ = true;
        if (!message.empty() || last->has_extras_) {
            last->extras().request = message;
        }
        const WaitNode* node = last->waiting_node();
        if (node == nullptr || !node->cancelled()) {
            last->set_message(message);  // else the message under way is the first one's
        }
    }
    return true;
}

bool TaskBase::cancel_awaited(std::string_view message) {
    if (WaitNode* node = waiting_node()) {
        if (node->done()) {
            return false;
        }
        set_message(message);
        node->word_ |= WaitNode::kCancelled;
        loop().queue(*this);
        return true;
    }
    FutureBase* future = waiting_future();
    return future != nullptr && !future->done() && future->as_task() == nullptr &&
           future->cancel(message);
}

std::exception_ptr TaskBase::latest_request() const {
    return has_extras_ ? make_cancelled(extras_->request) : nullptr;
}

void TaskBase::set_message(std::string_view message) { error_ = make_cancelled(message); }

std::uint32_t TaskBase::uncancel() noexcept {
    if (cancel_requests_ > 0 && --cancel_requests_ == 0) {
        must_cancel_ = false;
    }
    return cancel_requests_;
}

// The task cancelled itself before it came to wait: what it waits for is cancelled at once.
void TaskBase::deliver_now() {
    const std::exception_ptr error = std::exchange(error_, nullptr);
    FutureBase* future = waiting_future();
    const std::string message = message_of(error);
    const bool taken = future != nullptr && future->as_task() != nullptr ? future->cancel(message)
                                                                         : cancel_awaited(message);
    if (taken) {
        must_cancel_ = false;
    } else {
        error_ = error;
    }
}

bool TaskBase::wait_was_cancelled() const noexcept {
    if (const WaitNode* node = waiting_node()) {
        return node->cancelled();
    }
    const FutureBase* future = waiting_future();
    return future != nullptr && (future->cancelled() || future->failed_by_cancel());
}

bool TaskBase::prepare_cancelled_step() {
    must_cancel_ = false;
    if (!started_) {
        const TaskRef loops_own(this);
        destroy_body();
        LoopData::of(loop()).remove(*this);
        become_cancelled(std::move(error_));
        return false;
    }
    if (!wait_was_cancelled()) {
        throw_cancelled_ = true;
    } else if (waiting_future() != nullptr) {
        error_ = nullptr;  // the future brings its own
    }
    return true;
}

void TaskBase::throw_cancelled() {
    throw_cancelled_ = false;
    if (const std::exception_ptr error = std::exchange(error_, nullptr)) {
        std::rethrow_exception(error);
    }
    throw CancelledError();
}

// --- names --------------------------------------------------------------------------------------

TaskBase::Extras& TaskBase::extras() {
    if (!has_extras_) {
        auto made = std::make_unique<Extras>();
        made->listener = listener_;
        extras_ = made.release();
        has_extras_ = true;
    }
    return *extras_;
}

Listener::Owner*& TaskBase::listener_in_extras() noexcept { return extras_->listener; }

ContextBox& TaskBase::context() noexcept {
    return has_extras_ && extras_->context != nullptr ? *extras_->context : own_context_;
}

void TaskBase::share_context(std::shared_ptr<ContextBox> box) {
    extras().context = std::move(box);
    own_context_ = {};
}

std::shared_ptr<ContextBox> TaskBase::shared_context() {
    if (has_extras_ && extras_->context != nullptr) {
        return extras_->context;
    }
    return {std::make_shared<TaskRef>(TaskRef::share(this)), &own_context_};
}

void TaskBase::report(const ExceptionContext& report) {
    ContextScope scope(context());
    loop().call_exception_handler(report);
}

std::string TaskBase::name() const {
    return has_extras_ && !extras_->name.empty() ? extras_->name : "Task-" + std::to_string(id_);
}

void TaskBase::set_name(std::string_view name) { extras().name = name; }

std::string TaskBase::where() const {
    return function_name(where_) + " at " + where_.file_name() + ":" +
           std::to_string(where_.line());
}

std::string TaskBase::describe() const {
    const std::string coroutine = where_.line() == 0 ? std::string() : " coro=<" + where() + ">";
    // "finished exception=…": what the task is called comes between the two.
    std::string state = !done() && cancel_requests_ > 0 ? "cancelling" : state_text();
    const std::size_t word_end = std::min(state.find(' '), state.size());
    state.insert(word_end, " name='" + name() + "'" + coroutine);
    return "<Task " + state + ">";
}

}  // namespace gyre::detail
