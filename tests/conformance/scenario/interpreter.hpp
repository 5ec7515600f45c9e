// Scenario: runs the statements of a scenario's text and writes its trace.
#pragma once

#include "parse.hpp"
#include "trace.hpp"

#include <gyre/gyre.hpp>

#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace scenario {

/// What a statement's line says behind " -> "; unset: nothing.
using Outcome = std::optional<std::string>;

class Scenario {
public:
    /// Throws std::invalid_argument for a text that is no scenario.
    explicit Scenario(std::string_view text);

    /// Runs it on a new loop, once; gives the lines of the trace.
    [[nodiscard]] std::vector<std::string> run(std::string_view loop);

private:
    using Words = std::vector<std::string>;
    using Future = gyre::Future<Value>;
    using Task = gyre::Task<Value>;
    using AnyQueue = std::variant<gyre::Queue<int>, gyre::LifoQueue<int>, gyre::PriorityQueue<int>>;
    template <class T>
    using Named = std::map<std::string, T, std::less<>>;

    /// A statement that is being run.
    struct Here {
        const Node& node;
        std::exception_ptr caught;  // by the handler it stands in
        Value returned;             // what a `return` in it gives

        [[nodiscard]] const std::string& word(std::size_t index) const { return node.words[index]; }
        [[nodiscard]] int number(std::size_t index) const { return to_int(node, index); }
        [[nodiscard]] bool has(std::size_t index) const { return node.words.size() > index; }
    };

    /// One verb: exactly one of the functions is set.
    struct Statement {
        std::size_t words;                      // at least, the verb included
        Outcome (Scenario::*now)(const Here&);  // cannot wait: its error is its outcome
        gyre::Coro<Outcome> (Scenario::*waiting)(Here&);
    };
    static const Named<Statement>& statements();

    struct Group {
        gyre::TaskGroup* members;
        std::string owner;
    };
    class Awaiting;

    static void check(const std::vector<Node>& block);

    // the whole
    gyre::Coro<> drive();
    void declare(const Node& node);
    void declare_condition(const Node& node);
    void declare_queue(const Node& node);
    gyre::Coro<Value> task_body(std::string name, const Node& routine);
    void add_task(const std::string& name, Task task);
    void task_ended(const std::string& name, const Task& task);
    [[nodiscard]] std::vector<std::string> unfinished() const;

    // the trace
    [[nodiscard]] static std::string me();
    void log(const std::string& what);
    void log(const std::string& who, const std::string& what);

    // names; each throws a Skip for one that does not fit
    template <class T>
    T& find(Named<T>& objects, const std::string& name);
    [[nodiscard]] const Task* find_task(const std::string& name) const;
    [[nodiscard]] gyre::AnyTask task(const std::string& name) const;
    [[nodiscard]] Future awaitable(const std::string& name) const;
    [[nodiscard]] const Node& new_task(const std::string& name, const std::string& routine) const;
    gyre::Coro<Value> call(const std::string& routine);
    [[nodiscard]] static Words names(const Here& here, std::size_t first);
    [[nodiscard]] bool leads_to_me(const Words& names) const;

    // running
    gyre::Coro<Value> run_block(const std::vector<Node>& block, std::exception_ptr caught);
    gyre::Coro<Value> run_try(const Node& node, std::exception_ptr caught);
    gyre::Coro<Value> run_statement(const Node& node, std::exception_ptr caught);
    [[nodiscard]] Outcome run_now(const Statement& statement, const Here& here);

    // blocks
    gyre::Coro<Outcome> timeout(Here& here);
    gyre::Coro<Outcome> group(Here& here);
    gyre::Coro<Outcome> with(Here& here);
    template <class L>
    gyre::Coro<Outcome> with_resource(Here& here, L& resource);

    // statements that cannot wait
    Outcome log_word(const Here& here);
    Outcome spawn(const Here& here);
    Outcome group_spawn(const Here& here);
    Outcome cancel(const Here& here);
    Outcome cancel_future(const Here& here);
    Outcome uncancel(const Here& here);
    Outcome cancelling(const Here& here);
    Outcome set_future(const Here& here);
    Outcome fail_future(const Here& here);
    Outcome release(const Here& here);
    Outcome set_event(const Here& here);
    Outcome clear_event(const Here& here);
    Outcome release_semaphore(const Here& here);
    Outcome notify(const Here& here);
    Outcome notify_all(const Here& here);
    Outcome put_now(const Here& here);
    Outcome get_now(const Here& here);
    Outcome task_done(const Here& here);
    Outcome shut_down_queue(const Here& here);
    Outcome callback(const Here& here);
    Outcome later(const Here& here);
    Outcome done_callback(const Here& here);

    // statements that may wait
    gyre::Coro<Outcome> sleep(Here& here);
    gyre::Coro<Outcome> await(Here& here);
    gyre::Coro<Outcome> gather(Here& here);
    gyre::Coro<Outcome> wait(Here& here);
    gyre::Coro<Outcome> wait_for(Here& here);
    gyre::Coro<Outcome> shield(Here& here);
    gyre::Coro<Outcome> call_routine(Here& here);
    gyre::Coro<Outcome> acquire(Here& here);
    gyre::Coro<Outcome> acquire_semaphore(Here& here);
    gyre::Coro<Outcome> wait_event(Here& here);
    gyre::Coro<Outcome> wait_condition(Here& here);
    gyre::Coro<Outcome> put(Here& here);
    gyre::Coro<Outcome> get(Here& here);
    gyre::Coro<Outcome> join_queue(Here& here);
    gyre::Coro<Outcome> wait_barrier(Here& here);
    gyre::Coro<Outcome> raise(Here& here);
    gyre::Coro<Outcome> leave(Here& here);
    gyre::Coro<Outcome> reraise(Here& here);

    std::vector<Node> declarations_;
    std::vector<std::string> trace_;
    bool ended_ = false;

    Named<const Node*> routines_;
    Named<Future> futures_;
    Named<gyre::Lock> locks_;
    Named<gyre::Event> events_;
    Named<std::unique_ptr<gyre::Semaphore>> semaphores_;
    Named<gyre::Condition> conditions_;
    Named<AnyQueue> queues_;
    Named<gyre::Barrier> barriers_;

    std::vector<std::pair<std::string, Task>> tasks_;  // in order of creation
    Named<Group> groups_;
    Named<Words> awaited_;           // by a task, at this moment
    Named<Words> children_;          // the members of a task's groups
    Named<std::string> last_words_;  // the CancelledError that left a task's body
};

/// Why a statement is skipped.
class Skip {
public:
    explicit Skip(const char* reason) noexcept : reason_(reason) {}
    [[nodiscard]] const char* reason() const noexcept { return reason_; }

private:
    const char* reason_;
};

template <class T>
T& Scenario::find(Named<T>& objects, const std::string& name) {
    const auto found = objects.find(name);
    if (found == objects.end()) {
        throw Skip("undefined");
    }
    return found->second;
}

}  // namespace scenario
