// TaskOptions: how a task is made; TaskFactory: what may change that for a whole loop.
#pragma once

#include <gyre/context.hpp>
#include <gyre/detail/api.hpp>
#include <gyre/detail/loop_data.hpp>
#include <gyre/task_handle.hpp>

#include <cstddef>
#include <functional>
#include <string_view>
#include <type_traits>

namespace gyre {

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
}  // namespace detail

}  // namespace gyre
