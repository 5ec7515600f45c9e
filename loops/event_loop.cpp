#include "signal_table.hpp"

#include <gyre/event_loop.hpp>

#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace gyre {

namespace detail {
GYRE_THREAD_LOCAL EventLoop* running_loop = nullptr;
GYRE_THREAD_LOCAL ContextBox* current_context = nullptr;
ContextMap::~ContextMap() = default;
}  // namespace detail

namespace {

bool debug_from_environment() noexcept {
    const char* value = std::getenv("GYRE_DEBUG");
    return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

// A forked child has a copy of the stack, but the run goes on in the parent alone.
[[maybe_unused]] const int in_children =
    ::pthread_atfork(nullptr, nullptr, [] { detail::running_loop = nullptr; });

// While it lives, the loop is the thread's running one, and what it runs has its own context.
class RunningScope {
public:
    RunningScope(EventLoop& loop, bool& running) noexcept
        : running_(running), context_(detail::current_context) {
        running_ = true;
        detail::running_loop = &loop;
    }
    RunningScope(const RunningScope&) = delete;
    RunningScope& operator=(const RunningScope&) = delete;
    ~RunningScope() {
        detail::running_loop = nullptr;
        detail::current_context = context_;
        running_ = false;
    }

private:
    bool& running_;
    detail::ContextBox* context_;
};

}  // namespace

detail::LoopExtension::~LoopExtension() = default;

EventLoop::EventLoop()
    : debug_(debug_from_environment()),
      special_(debug_),
      inbox_(std::make_shared<detail::Inbox>(*this)) {}

EventLoop::~EventLoop() { assert(closed_); }

void EventLoop::operator delete(EventLoop* loop, std::destroying_delete_t) noexcept {
    if (!loop->closed_) {
        loop->close();
    }
    loop->release();
}

void EventLoop::destroy() noexcept {
    void* const memory = dynamic_cast<void*>(this);
    this->~EventLoop();
    ::operator delete(memory);
}

void detail::throw_no_running_loop() { throw RuntimeError("no running event loop"); }

// --- running ------------------------------------------------------------------------------------

void EventLoop::run_forever() {
    check_open();
    if (running_) {
        throw RuntimeError("this event loop is already running");
    }
    if (detail::running_loop != nullptr) {
        throw RuntimeError("cannot run an event loop while another one runs in the same thread");
    }
    RunningScope scope(*this, running_);
    pace_.expect_poll();
    struct ClearStop {
        bool& flag;
        ~ClearStop() { flag = false; }
    } clear{stopping_};
    iterate();
}

void EventLoop::iterate() {
    do {
        iterate_once();
        if (!special_ && !stopping_) [[likely]] {
            run_single();
        }
    } while (!stopping_);
}

// Two tasks in turn, a chain of callbacks: iterations with nothing else to look after. stop() and
// set_debug() interrupt the pace.
inline void EventLoop::run_single() {
    while (ready_.has_one() && inbox_->empty() && !timers_.expires(now_) &&
           pace_.may_skip_reading()) {
        ready_.pop_only().run();
    }
}

void EventLoop::iterate_once() {
    if (ready_.empty() || !pace_.may_skip_poll()) {
        poll_once();
    } else {
        if (!inbox_->empty()) {
            inbox_->take(ready_);
        }
        timers_.expire(pace_.is_held() && !timers_.empty() ? time() : now_);
    }
    if (special_) [[unlikely]] {
        run_specially();
    } else {
        ready_.run_through([](detail::Ready& node) { node.run(); });
    }
    while (timers_.has_due()) {
        if (detail::Timer* timer = timers_.take_due()) {
            run_node(*timer);
        }
    }
}

void EventLoop::run_specially() {
    if (shuffler_ != nullptr) {
        shuffle_ready();
    }
    ready_.run_through([this](detail::Ready& node) { run_node(node); });
}

inline void EventLoop::run_node(detail::Ready& node) {
    if (!debug_) [[likely]] {
        node.run();
    } else {
        run_timed(node);
    }
}

void EventLoop::poll_once() {
    Duration timeout{};
    if (ready_.empty() && !timers_.has_due() && !stopping_) {
        const Duration next = timers_.next();
        if (next == Duration::max()) {
            timeout = kForever;
        } else if (const Duration now = time(); next > now) {
            timeout = next - now;
        }
    }
    if (timeout > Duration::zero()) {
        if (!inbox_->begin_sleep()) {
            timeout = Duration::zero();
        } else if (pending_signals_.load(std::memory_order_seq_cst) != 0) {
            inbox_->end_sleep();
            timeout = Duration::zero();
        }
    }
    struct Awake {
        detail::Inbox& inbox;
        ~Awake() { inbox.end_sleep(); }
    };
    {
        Awake awake{*inbox_};
        poll(timeout);
    }
    inbox_->take(ready_);
    take_signals();
    ready_.append(completed_);
    if (!timers_.empty()) {
        timers_.expire(time());
    }
    pace_.polled(timeout > Duration::zero());
}

void EventLoop::take_signals() noexcept {
    if (pending_signals_.load(std::memory_order_relaxed) == 0) {
        return;
    }
    const std::uint64_t arrived = pending_signals_.exchange(0, std::memory_order_acquire);
    for (auto& [signal, registration] : signals_) {
        if ((arrived & detail::SignalTable::bit(signal)) != 0) {
            fd_ready(*registration.state);
        }
    }
}

void EventLoop::run_timed(detail::Ready& node) {
    const auto start = std::chrono::steady_clock::now();
    const std::string text = node.run_described();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (taken >= slow_callback_duration) {
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%.3f", taken.count());
        call_exception_handler(
            ExceptionContext("Executing " + text + " took " + seconds + " seconds"));
    }
}

void EventLoop::simulate_clock(Duration start) noexcept {
    simulated_ = true;
    now_ = start;
}

void EventLoop::set_debug(bool enabled) noexcept {
    debug_ = enabled;
    special_ = debug_ || shuffler_ != nullptr;
    pace_.interrupt();
}

void EventLoop::shuffle(std::uint64_t seed) {
    shuffler_ = std::make_unique<std::mt19937_64>(seed);
    special_ = true;
}

void EventLoop::shuffle_ready() {
    std::vector<detail::Ready*> nodes;
    nodes.reserve(ready_.size());  // nothing is lost if it throws
    while (detail::Ready* node = ready_.pop()) {
        nodes.push_back(node);
    }
    std::shuffle(nodes.begin(), nodes.end(), *shuffler_);
    for (detail::Ready* node : nodes) {
        ready_.push(*node);
    }
}

void EventLoop::close() {
    if (running_) {
        throw RuntimeError("cannot close a running event loop");
    }
    if (std::exchange(closed_, true)) {
        return;
    }
    inbox_->close();
    while (!signals_.empty()) {
        unregister_signal(signals_.begin()->first, signals_.begin()->second.native);
    }
    const auto drop_all = [this] {
        drop_queued();
        timers_.clear();
    };
    drop_all();
    if (extension_ != nullptr) {
        extension_->on_close();
        drop_all();
        extension_->after_close();
    }
    resources_.close_all();
    drop_all();
    close_backend();
}

// Dropping one may queue another, from a destructor.
void EventLoop::drop_queued() noexcept {
    ready_.append(completed_);
    while (detail::Ready* node = ready_.pop()) {
        node->drop();
    }
}

EventLoop::Statistics EventLoop::statistics() const noexcept {
    return {ready_.size() + completed_.size(), timers_.size(), closed_ ? 0 : watched_fds(),
            watched_signals(), expected_posts_};
}

// --- calls --------------------------------------------------------------------------------------

void EventLoop::prepare_call() {
    if (!running_) {
        inbox_->take(ready_);  // what was posted before this call comes before it
    } else {
        check_thread();
    }
}

void EventLoop::check_running_thread() const {
    if (running_ && detail::running_loop != this) {
        throw RuntimeError(
            "Non-thread-safe operation invoked on an event loop other than the current one");
    }
}

void EventLoop::throw_closed() { throw RuntimeError("the event loop is closed"); }

Handle EventLoop::post_or_throw(detail::HandleState* state) {
    Handle handle(state);
    state->retain_queued();
    if (detail::running_loop == this) {
        ready_.push(*state);
    } else if (!inbox_->post(*state)) {
        state->release();
        throw_closed();
    }
    return handle;
}

}  // namespace gyre
