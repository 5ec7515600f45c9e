// Blocks, and the statements that may wait.
#include "interpreter.hpp"

#include <algorithm>
#include <chrono>

namespace scenario {

using std::chrono::milliseconds;

namespace {

std::string list_of(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ",") + name;
    }
    return text.empty() ? "-" : text;
}

template <class Q>
gyre::Coro<> put_into(Q& queue, int item) {
    co_await queue.put(item);
}

template <class Q>
gyre::Coro<int> get_from(Q& queue) {
    const int item = co_await queue.get();
    co_return item;
}

}  // namespace

// --- blocks -------------------------------------------------------------------------------------

gyre::Coro<Outcome> Scenario::timeout(Here& here) {
    bool expired = false;
    const auto body = [&](gyre::Timeout& limit) -> gyre::Coro<Value> {
        Value returned = co_await run_block(here.node.body, here.caught);
        expired = limit.expired();
        co_return returned;
    };
    here.returned = co_await gyre::timeout(milliseconds(here.number(1)), body);
    co_return expired ? "expired" : "ok";
}

gyre::Coro<Outcome> Scenario::group(Here& here) {
    const std::string& name = here.word(1);
    if (groups_.contains(name)) {
        throw Skip("undefined");
    }
    const auto body = [&](gyre::TaskGroup& members) -> gyre::Coro<Value> {
        groups_.try_emplace(name, Group{&members, me()});
        return run_block(here.node.body, here.caught);
    };
    try {
        here.returned = co_await gyre::with_task_group(body);
    } catch (...) {
        groups_.erase(name);
        throw;
    }
    groups_.erase(name);
    co_return "ok";
}

gyre::Coro<Outcome> Scenario::with(Here& here) {
    const std::string& name = here.word(1);
    if (const auto lock = locks_.find(name); lock != locks_.end()) {
        return with_resource(here, lock->second);
    }
    if (const auto condition = conditions_.find(name); condition != conditions_.end()) {
        return with_resource(here, condition->second);
    }
    return with_resource(here, *find(semaphores_, name));
}

template <class L>
gyre::Coro<Outcome> Scenario::with_resource(Here& here, L& resource) {
    const auto body = [&]() -> gyre::Coro<Value> {
        log(here.node.text() + " -> entered");
        return run_block(here.node.body, here.caught);
    };
    here.returned = co_await gyre::with(resource, body);
    co_return "left";
}

// --- statements that may wait -------------------------------------------------------------------

/// For as long as the running task awaits other tasks.
class Scenario::Awaiting {
public:
    Awaiting(Scenario& scenario, Words names) : awaited_(scenario.awaited_[me()]) {
        if (scenario.leads_to_me(names)) {
            throw Skip("deadlock");
        }
        awaited_ = std::move(names);
    }
    Awaiting(const Awaiting&) = delete;
    Awaiting& operator=(const Awaiting&) = delete;
    ~Awaiting() { awaited_.clear(); }

private:
    Words& awaited_;
};

gyre::Coro<Outcome> Scenario::sleep(Here& here) {
    co_await gyre::sleep(milliseconds(here.number(1)));
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::await(Here& here) {
    const Future target = awaitable(here.word(1));
    std::optional<Awaiting> awaiting;
    const Task* const itself = find_task(me());
    if (itself == nullptr || Future(*itself) != target) {
        awaiting.emplace(*this, names(here, 1));
    }
    const Value value = co_await target;
    co_return show(value);
}

gyre::Coro<Outcome> Scenario::gather(Here& here) {
    const bool with_exceptions = here.word(1) == "rx";
    Words words = names(here, with_exceptions ? 2 : 1);
    std::vector<Future> targets;
    for (const std::string& name : words) {
        targets.push_back(awaitable(name));
    }
    const Awaiting awaiting(*this, std::move(words));
    if (with_exceptions) {
        auto gathered = gyre::gather(gyre::return_exceptions, std::move(targets));
        const std::vector<gyre::Result<Value>> results = co_await std::move(gathered);
        co_return show(results);
    }
    auto gathered = gyre::gather(std::move(targets));
    const std::vector<Value> values = co_await std::move(gathered);
    co_return show(values);
}

gyre::Coro<Outcome> Scenario::wait(Here& here) {
    gyre::WaitOptions options;
    options.return_when = here.word(1) == "first"       ? gyre::FIRST_COMPLETED
                          : here.word(1) == "exception" ? gyre::FIRST_EXCEPTION
                                                        : gyre::ALL_COMPLETED;
    std::size_t first = 2;
    if (here.word(2) == "timeout") {
        options.timeout = milliseconds(here.number(3));
        first = 4;
    }
    const Words words = names(here, first);
    std::vector<Future> targets;
    for (const std::string& name : words) {
        targets.push_back(awaitable(name));
    }
    const gyre::WaitResult<Future> result = co_await gyre::wait(targets, options);
    const auto names_of = [&](const std::vector<Future>& part) {
        std::set<std::string> names;
        for (const Future& each : part) {
            const auto place = std::find(targets.begin(), targets.end(), each) - targets.begin();
            names.insert(words[static_cast<std::size_t>(place)]);
        }
        return list_of(names);
    };
    co_return "done " + names_of(result.done) + " pending " + names_of(result.pending);
}

gyre::Coro<Outcome> Scenario::wait_for(Here& here) {
    const milliseconds limit(here.number(1));
    const std::string& name = here.word(2);
    if (routines_.contains(name)) {
        const Value value = co_await gyre::wait_for(call(name), limit);
        co_return show(value);
    }
    const Future target = awaitable(name);
    const Awaiting awaiting(*this, names(here, 2));
    const Value value = co_await gyre::wait_for(target, limit);
    co_return show(value);
}

gyre::Coro<Outcome> Scenario::shield(Here& here) {
    const Future shielded = gyre::shield(awaitable(here.word(1)));
    const Value value = co_await shielded;
    co_return show(value);
}

gyre::Coro<Outcome> Scenario::call_routine(Here& here) {
    const Value value = co_await call(here.word(1));
    co_return show(value);
}

gyre::Coro<Outcome> Scenario::acquire(Here& here) {
    co_await find(locks_, here.word(1)).acquire();
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::acquire_semaphore(Here& here) {
    co_await find(semaphores_, here.word(1))->acquire();
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::wait_event(Here& here) {
    co_await find(events_, here.word(1)).wait();
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::wait_condition(Here& here) {
    co_await find(conditions_, here.word(1)).wait();
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::put(Here& here) {
    const int item = here.number(2);
    AnyQueue& queue = find(queues_, here.word(1));
    co_await std::visit([item](auto& each) { return put_into(each, item); }, queue);
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::get(Here& here) {
    AnyQueue& queue = find(queues_, here.word(1));
    const int item = co_await std::visit([](auto& each) { return get_from(each); }, queue);
    co_return std::to_string(item);
}

gyre::Coro<Outcome> Scenario::join_queue(Here& here) {
    AnyQueue& queue = find(queues_, here.word(1));
    co_await std::visit([](auto& each) { return each.join(); }, queue);
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::wait_barrier(Here& here) {
    const std::size_t place = co_await find(barriers_, here.word(1)).wait();
    co_return std::to_string(place);
}

gyre::Coro<Outcome> Scenario::raise(Here& here) {
    if (here.word(1) == "Cancelled") {
        throw gyre::CancelledError();
    }
    throw Failure(here.word(1));
}

gyre::Coro<Outcome> Scenario::leave(Here& here) {
    here.returned = here.word(1);
    co_return std::nullopt;
}

gyre::Coro<Outcome> Scenario::reraise(Here& here) {
    if (here.caught == nullptr) {
        throw Skip("undefined");
    }
    std::rethrow_exception(here.caught);
}

}  // namespace scenario
