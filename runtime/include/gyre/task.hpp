// Task: a coroutine that runs beside its creator.
#pragma once

#include <gyre/context.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/future.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gyre {

template <class T = void>
class Task;

/// A context or none, for options: the context outlives the call that takes them.
class ContextRef {
public:
    constexpr ContextRef(std::nullptr_t /*none*/ = nullptr) noexcept {}
    constexpr ContextRef(const Context* context) noexcept : context_(context) {}
    constexpr ContextRef(const Context& context) noexcept : context_(&context) {}

    [[nodiscard]] constexpr const Context* get() const noexcept { return context_; }

private:
    const Context* context_ = nullptr;
};

/// How a task is made.
struct TaskOptions {
    std::string_view name = {};  ///< empty: "Task-N"
    ContextRef context = {};     ///< the context to run in; none: a copy of the creator's
    bool eager_start = false;    ///< run to the first suspension before create_task() returns
};
static_assert(std::is_trivially_destructible_v<TaskOptions>);

namespace detail {

template <class T>
class TaskState final : public TaskBase {
public:
    TaskState(EventLoop& loop, CoroOwner<T>&& body) : TaskBase(loop, body.release()) {
        set_storage(storage_);
    }

private:
    ~TaskState() override = default;

    [[nodiscard]] CoroPromise<T>& promise() const noexcept {
        return std::coroutine_handle<CoroPromise<T>>::from_address(body().address()).promise();
    }
    bool take_result() override {
        if (promise().failed()) {
            return false;
        }
        if constexpr (!std::is_void_v<T>) {
            storage_.set(std::move(promise().value()));
        }
        return true;
    }

    [[no_unique_address]] Storage<T> storage_;
};

}  // namespace detail

/// A task of any result type, or none: what current_task() and all_tasks() give.
///
/// ```
/// std::vector<AnyTask> tasks = all_tasks();
/// std::erase(tasks, current_task());
/// for (const AnyTask& task : tasks) task.cancel();
/// co_await gather(return_exceptions, tasks);
/// ```
///
/// Awaiting it is awaiting the task, without its result. asyncio: Task, where its result does not
/// matter.
class GYRE_API AnyTask {
public:
    AnyTask() = default;
    explicit AnyTask(detail::TaskRef state) noexcept : state_(std::move(state)) {}
    /// Of a future that is a task.
    explicit AnyTask(const detail::FutureRef& state) noexcept
        : state_(detail::TaskRef::share(state->as_task())) {}

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(state_); }
    bool operator==(const AnyTask&) const = default;
    auto operator<=>(const AnyTask&) const = default;
    bool operator==(std::nullptr_t) const noexcept { return !state_; }

    [[nodiscard]] bool done() const { return task().done(); }
    [[nodiscard]] bool cancelled() const { return task().cancelled(); }
    bool cancel(std::string_view message = {}) const {
        task().loop().check_thread();
        return task().cancel(message);
    }
    std::uint32_t uncancel() const { return task().uncancel(); }
    [[nodiscard]] std::uint32_t cancelling() const { return task().cancelling(); }
    [[nodiscard]] std::exception_ptr exception() const { return task().exception(); }
    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    [[nodiscard]] std::string get_coro() const { return task().where(); }
    [[nodiscard]] Context get_context() const { return Context(task().shared_context()); }
    [[nodiscard]] EventLoop& get_loop() const { return task().loop(); }

    /// As a future's.
    template <class F>
    DoneToken add_done_callback(F&& f) const {
        return DoneToken(detail::add_done_callback<AnyTask>(task(), std::forward<F>(f)));
    }
    std::size_t remove_done_callback(DoneToken token) const {
        return detail::remove_done_callback(task(), token.id());
    }

    [[nodiscard]] detail::FutureAwaiter<void, void> operator co_await() const {
        return detail::FutureAwaiter<void, void>(detail::FutureRef::share(&task()));
    }

    [[nodiscard]] const detail::TaskRef& state() const noexcept { return state_; }

private:
    [[nodiscard]] detail::TaskBase& task() const {
        if (!state_) [[unlikely]] {
            detail::throw_no_future();
        }
        return *state_;
    }

    detail::TaskRef state_;
};

/// A coroutine that the loop runs on its own: a handle to it, and the future of its result.
///
/// ```
/// Task<Page> page = create_task(fetch(url), {.name = "page"});
/// co_await draw_frame();
/// show(co_await page);
/// ```
///
/// The first step runs in the next iteration. The task lives until its body ends, handles or not;
/// the loop owns it. An exception that nobody asks for is reported when the last handle goes.
///
/// Cancellation: cancel() has CancelledError thrown where the body waits, in the next iteration;
/// what the body waits for is cancelled first. A body that has not begun is never entered. A body
/// may catch the error and go on; cancelling() counts the requests, uncancel() takes one back.
/// Thread rule: the loop's thread. asyncio: Task.
template <class T>
class Task : public Future<T> {
public:
    Task() = default;
    explicit Task(detail::FutureRef state) noexcept : Future<T>(std::move(state)) {}

    /// Asks the task to stop: true unless it is done. cancelled() only turns true when the body has
    /// ended so.
    bool cancel(std::string_view message = {}) const {
        task().loop().check_thread();
        return task().cancel(message);
    }
    /// Takes one request back; returns how many are left. At 0 an error not yet thrown is not
    /// thrown.
    std::uint32_t uncancel() const { return task().uncancel(); }
    /// How many cancel() requests were not taken back.
    [[nodiscard]] std::uint32_t cancelling() const { return task().cancelling(); }

    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    /// The coroutine that runs, with the file and line where it waits.
    [[nodiscard]] std::string get_coro() const { return task().where(); }
    /// The context that it runs in, not a copy.
    [[nodiscard]] Context get_context() const { return Context(task().shared_context()); }

    template <class F>
    DoneToken add_done_callback(F&& f) const {
        return DoneToken(detail::add_done_callback<Task>(this->base(), std::forward<F>(f)));
    }

    operator AnyTask() const { return AnyTask(detail::TaskRef::share(&task())); }

private:
    [[nodiscard]] detail::TaskBase& task() const { return *this->base().as_task(); }
};

/// Makes the task that a task factory is asked for; once.
class GYRE_API TaskMaker {
public:
    TaskMaker() = default;
    TaskMaker(const TaskMaker&) = delete;
    TaskMaker& operator=(const TaskMaker&) = delete;
    virtual AnyTask operator()(TaskOptions options) = 0;

protected:
    ~TaskMaker() = default;
};

/// What stands between create_task() and the task: sees every task that is made, and may change its
/// options.
///
/// ```
/// set_task_factory(loop, [&](EventLoop&, TaskMaker& make, TaskOptions options) {
///     ++tasks_made;
///     return make(options);
/// });
/// ```
///
/// asyncio: a task factory.
using TaskFactory = std::function<AnyTask(EventLoop& loop, TaskMaker& make, TaskOptions options)>;

/// Replaces the loop's task factory; an empty one restores the default. asyncio:
/// loop.set_task_factory.
GYRE_API void set_task_factory(EventLoop& loop, TaskFactory factory);
/// Empty for the default. asyncio: loop.get_task_factory.
[[nodiscard]] GYRE_API TaskFactory get_task_factory(EventLoop& loop);
/// A factory that makes every task with eager_start. asyncio: eager_task_factory.
GYRE_API AnyTask eager_task_factory(EventLoop& loop, TaskMaker& make, TaskOptions options);

namespace detail {
/// Null for the default.
[[nodiscard]] inline const TaskFactory* task_factory(EventLoop& loop) noexcept {
    const auto* data = static_cast<const LoopData*>(loop.extension());
    return data == nullptr ? nullptr : static_cast<const TaskFactory*>(data->factory.get());
}
template <class T>
[[nodiscard]] Task<T> make_plain_task(EventLoop& loop, Coro<T>&& coro);
template <class T>
[[nodiscard]] Task<T> make_plain_task(EventLoop& loop, Coro<T>&& coro, const TaskOptions& options);
template <class T>
[[nodiscard]] Task<T> make_task_by_factory(const TaskFactory& factory, EventLoop& loop,
                                           Coro<T>&& coro, const TaskOptions& options);
template <class T>
[[nodiscard]] Task<T> make_task(EventLoop& loop, Coro<T>&& coro) {
    if (const TaskFactory* const factory = task_factory(loop)) [[unlikely]] {
        return make_task_by_factory(*factory, loop, std::move(coro), {});
    }
    return make_plain_task(loop, std::move(coro));
}
template <class T>
[[nodiscard]] Task<T> make_task(EventLoop& loop, Coro<T>&& coro, const TaskOptions& options) {
    if (const TaskFactory* const factory = task_factory(loop)) [[unlikely]] {
        return make_task_by_factory(*factory, loop, std::move(coro), options);
    }
    return make_plain_task(loop, std::move(coro), options);
}
/// Throws RuntimeError where no loop runs, and disposes of the coroutine.
template <class T>
[[nodiscard]] EventLoop& loop_for(Coro<T>& coro) {
    if (running_loop == nullptr) [[unlikely]] {
        coro.close();
    }
    return get_running_loop();
}
}  // namespace detail

/// Makes a task of the coroutine, on the running loop. Throws RuntimeError outside of one; the
/// coroutine is disposed of then. asyncio: create_task.
template <class T>
[[gnu::always_inline]] inline Task<T> create_task(Coro<T> coro) {
    return detail::make_task(detail::loop_for(coro), std::move(coro));
}
template <class T>
Task<T> create_task(Coro<T> coro, TaskOptions options) {
    return detail::make_task(detail::loop_for(coro), std::move(coro), options);
}
/// The same on a given loop, which need not run yet. asyncio: loop.create_task.
template <class T>
Task<T> create_task(EventLoop& loop, Coro<T> coro) {
    return detail::make_task(loop, std::move(coro));
}
template <class T>
Task<T> create_task(EventLoop& loop, Coro<T> coro, TaskOptions options) {
    return detail::make_task(loop, std::move(coro), options);
}

namespace detail {

template <class F, class... A>
using CalledCoro = Coro<AwaitResult<std::invoke_result_t<F&, A&&...>>>;

// Keeps a callable and its arguments where the coroutine it returns can refer to them.
template <class F, class... A>
CalledCoro<F, A...> call_owned(F function, A... arguments) {
    auto coro = std::invoke(function, std::move(arguments)...);
    co_return co_await std::move(coro);
}

template <class C>
concept CoroLike = AnyCoro<C> || BareAwaitable<C>;

template <class F, class... A>
concept CoroFunction =
    !AnyCoro<F> && std::invocable<F&, A&&...> && CoroLike<std::invoke_result_t<F&, A&&...>>;

}  // namespace detail

/// The same for anything else that can be awaited: create_task(queue.get()).
template <class A>
requires detail::BareAwaitable<A>
auto create_task(A&& awaitable, TaskOptions options = {}) {
    return create_task(detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)), options);
}
template <class A>
requires detail::BareAwaitable<A>
auto create_task(EventLoop& loop, A&& awaitable, TaskOptions options = {}) {
    return create_task(loop, detail::await_held<std::decay_t<A>>(std::forward<A>(awaitable)),
                       options);
}

/// Makes a task of function(arguments…), a coroutine. The task owns the callable and the arguments,
/// so a lambda may capture.
template <class F, class... A>
requires detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>
auto create_task(F&& function, A&&... arguments) {
    auto coro = detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(function), std::forward<A>(arguments)...);
    return create_task(std::move(coro));
}
template <class F>
requires detail::CoroFunction<std::decay_t<F>>
auto create_task(F&& function, TaskOptions options) {
    auto coro = detail::call_owned<std::decay_t<F>>(std::forward<F>(function));
    return create_task(std::move(coro), options);
}
template <class F, class... A>
requires(detail::CoroFunction<std::decay_t<F>, std::decay_t<A>...>) auto create_task(
    EventLoop& loop, F&& function, A&&... arguments) {
    auto coro = detail::call_owned<std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(function), std::forward<A>(arguments)...);
    return create_task(loop, std::move(coro));
}
template <class F>
requires(detail::CoroFunction<std::decay_t<F>>) auto create_task(EventLoop& loop, F&& function,
                                                                 TaskOptions options) {
    auto coro = detail::call_owned<std::decay_t<F>>(std::forward<F>(function));
    return create_task(loop, std::move(coro), options);
}

/// The task that runs now; an empty handle in a plain callback. Throws RuntimeError without a
/// running loop. asyncio: current_task.
[[nodiscard]] GYRE_API AnyTask current_task();
/// The same for one loop, which need not run on this thread.
[[nodiscard]] GYRE_API AnyTask current_task(const EventLoop& loop);

/// The tasks that are not done, oldest first. asyncio: all_tasks.
[[nodiscard]] GYRE_API std::vector<AnyTask> all_tasks();
[[nodiscard]] GYRE_API std::vector<AnyTask> all_tasks(EventLoop& loop);

/// A task or future as it is; a coroutine as a new task. asyncio: ensure_future.
template <class T>
[[nodiscard]] Task<T> ensure_future(Coro<T> coro) {
    return create_task(std::move(coro));
}
template <class T>
[[nodiscard]] Task<T> ensure_future(Task<T> task) {
    return task;
}
template <class T>
[[nodiscard]] Future<T> ensure_future(Future<T> future) {
    return future;
}

[[nodiscard]] inline Future<> ensure_future(const AnyTask& task) {
    return Future<>(detail::FutureRef(task.state()));
}
/// Anything else that can be awaited (a sleep, a queue's get): as a new task that awaits it.
template <class A>
requires(detail::BareAwaitable<A>) [[nodiscard]] auto ensure_future(A&& operation) {
    return create_task(std::forward<A>(operation));
}

namespace detail {

/// take(future) for each of a collection. Coroutines and operations in it become tasks, in their
/// order.
template <class R, class F>
void for_each_future(R&& awaitables, F take) {
    using Reference = decltype(*std::begin(awaitables));
    using Each = std::decay_t<Reference>;
    // Handles are copied: a view's elements are not its own.
    constexpr bool consumed = AnyCoro<Each> || !std::is_lvalue_reference_v<Reference> ||
                              (BareAwaitable<Each> && !std::is_lvalue_reference_v<R>);
    for (auto&& each : awaitables) {
        if constexpr (consumed) {
            take(ensure_future(std::move(each)));
        } else {
            take(ensure_future(each));
        }
    }
}

template <class R>
[[nodiscard]] auto ensure_futures(R&& awaitables) {
    using Each = std::decay_t<decltype(*std::begin(awaitables))>;
    std::vector<decltype(ensure_future(std::declval<Each>()))> futures;
    for_each_future(std::forward<R>(awaitables),
                    [&futures](auto future) { futures.push_back(std::move(future)); });
    return futures;
}

}  // namespace detail

namespace detail {

template <class T>
[[nodiscard, gnu::always_inline]] inline Task<T> new_task(EventLoop& loop, Coro<T>&& coro) {
    CoroOwner<T> body = coro.take();
    loop.check_open();
    loop.check_thread();
    if (!body.get()) {
        throw_already_awaited();
    }
    const std::source_location made = body.get().promise().made();
    auto* const state = new TaskState<T>(loop, std::move(body));
    state->set_location(made);
    return Task<T>{FutureRef(state)};
}

}  // namespace detail

template <class T>
Task<T> detail::make_plain_task(EventLoop& loop, Coro<T>&& coro) {
    Task<T> task = new_task(loop, std::move(coro));
    static_cast<TaskBase&>(*task.state()).start(LoopData::of(loop));
    return task;
}

template <class T>
Task<T> detail::make_plain_task(EventLoop& loop, Coro<T>&& coro, const TaskOptions& options) {
    Task<T> task = new_task(loop, std::move(coro));
    auto& state = static_cast<TaskBase&>(*task.state());
    if (!options.name.empty()) {
        state.set_name(options.name);
    }
    if (const Context* context = options.context.get()) {
        state.share_context(context->box());
    }
    LoopData& data = LoopData::of(loop);
    if (options.eager_start) {
        state.start_eagerly(data);
    } else {
        state.start(data);
    }
    return task;
}

template <class T>
Task<T> detail::make_task_by_factory(const TaskFactory& factory, EventLoop& loop, Coro<T>&& coro,
                                     const TaskOptions& options) {
    class Maker final : public TaskMaker {
    public:
        Maker(EventLoop& loop, Coro<T>& coro) noexcept : loop_(loop), coro_(coro) {}
        AnyTask operator()(TaskOptions options) override {
            made = make_plain_task(loop_, std::move(coro_), options);
            return made;
        }
        Task<T> made;

    private:
        EventLoop& loop_;
        Coro<T>& coro_;
    };
    Maker make(loop, coro);
    try {
        static_cast<void>(factory(loop, make, options));
    } catch (...) {
        coro.close();
        throw;
    }
    if (!make.made) {
        coro.close();
        throw RuntimeError("the task factory is expected to make the task");
    }
    return make.made;
}

}  // namespace gyre

template <class T>
struct std::hash<gyre::Task<T>> : std::hash<gyre::Future<T>> {};
template <>
struct std::hash<gyre::AnyTask> {
    std::size_t operator()(const gyre::AnyTask& task) const noexcept {
        return std::hash<const void*>()(task.state().get());
    }
};
