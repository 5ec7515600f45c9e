// What the names in a statement stand for.
#include "interpreter.hpp"

#include <algorithm>

namespace scenario {

const Scenario::Task* Scenario::find_task(const std::string& name) const {
    const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                    [&](const auto& each) { return each.first == name; });
    return found == tasks_.end() ? nullptr : &found->second;
}

gyre::AnyTask Scenario::task(const std::string& name) const {
    if (name == "me") {
        return gyre::current_task();
    }
    if (const Task* found = find_task(name)) {
        return *found;
    }
    throw Skip("undefined");
}

Scenario::Future Scenario::awaitable(const std::string& name) const {
    if (const auto found = futures_.find(name); found != futures_.end()) {
        return found->second;
    }
    if (const Task* found = find_task(name == "me" ? me() : name)) {
        return *found;
    }
    throw Skip("undefined");
}

const Node& Scenario::new_task(const std::string& name, const std::string& routine) const {
    const auto found = routines_.find(routine);
    if (found == routines_.end() || find_task(name) != nullptr) {
        throw Skip("undefined");
    }
    return *found->second;
}

gyre::Coro<Value> Scenario::call(const std::string& routine) {
    return run_block(find(routines_, routine)->body, nullptr);
}

Scenario::Words Scenario::names(const Here& here, std::size_t first) {
    Words names;
    for (std::size_t index = first; here.has(index); ++index) {
        names.push_back(here.word(index) == "me" ? me() : here.word(index));
    }
    return names;
}

bool Scenario::leads_to_me(const Words& names) const {
    const std::string self = me();
    std::set<std::string> seen;
    Words todo = names;
    while (!todo.empty()) {
        const std::string name = std::move(todo.back());
        todo.pop_back();
        const Task* found = find_task(name);
        if (found == nullptr || found->done() || !seen.insert(name).second) {
            continue;
        }
        if (name == self) {
            return true;
        }
        for (const Named<Words>* next : {&awaited_, &children_}) {
            if (const auto each = next->find(name); each != next->end()) {
                todo.insert(todo.end(), each->second.begin(), each->second.end());
            }
        }
    }
    return false;
}

}  // namespace scenario
