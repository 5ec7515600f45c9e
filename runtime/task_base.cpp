#include <gyre/detail/loop_data.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <limits>
#include <typeinfo>

namespace gyre::detail {

GYRE_THREAD_LOCAL Step step;
GYRE_THREAD_LOCAL std::uint32_t last_task_id = 0;

void Step::throw_in_awaiting() noexcept {
    ::new (static_cast<void*>(&step.error)) std::exception_ptr(std::current_exception());
    const std::type_info* const type = abi::__cxa_current_exception_type();
    step.error_is_cancelled = type != nullptr && *type == typeid(CancelledError);
}

struct TaskBase::Extras {
    Listener::Owner* listener = nullptr;
    std::string name;
    std::shared_ptr<ContextBox> context;  // shared with others, instead of its own
    std::string request;                  // the message of the latest cancel() that no wait took
};

namespace {

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

std::uint32_t TaskBase::next_id_block() noexcept {
    static std::atomic<std::uint32_t> next{0};
    return next.fetch_add(kIdBlock, std::memory_order_relaxed);
}

void TaskBase::clear() noexcept {
    destroy_body();
    if (has_extras_) {
        delete extras_;
    }
}

void TaskBase::throw_no_task() { throw RuntimeError("no running task"); }

inline void TaskBase::resume_leaf() {
    if (waiting_ != 0) {
        waiting_ = 0;
    }
    leaf_.resume();
}

void TaskBase::resume_next() {
    while (step.next) {
        std::exchange(step.next, nullptr).resume();
    }
}

void TaskBase::start_eagerly(LoopData& data) {
    if (running_loop != &loop()) {
        start(data);
        return;
    }
    data.add(*this);
    retain();
    eager_ = 1;
    {
        const ContextScope scope(context());
        TaskBase* const outer = std::exchange(step.task, this);
        const std::source_location where = step.where;
        resume_leaf();
        resume_next();
        where_ = step.where;
        step.where = where;
        step.task = outer;
    }
    if (body_.done()) {
        end_body();
    }
}

// --- a step -------------------------------------------------------------------------------------

// What a step costs is what it writes to memory, so that functions are cut where a register more
// would have to be saved, and nothing is written that is there already.

void TaskBase::run() {
    if (done() || must_cancel_ || has_extras_) [[unlikely]] {
        run_specially();
    } else {
        make_step(own_context_);
    }
}

void TaskBase::run_specially() {
    if (may_step()) {
        make_step(context());
    }
}

inline void TaskBase::make_step(ContextBox& box) {
    // Nothing ran before: there is nothing to come back to.
    current_context = &box;
    step.task = this;
    resume_leaf();
    end_step();
}

void TaskBase::end_step() {
    if (step.next) [[unlikely]] {
        end_nested_step();
        return;
    }
    step.task = nullptr;
    current_context = nullptr;
    // One that waits is not done. Its body's frame is no memory that the step has touched, where
    // the coroutine that waits is an inner one.
    if (waiting_ == 0 && body_.done()) [[unlikely]] {
        end_body();
    } else if (std::memcmp(&where_, &step.where, sizeof where_) != 0) {
        where_ = step.where;
    }
}

void TaskBase::end_nested_step() {
    resume_next();
    end_step();
}

bool TaskBase::may_step() {
    if (done()) {
        call_listener();
        return false;
    }
    return !must_cancel_ || prepare_cancelled_step();
}

std::string RetryNode::describe() const { return task()->describe(); }

std::string RetryNode::run_described() {
    const TaskRef task_ref = TaskRef::share(task());
    run();
    return task_ref->describe();
}

void TaskBase::queue_listener() noexcept {
    Listener::Owner*& owner = listener();
    if (owner == nullptr) {
        return;
    }
    if (owner->wants_to_hear(*this)) {
        queue_call();
    } else {
        owner = nullptr;
    }
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

void TaskBase::end_body() {
    bool finished = false;
    try {
        finished = take_result();
    } catch (...) {
        fail_with(std::current_exception(), false);
        return;
    }
    if (!finished) [[unlikely]] {
        fail_with(step.take_error(), step.error_is_cancelled);
        return;
    }
    leave_loop();
    if (must_cancel_) [[unlikely]] {
        must_cancel_ = false;
        become_cancelled(std::move(error_));
    } else {
        error_ = nullptr;
        finish();
    }
    release();  // the loop's own
}

void TaskBase::leave_loop() noexcept {
    destroy_body();
    LoopData::of(loop()).remove(*this);
}

void TaskBase::fail_with(std::exception_ptr error, bool cancelled) {
    const TaskRef loops_own(this);
    leave_loop();
    if (cancelled) {
        become_cancelled(std::move(error));
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
        if (last->cancel_requests_ != std::numeric_limits<std::uint16_t>::max()) {
            ++last->cancel_requests_;
        }
        TaskBase* inner = awaited_task(*last);
        if (inner == nullptr || inner->visiting_ != 0) {
            break;
        }
        last->visiting_ = 1;
        last = inner;
    }
    for (TaskBase* task = this; task != last; task = awaited_task(*task)) {
        task->visiting_ = 0;
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
void TaskBase::deliver_now() try {
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
} catch (...) {
    waiting_ = 0;  // the coroutine goes on
    throw;
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
    if (waiting_ == kNotStarted) {
        const TaskRef loops_own(this);
        leave_loop();
        become_cancelled(std::move(error_));
        return false;
    }
    if (!wait_was_cancelled()) {
        throw_cancelled_ = true;
        if (FutureBase* const future = waiting_future()) {
            future->mark_retrieved();  // its error has come here, too late
        }
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

ContextBox& TaskBase::context_in_extras() noexcept {
    return extras_->context != nullptr ? *extras_->context : own_context_;
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
