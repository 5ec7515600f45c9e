#include <gyre/detail/loop_data.hpp>
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

void set_task_factory(EventLoop& loop, TaskFactory factory) {
    detail::LoopData& data = detail::LoopData::of(loop);
    data.factory = factory ? std::make_shared<TaskFactory>(std::move(factory)) : nullptr;
}

TaskFactory get_task_factory(EventLoop& loop) {
    const TaskFactory* factory = detail::task_factory(loop);
    return factory == nullptr ? TaskFactory() : *factory;
}

AnyTask eager_task_factory(EventLoop& /*loop*/, TaskMaker& make, TaskOptions options) {
    options.eager_start = true;
    return make(options);
}

}  // namespace gyre
