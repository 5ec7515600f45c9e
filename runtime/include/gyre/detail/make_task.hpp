// What stands behind create_task(): a task's state, and its making, by the loop's factory or
// without.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/detail/loop_data.hpp>
#include <gyre/detail/task_base.hpp>
#include <gyre/errors.hpp>
#include <gyre/task_factory.hpp>
#include <gyre/task_handle.hpp>

#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

namespace gyre::detail {

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

template <class T>
Task<T> make_plain_task(EventLoop& loop, Coro<T>&& coro) {
    Task<T> task = new_task(loop, std::move(coro));
    static_cast<TaskBase&>(*task.state()).start(LoopData::of(loop));
    return task;
}

template <class T>
Task<T> make_plain_task(EventLoop& loop, Coro<T>&& coro, const TaskOptions& options) {
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
Task<T> make_task_by_factory(const TaskFactory& factory, EventLoop& loop, Coro<T>&& coro,
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

}  // namespace gyre::detail
