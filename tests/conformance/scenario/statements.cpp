// The table of statements.
#include "interpreter.hpp"

namespace scenario {

const Scenario::Named<Scenario::Statement>& Scenario::statements() {
    static const Named<Statement> table{
        {"timeout", {2, nullptr, &Scenario::timeout}},
        {"group", {2, nullptr, &Scenario::group}},
        {"with", {2, nullptr, &Scenario::with}},

        {"log", {2, &Scenario::log_word, nullptr}},
        {"spawn", {3, &Scenario::spawn, nullptr}},
        {"gspawn", {4, &Scenario::group_spawn, nullptr}},
        {"cancel", {2, &Scenario::cancel, nullptr}},
        {"cancelf", {2, &Scenario::cancel_future, nullptr}},
        {"uncancel", {1, &Scenario::uncancel, nullptr}},
        {"cancelling", {1, &Scenario::cancelling, nullptr}},
        {"setf", {3, &Scenario::set_future, nullptr}},
        {"failf", {3, &Scenario::fail_future, nullptr}},
        {"release", {2, &Scenario::release, nullptr}},
        {"setev", {2, &Scenario::set_event, nullptr}},
        {"clearev", {2, &Scenario::clear_event, nullptr}},
        {"semrelease", {2, &Scenario::release_semaphore, nullptr}},
        {"notify", {3, &Scenario::notify, nullptr}},
        {"notifyall", {2, &Scenario::notify_all, nullptr}},
        {"putn", {3, &Scenario::put_now, nullptr}},
        {"getn", {2, &Scenario::get_now, nullptr}},
        {"taskdone", {2, &Scenario::task_done, nullptr}},
        {"shutdownq", {2, &Scenario::shut_down_queue, nullptr}},
        {"callback", {2, &Scenario::callback, nullptr}},
        {"later", {3, &Scenario::later, nullptr}},
        {"donecb", {3, &Scenario::done_callback, nullptr}},

        {"sleep", {2, nullptr, &Scenario::sleep}},
        {"await", {2, nullptr, &Scenario::await}},
        {"gather", {2, nullptr, &Scenario::gather}},
        {"wait", {3, nullptr, &Scenario::wait}},
        {"waitfor", {3, nullptr, &Scenario::wait_for}},
        {"shield", {2, nullptr, &Scenario::shield}},
        {"call", {2, nullptr, &Scenario::call_routine}},
        {"acquire", {2, nullptr, &Scenario::acquire}},
        {"semacquire", {2, nullptr, &Scenario::acquire_semaphore}},
        {"waitev", {2, nullptr, &Scenario::wait_event}},
        {"condwait", {2, nullptr, &Scenario::wait_condition}},
        {"put", {3, nullptr, &Scenario::put}},
        {"get", {2, nullptr, &Scenario::get}},
        {"joinq", {2, nullptr, &Scenario::join_queue}},
        {"barrier", {2, nullptr, &Scenario::wait_barrier}},
        {"raise", {2, nullptr, &Scenario::raise}},
        {"return", {2, nullptr, &Scenario::leave}},
        {"reraise", {1, nullptr, &Scenario::reraise}},
    };
    return table;
}

}  // namespace scenario
