#include <gyre/task.hpp>

namespace gyre {

AnyTask current_task() { return current_task(get_running_loop()); }

AnyTask current_task(const EventLoop& loop) {
    detail::TaskBase* task = detail::TaskBase::current();
    if (task == nullptr || &task->loop() != &loop) {
        return {};
    }
    return AnyTask(detail::TaskRef::share(task));
}

std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

std::vector<AnyTask> all_tasks(EventLoop& loop) {
    std::vector<AnyTask> all;
    for (detail::TaskRef& task : detail::LoopData::of(loop).tasks()) {
        all.emplace_back(std::move(task));
    }
    return all;
}

}  // namespace gyre
