// The statements that cannot wait.
#include "interpreter.hpp"

#include <chrono>

namespace scenario {

using std::chrono::milliseconds;

namespace {

std::string truth(bool value) { return value ? "true" : "false"; }

std::string_view message_in(const std::vector<std::string>& words) {
    return words.size() > 2 ? std::string_view(words[2]) : std::string_view();
}

}  // namespace

Outcome Scenario::log_word(const Here& /*here*/) { return {}; }

Outcome Scenario::spawn(const Here& here) {
    const std::string& name = here.word(1);
    const Node& routine = new_task(name, here.word(2));
    add_task(name, gyre::create_task(task_body(name, routine), {.name = name}));
    return {};
}

Outcome Scenario::group_spawn(const Here& here) {
    const Group& group = find(groups_, here.word(1));
    const std::string& name = here.word(2);
    const Node& routine = new_task(name, here.word(3));
    add_task(name, group.members->create_task(task_body(name, routine), {.name = name}));
    children_[group.owner].push_back(name);
    return {};
}

Outcome Scenario::cancel(const Here& here) {
    return truth(task(here.word(1)).cancel(message_in(here.node.words)));
}

Outcome Scenario::cancel_future(const Here& here) {
    return truth(find(futures_, here.word(1)).cancel(message_in(here.node.words)));
}

Outcome Scenario::uncancel(const Here& /*here*/) {
    return std::to_string(gyre::current_task().uncancel());
}

Outcome Scenario::cancelling(const Here& /*here*/) {
    return std::to_string(gyre::current_task().cancelling());
}

Outcome Scenario::set_future(const Here& here) {
    find(futures_, here.word(1)).set_result(here.word(2));
    return {};
}

Outcome Scenario::fail_future(const Here& here) {
    find(futures_, here.word(1)).set_exception(Failure(here.word(2)));
    return {};
}

Outcome Scenario::release(const Here& here) {
    find(locks_, here.word(1)).release();
    return {};
}

Outcome Scenario::set_event(const Here& here) {
    find(events_, here.word(1)).set();
    return {};
}

Outcome Scenario::clear_event(const Here& here) {
    find(events_, here.word(1)).clear();
    return {};
}

Outcome Scenario::release_semaphore(const Here& here) {
    find(semaphores_, here.word(1))->release();
    return {};
}

Outcome Scenario::notify(const Here& here) {
    find(conditions_, here.word(1)).notify(static_cast<std::size_t>(here.number(2)));
    return {};
}

Outcome Scenario::notify_all(const Here& here) {
    find(conditions_, here.word(1)).notify_all();
    return {};
}

Outcome Scenario::put_now(const Here& here) {
    std::visit([&](auto& queue) { queue.put_nowait(here.number(2)); }, find(queues_, here.word(1)));
    return {};
}

Outcome Scenario::get_now(const Here& here) {
    return std::visit([](auto& queue) { return std::to_string(queue.get_nowait()); },
                      find(queues_, here.word(1)));
}

Outcome Scenario::task_done(const Here& here) {
    std::visit([](auto& queue) { queue.task_done(); }, find(queues_, here.word(1)));
    return {};
}

Outcome Scenario::shut_down_queue(const Here& here) {
    std::visit([&](auto& queue) { queue.shutdown(here.has(2)); }, find(queues_, here.word(1)));
    return {};
}

Outcome Scenario::callback(const Here& here) {
    const std::string& name = here.word(1);
    gyre::get_running_loop().call_soon([this, &name] { log("run " + name); });
    return {};
}

Outcome Scenario::later(const Here& here) {
    const std::string& name = here.word(2);
    gyre::get_running_loop().call_later(milliseconds(here.number(1)),
                                        [this, &name] { log("run " + name); });
    return {};
}

Outcome Scenario::done_callback(const Here& here) {
    const std::string& name = here.word(2);
    awaitable(here.word(1)).add_done_callback([this, &name] { log("done " + name); });
    return {};
}

}  // namespace scenario
