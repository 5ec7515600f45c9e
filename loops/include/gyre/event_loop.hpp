// EventLoop: what turns. The shared part of every loop, and what a backend supplies.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/duration.hpp>
#include <gyre/detail/inbox.hpp>
#include <gyre/detail/loop_extension.hpp>
#include <gyre/detail/poll_pace.hpp>
#include <gyre/detail/ready_queue.hpp>
#include <gyre/detail/resource.hpp>
#include <gyre/detail/timer_queue.hpp>
#include <gyre/errors.hpp>
#include <gyre/exception_context.hpp>
#include <gyre/handle.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gyre {

class BaseProtocol;
class DatagramProtocol;
class DatagramTransport;
class Socket;
class SocketAddress;
class Transport;
struct TransportHooks;

namespace detail {
class DescriptorTransport;
class StreamClient;
class StreamIo;
struct SignalTable;

/// How a callback and its arguments are called: kept as copies, passed as lvalues.
template <class T>
using Kept = std::decay_t<T>&;

template <class F, class... A>
concept CallableWith = std::invocable<Kept<F>, Kept<A>...>;
}  // namespace detail

/// An event loop: runs callbacks, timers and I/O on one thread, one callback at a time.
///
/// ```
/// auto loop = new_event_loop("selector");
/// loop->call_later(100ms, [&] { loop->stop(); });
/// loop->run_forever();
/// ```
///
/// An iteration polls for I/O, then queues what completed, then queues the timers that are due,
/// then runs what stood in the queue at that moment, in order; what is queued meanwhile waits for
/// the next iteration. While something is ready the poll is left out, but never for more than 64
/// iterations or 100 µs. Order, errors and thread rules are the same on every backend, for all of
/// this is written once, here.
///
/// Thread rule: everything but call_soon_threadsafe() belongs to the thread that runs the loop.
/// asyncio: AbstractEventLoop.
class GYRE_API EventLoop {
public:
    using Duration = std::chrono::nanoseconds;
    using ExceptionHandler = std::function<void(EventLoop&, const ExceptionContext&)>;

    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Closes the loop. Futures that outlive it stay safe to use: their loop is then a closed one.
    static void operator delete(EventLoop* loop, std::destroying_delete_t) noexcept;

    /// "uv", "selector:epoll", "virtual" …
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    // --- callbacks ------------------------------------------------------------------------------
    /// Runs function(arguments…) in the next iteration, behind what is queued. The callback sees a
    /// copy of the caller's context. Throws RuntimeError on a closed loop.
    template <class F, class... A>
    requires detail::CallableWith<F, A...> Handle call_soon(F&& function, A&&... arguments) {
        check_call();
        auto* state =
            make_callback(false, std::forward<F>(function), std::forward<A>(arguments)...);
        state->retain_queued();
        ready_.push(*state);
        return Handle(state);
    }

    /// The same from any thread: wakes the loop if it waits. Keeps each thread's order.
    template <class F, class... A>
    requires detail::CallableWith<F, A...> Handle call_soon_threadsafe(F&& function,
                                                                       A&&... arguments) {
        return post_or_throw(
            make_callback(true, std::forward<F>(function), std::forward<A>(arguments)...));
    }

    /// Runs function(arguments…) once the delay is over, never early. A delay of zero or less is
    /// due in the next iteration. Throws ValueError for NaN.
    template <class Rep, class Period, class F, class... A>
    requires detail::CallableWith<F, A...> TimerHandle
    call_later(std::chrono::duration<Rep, Period> delay, F&& function, A&&... arguments) {
        return call_at(deadline_after(detail::to_nanoseconds(delay)), std::forward<F>(function),
                       std::forward<A>(arguments)...);
    }

    /// Runs function(arguments…) when time() has reached `when`. Equal deadlines are due in order
    /// of creation.
    template <class F, class... A>
    requires detail::CallableWith<F, A...> TimerHandle call_at(detail::AnyDuration when,
                                                               F&& function, A&&... arguments) {
        check_call();
        auto* state =
            make_callback(false, std::forward<F>(function), std::forward<A>(arguments)...);
        TimerHandle handle(state, when);
        timers_.add(*state, when);
        state->retain();
        return handle;
    }

    /// The loop's clock: monotonic, from an arbitrary start; read anew each time.
    [[nodiscard]] Duration time() noexcept { return now_ = simulated_ ? now_ : monotonic_now(); }

    /// The clock jumps instead of waiting: the virtual loop.
    [[nodiscard]] bool has_virtual_clock() const noexcept { return simulated_; }

    // --- running --------------------------------------------------------------------------------
    /// Iterates until stop(). Throws RuntimeError if this loop, or another one on this thread, runs
    /// already. An ExitError from a callback leaves at once; what was queued stays queued for the
    /// next run.
    void run_forever();

    /// Ends run_forever() after the current iteration; before it, after exactly one.
    void stop() noexcept {
        stopping_ = true;
        pace_.interrupt();
    }

    [[nodiscard]] bool is_running() const noexcept { return running_; }
    [[nodiscard]] bool is_closed() const noexcept { return closed_; }

    /// Drops callbacks and timers without running them and frees what the loop holds.
    /// Does nothing the second time. Throws RuntimeError while the loop runs.
    void close();

    // --- file descriptors -----------------------------------------------------------------------
    /// Runs the callback whenever `fd` can be read without waiting; a second call replaces and
    /// cancels the first one's callback. Throws ValueError for a bad descriptor, std::system_error
    /// for one that cannot be polled, RuntimeError for a transport's.
    template <class F, class... A>
    requires detail::CallableWith<F, A...> Handle add_reader(int fd, F&& function,
                                                             A&&... arguments) {
        check_user_fd(fd);
        return register_fd(
            fd, false,
            make_callback(false, std::forward<F>(function), std::forward<A>(arguments)...));
    }
    /// The same for writing.
    template <class F, class... A>
    requires detail::CallableWith<F, A...> Handle add_writer(int fd, F&& function,
                                                             A&&... arguments) {
        check_user_fd(fd);
        return register_fd(
            fd, true,
            make_callback(false, std::forward<F>(function), std::forward<A>(arguments)...));
    }
    /// True if a callback was registered; it will not run, even if it was ready. The descriptor may
    /// be closed right after.
    bool remove_reader(int fd) { return unregister_fd(fd, false); }
    bool remove_writer(int fd) { return unregister_fd(fd, true); }

    /// For create_connection() and servers: connection_made() comes in the next iteration, reading
    /// starts after it.
    std::shared_ptr<Transport> make_transport(Socket socket, std::shared_ptr<BaseProtocol> protocol,
                                              TransportHooks hooks);
    /// The same for datagrams; `peer` is where each goes, or none.
    std::shared_ptr<DatagramTransport> make_datagram_transport(
        Socket socket, std::shared_ptr<DatagramProtocol> protocol, const SocketAddress& peer,
        std::function<void()> on_made);
    /// The same over one end of a pipe, FIFO, socket or character device, for reading or writing
    /// alone. Takes over the descriptor, unless it throws ValueError because it is none of these.
    std::shared_ptr<Transport> make_read_pipe(int fd, std::shared_ptr<BaseProtocol> protocol,
                                              TransportHooks hooks);
    std::shared_ptr<Transport> make_write_pipe(int fd, std::shared_ptr<BaseProtocol> protocol,
                                               TransportHooks hooks);

    // --- signals --------------------------------------------------------------------------------
    /// Runs the callback, as any other, after the signal arrived; signals that arrive before it ran
    /// may count as one. A second call replaces the callback. Throws ValueError for a bad number,
    /// RuntimeError for a signal that cannot be caught or outside the main thread.
    template <class F, class... A>
    requires detail::CallableWith<F, A...>
    void add_signal_handler(int signal, F&& function, A&&... arguments) {
        check_call();
        register_signal(
            signal, make_callback(false, std::forward<F>(function), std::forward<A>(arguments)...));
    }
    /// Restores the default action; false if nothing was registered.
    bool remove_signal_handler(int signal) noexcept { return unregister_signal(signal, true); }

    // --- errors and debugging -------------------------------------------------------------------
    /// Replaces default_exception_handler(); null restores it.
    void set_exception_handler(ExceptionHandler handler) {
        exception_handler_ = std::move(handler);
    }
    [[nodiscard]] const ExceptionHandler& get_exception_handler() const noexcept {
        return exception_handler_;
    }
    /// Reports an error nobody else can receive. Only an ExitError thrown by the handler leaves it.
    void call_exception_handler(const ExceptionContext& context);
    /// Writes the message and the details to stderr.
    void default_exception_handler(const ExceptionContext& context);

    /// Debug mode reports slow callbacks and refuses, with RuntimeError, calls from another thread
    /// than the running loop's: those that queue, make tasks, complete and cancel futures, or wake
    /// a task. On from the start with GYRE_DEBUG=1.
    void set_debug(bool enabled) noexcept;
    [[nodiscard]] bool get_debug() const noexcept { return debug_; }
    /// What takes at least as long is reported in debug mode; 100 ms at first.
    detail::AnyDuration slow_callback_duration = std::chrono::milliseconds(100);

    struct Statistics {
        std::size_t ready;        ///< callbacks and steps that are queued
        std::size_t timers;       ///< timers that are not due
        std::size_t descriptors;  ///< readers and writers
        std::size_t signals;      ///< signal handlers
        std::size_t posts;        ///< results of other threads that are under way
    };
    [[nodiscard]] Statistics statistics() const noexcept;

    // --- for runtime/ ---------------------------------------------------------------------------
    using Extension = detail::LoopExtension;
    [[nodiscard]] Extension* extension() const noexcept { return extension_.get(); }
    void set_extension(std::unique_ptr<Extension> extension) noexcept {
        extension_ = std::move(extension);
    }

    /// Queues a node that the caller keeps alive. Also on a closed loop, where it never runs.
    void queue(detail::Ready& node) noexcept { ready_.push(node); }
    /// Forgets what is queued, as close() does.
    void drop_queued() noexcept;
    void add_timer(detail::Timer& timer, Duration when) { timers_.add(timer, when); }
    void cancel_timer(detail::Timer& timer) noexcept { timers_.cancel(timer); }
    [[nodiscard]] Duration deadline_after(Duration delay) noexcept {
        return detail::saturating_add(time(), delay);
    }

    /// Where to receive into, for as long as a callback lasts.
    [[nodiscard]] std::span<char> read_buffer() { return resources_.read_buffer(); }

    /// The mailbox for other threads; may be kept longer than the loop.
    [[nodiscard]] const std::shared_ptr<detail::Inbox>& inbox() const noexcept { return inbox_; }
    /// Another thread will post something: waiting for it is no deadlock.
    void expect_post() noexcept { ++expected_posts_; }
    void forget_post() noexcept { --expected_posts_; }

    /// Futures keep the closed shell of their loop alive.
    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) {
            destroy();
        }
    }

    void check_open() const {
        if (closed_) [[unlikely]] {
            throw_closed();
        }
    }
    /// In debug mode: throws RuntimeError on another thread than the one that runs the loop.
    void check_thread() const {
        if (debug_) [[unlikely]] {
            check_running_thread();
        }
    }

    /// What run() uses for Ctrl-C: as add_signal_handler(SIGINT, …), and a third Ctrl-C that nobody
    /// took notice of gets the default action, so that a program stuck in one callback can be
    /// ended. False, and nothing is done, outside the main thread or if SIGINT has not its default
    /// action.
    template <class F>
    bool add_interrupt_handler(F&& function) {
        check_call();
        return register_interrupt(make_callback(false, std::forward<F>(function)));
    }
    /// Leaves a handler that add_signal_handler(SIGINT, …) put in its place.
    void remove_interrupt_handler() noexcept { unregister_signal(SIGINT, false); }

    virtual ~EventLoop();  // by delete alone: see operator delete

protected:
    EventLoop();

    // --- what a backend supplies ----------------------------------------------------------------
    static constexpr Duration kForever = Duration::max();

    /// Waits until I/O completes or wake() is called, at most `timeout` (0: not at all), and hands
    /// what it found to fd_ready(), complete() and signal_arrived(). May return early.
    virtual void poll(Duration timeout) = 0;

    /// Makes a poll() that waits return, or the next one not wait. Any thread, also a signal
    /// handler.
    virtual void wake() noexcept = 0;

    /// Passes the state to fd_ready() in each poll that finds the descriptor readable (or
    /// writable). Replaces nothing: the shared part has removed a previous registration.
    virtual void watch_fd(int fd, bool writer, detail::HandleState& state) = 0;
    /// Forgets the registration and returns true, or returns false if there is none.
    virtual bool unwatch_fd(int fd, bool writer) noexcept = 0;

    /// Has signal_arrived() called after the signal came. The default uses sigaction and wake().
    virtual void watch_signal(int signal);
    virtual void unwatch_signal(int signal) noexcept;

    /// What carries a stream: the default watches the descriptor. Takes nothing over if it throws.
    [[nodiscard]] virtual std::unique_ptr<detail::StreamIo> make_stream_io(
        Socket& descriptor, detail::StreamClient& client);

    /// How many registrations there are of watch_fd(), and of streams of the backend's own.
    [[nodiscard]] virtual std::size_t watched_fds() const noexcept = 0;

    /// Frees the backend's own resources. Called once, last.
    virtual void close_backend() noexcept = 0;

    /// An operation completed: it runs behind what is queued, before the timers that are due.
    void complete(detail::Ready& operation) noexcept { completed_.push(operation); }
    /// A watched descriptor is ready.
    void fd_ready(detail::HandleState& state) noexcept;
    /// Takes a registration out of use, for a backend that forgets it.
    static void drop_registration(detail::HandleState& state) noexcept;
    void signal_arrived(int signal) noexcept;

    /// The loop's clock is now() alone and moves only by set_now().
    void simulate_clock(Duration start) noexcept;
    [[nodiscard]] Duration now() const noexcept { return now_; }
    void set_now(Duration now) noexcept { now_ = now; }
    /// Runs the callbacks of an iteration in an order drawn from the seed.
    void shuffle(std::uint64_t seed);
    [[nodiscard]] std::size_t expected_posts() const noexcept { return expected_posts_; }
    [[nodiscard]] std::size_t watched_signals() const noexcept;
    /// True if the poll brought something to run.
    [[nodiscard]] bool found_anything() const noexcept {
        return !completed_.empty() || !inbox_->empty() || pending_signals_.load() != 0;
    }

private:
    friend class detail::DescriptorTransport;
    friend class detail::Inbox;
    friend class detail::HandleState;
    friend class detail::Resource;
    friend class detail::Watcher;
    friend struct detail::SignalTable;

    template <class F, class... A>
    detail::HandleState* make_callback(bool threadsafe, F&& function, A&&... arguments) {
        using State = detail::Callback<std::decay_t<F>, std::decay_t<A>...>;
        return new State(*this, threadsafe, std::forward<F>(function),
                         std::forward<A>(arguments)...);
    }

    struct Registration {
        detail::HandleState* state;
        bool native;  // by the backend's watch_signal()
    };

    static Duration monotonic_now() noexcept {
        return std::chrono::duration_cast<Duration>(
            std::chrono::steady_clock::now().time_since_epoch());
    }

    void check_call() {
        if (!running_) {
            check_open();  // one that runs is open
        }
        if (running_ ? debug_ : !inbox_->empty()) [[unlikely]] {
            prepare_call();
        }
    }
    void prepare_call();
    [[noreturn]] static void throw_closed();
    void check_running_thread() const;
    Handle post_or_throw(detail::HandleState* state);
    void check_user_fd(int fd);
    bool unregister_fd(int fd, bool writer);
    Handle register_fd(int fd, bool writer, detail::HandleState* state);
    void register_signal(int signal, detail::HandleState* state);
    bool unregister_signal(int signal, bool native) noexcept;
    bool register_interrupt(detail::HandleState* state);

    void iterate();
    void iterate_once();
    void run_single();
    void poll_once();
    void take_signals() noexcept;
    void run_node(detail::Ready& node);
    void run_timed(detail::Ready& node);
    void run_specially();
    void shuffle_ready();
    void destroy() noexcept;

    detail::ReadyQueue ready_;
    detail::ReadyQueue completed_;  // what the poll found
    detail::TimerQueue timers_;
    Duration now_{};  // the last reading of the clock
    detail::PollPace pace_;
    std::uint32_t references_ = 1;
    bool running_ = false;
    bool stopping_ = false;
    bool closed_ = false;
    bool simulated_ = false;
    bool debug_ = false;
    bool special_ = false;  // debug mode, or a shuffled order
    std::size_t expected_posts_ = 0;
    std::shared_ptr<detail::Inbox> inbox_;
    std::atomic<std::uint64_t> pending_signals_{0};
    std::map<int, Registration> signals_;
    ExceptionHandler exception_handler_;
    detail::Resources resources_;
    std::unique_ptr<Extension> extension_;
    std::unique_ptr<std::mt19937_64> shuffler_;
};

namespace detail {
/// The loop that runs on this thread, or null.
GYRE_API extern GYRE_THREAD_LOCAL EventLoop* running_loop;
[[noreturn]] GYRE_API void throw_no_running_loop();
/// From a destructor: to the running loop's exception handler, or without a loop to stderr.
GYRE_API void report_quietly(const ExceptionContext& context) noexcept;

template <class F>
void Watcher::watch(int fd, bool writer, F&& function) {
    watch_state(fd, writer, loop_.make_callback(false, std::forward<F>(function)));
}
}  // namespace detail

/// The loop that runs on this thread. Throws RuntimeError if none does.
/// asyncio: get_running_loop.
[[nodiscard]] inline EventLoop& get_running_loop() {
    if (detail::running_loop == nullptr) [[unlikely]] {
        detail::throw_no_running_loop();
    }
    return *detail::running_loop;
}

}  // namespace gyre
