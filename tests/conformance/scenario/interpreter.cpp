#include "interpreter.hpp"

#include <chrono>

namespace scenario {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kMainLimit{5000};
constexpr milliseconds kCleanupLimit{1000};
constexpr int kCleanupRounds = 10;

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += " " + name;
    }
    return text;
}

}  // namespace

Scenario::Scenario(std::string_view text) : declarations_(parse(text)) {
    for (const Node& node : declarations_) {
        const std::string& name = word_of(node, 1);
        if (node.words[0] == "routine") {
            check(node.body);
            routines_[name] = &node;
        }
    }
    if (!routines_.contains("main")) {
        complain(1, "a routine main is missing");
    }
}

void Scenario::check(const std::vector<Node>& block) {
    for (const Node& node : block) {
        const std::string& verb = node.words.front();
        if (verb != "try") {
            const auto found = statements().find(verb);
            if (found == statements().end()) {
                complain(node.line, "there is no statement " + verb);
            }
            static_cast<void>(word_of(node, found->second.words - 1));
        }
        check(node.body);
        for (const auto& clause : node.clauses) {
            check(clause.second);
        }
    }
}

// --- the whole ----------------------------------------------------------------------------------

std::vector<std::string> Scenario::run(std::string_view spec) {
    const std::unique_ptr<gyre::EventLoop> loop = gyre::new_event_loop(spec);
    loop->set_exception_handler([](gyre::EventLoop&, const gyre::ExceptionContext&) {});
    const auto driver = gyre::create_task(*loop, drive(), {.name = "-"});
    gyre::run_until_complete(*loop, driver);
    futures_.clear();  // while there is a handler for the errors that nobody asked for
    loop->close();
    return std::move(trace_);
}

gyre::Coro<> Scenario::drive() {
    for (const Node& node : declarations_) {
        declare(node);
    }
    const Node& routine = new_task("main", "main");
    add_task("main", gyre::create_task(task_body("main", routine), {.name = "main"}));
    std::vector<Task> waited{tasks_.front().second};
    co_await gyre::wait(waited, {.timeout = kMainLimit + kCleanupLimit});
    for (int round = 0; round < kCleanupRounds; ++round) {
        const std::vector<std::string> rest = unfinished();
        if (rest.empty()) {
            break;
        }
        log("cleanup" + list_of(rest));
        waited.clear();
        for (const std::string& name : rest) {
            waited.push_back(*find_task(name));
            waited.back().cancel();
        }
        co_await gyre::wait(waited, {.timeout = kCleanupLimit});
    }
    const std::vector<std::string> rest = unfinished();
    if (!rest.empty()) {
        log("stuck" + list_of(rest));
    }
    log("end");
    ended_ = true;
}

void Scenario::declare(const Node& node) {
    const std::string& kind = node.words[0];
    const std::string& name = node.words[1];
    if (kind == "future") {
        futures_[name] = gyre::create_future<Value>();
    } else if (kind == "lock") {
        locks_.try_emplace(name);
    } else if (kind == "event") {
        events_.try_emplace(name);
    } else if (kind == "sem") {
        semaphores_[name] = std::make_unique<gyre::Semaphore>(to_int(node, 2));
    } else if (kind == "bsem") {
        semaphores_[name] = std::make_unique<gyre::BoundedSemaphore>(to_int(node, 2));
    } else if (kind == "cond") {
        declare_condition(node);
    } else if (kind == "queue") {
        declare_queue(node);
    } else if (kind == "barrier") {
        barriers_.try_emplace(name, to_int(node, 2));
    } else if (kind != "routine") {
        complain(node.line, "there is no declaration " + kind);
    }
}

void Scenario::declare_condition(const Node& node) {
    if (node.words.size() == 2) {
        conditions_.try_emplace(node.words[1]);
        return;
    }
    const auto lock = locks_.find(node.words[2]);
    if (lock == locks_.end()) {
        complain(node.line, "there is no lock " + node.words[2]);
    }
    conditions_.try_emplace(node.words[1], lock->second);
}

void Scenario::declare_queue(const Node& node) {
    const std::string& order = word_of(node, 2);
    const int size = to_int(node, 3);
    if (order == "fifo") {
        queues_.try_emplace(node.words[1], std::in_place_type<gyre::Queue<int>>, size);
    } else if (order == "lifo") {
        queues_.try_emplace(node.words[1], std::in_place_type<gyre::LifoQueue<int>>, size);
    } else if (order == "priority") {
        queues_.try_emplace(node.words[1], std::in_place_type<gyre::PriorityQueue<int>>, size);
    } else {
        complain(node.line, "there is no queue " + order);
    }
}

gyre::Coro<Value> Scenario::task_body(std::string name, const Node& routine) {
    const auto body = [&] { return run_block(routine.body, nullptr); };
    try {
        Value returned;
        if (name == "main") {
            returned = co_await gyre::timeout(kMainLimit, body);
        } else {
            returned = co_await body();
        }
        co_return returned;
    } catch (const gyre::CancelledError&) {
        last_words_[name] = describe(std::current_exception());
        throw;
    }
}

void Scenario::add_task(const std::string& name, Task task) {
    tasks_.emplace_back(name, task);
    task.add_done_callback([this, name](const Task& done) { task_ended(name, done); });
}

void Scenario::task_ended(const std::string& name, const Task& task) {
    if (task.cancelled()) {
        const auto found = last_words_.find(name);
        log(name, "end ! " + (found == last_words_.end() ? "Cancelled" : found->second));
    } else if (const std::exception_ptr error = task.exception()) {
        log(name, "end ! " + describe(error));
    } else {
        log(name, "end -> " + show(task.result()));
    }
}

std::vector<std::string> Scenario::unfinished() const {
    std::vector<std::string> names;
    for (const auto& [name, task] : tasks_) {
        if (!task.done()) {
            names.push_back(name);
        }
    }
    return names;
}

// --- the trace ----------------------------------------------------------------------------------

std::string Scenario::me() {
    const gyre::AnyTask task = gyre::current_task();
    return task ? task.get_name() : "-";
}

void Scenario::log(const std::string& what) { log(me(), what); }

void Scenario::log(const std::string& who, const std::string& what) {
    if (!ended_) {
        const auto now = std::chrono::round<milliseconds>(gyre::get_running_loop().time());
        trace_.push_back(std::to_string(now.count()) + " " + who + " " + what);
    }
}

// --- running ------------------------------------------------------------------------------------

gyre::Coro<Value> Scenario::run_block(const std::vector<Node>& block, std::exception_ptr caught) {
    for (const Node& node : block) {
        Value returned;
        if (node.words.front() == "try") {
            returned = co_await run_try(node, caught);
        } else {
            returned = co_await run_statement(node, caught);
        }
        if (returned) {
            co_return returned;
        }
    }
    co_return std::nullopt;
}

gyre::Coro<Value> Scenario::run_statement(const Node& node, std::exception_ptr caught) {
    const Statement& statement = statements().find(node.words.front())->second;
    Here here{node, caught, {}};
    try {
        Outcome outcome;
        if (statement.now != nullptr) {
            outcome = run_now(statement, here);
        } else {
            outcome = co_await (this->*statement.waiting)(here);
        }
        log(outcome ? node.text() + " -> " + *outcome : node.text());
    } catch (const Skip& skip) {
        log(node.text() + " " + skip.reason());
    } catch (...) {
        log(node.text() + " ! " + describe(std::current_exception()));
        throw;
    }
    co_return here.returned;
}

Outcome Scenario::run_now(const Statement& statement, const Here& here) {
    try {
        return (this->*statement.now)(here);
    } catch (const Skip&) {
        throw;
    } catch (...) {
        return describe(std::current_exception());
    }
}

gyre::Coro<Value> Scenario::run_try(const Node& node, std::exception_ptr caught) {
    Value returned;
    std::exception_ptr failure;
    try {
        returned = co_await run_block(node.body, caught);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure != nullptr) {
        const char* const clause = is_cancelled(failure) ? "cancelled" : "except";
        if (const auto handler = node.clauses.find(clause); handler != node.clauses.end()) {
            log(std::string(clause) + " " + describe(failure));
            const std::exception_ptr handled = std::exchange(failure, nullptr);
            try {
                returned = co_await run_block(handler->second, handled);
            } catch (...) {
                failure = std::current_exception();
            }
        }
    }
    if (const auto last = node.clauses.find("finally"); last != node.clauses.end()) {
        log("finally");
        Value final = co_await run_block(last->second, caught);
        if (final) {
            co_return final;
        }
    }
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
    co_return returned;
}

}  // namespace scenario
