// Section 5: exceptions that leave callbacks.
#include "raw_loop.hpp"

#include <cstdio>
#include <stdexcept>

namespace {

ContextVar<std::string> user("user", "nobody");

}  // namespace

TEST_CASE("an exception of a callback is reported, and everything goes on (S46)") {
    on_each(all_loops, [](EventLoop& loop) {
        ExceptionContext got;
        std::string order;
        loop.set_exception_handler([&](EventLoop& which, const ExceptionContext& context) {
            CHECK(&which == &loop);
            got = context;
            order += "reported ";
        });
        const Sockets sockets;
        sockets.send();
        loop.call_soon([] { throw std::runtime_error("soon"); });
        loop.call_soon([&] { order += "second "; });
        run_one(loop);
        CHECK(order == "reported second ");
        CHECK(got.message.starts_with("Exception in callback "));
        CHECK(name_of(got.exception) == "soon");
        CHECK(got.details.count("handle") == 1);

        loop.call_later(-1s, [] { throw CancelledError("timer"); });
        run_one(loop);
        CHECK(name_of(got.exception) == "CancelledError(timer)");
        loop.add_reader(sockets.near(), [] { throw 3; });
        run_one(loop);
        run_one(loop);  // a reader stays registered
        CHECK(order == "reported second reported reported reported ");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("an exit error leaves at once; the rest of the iteration runs in the next run (S47)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::string order;
        loop.call_later(-1s, [&] { order += "timer "; });
        loop.call_soon([&] { order += "first "; });
        loop.call_soon([&] {
            loop.call_soon([&] { order += "queued "; });
            throw SystemExit(2);
        });
        loop.call_soon([&] { order += "third "; });
        CHECK(thrown_by([&] { loop.run_forever(); }) == "SystemExit");
        CHECK(order == "first ");
        run_one(loop);
        CHECK(order.starts_with("first third "));
        run_one(loop);
        CHECK(order.find("timer ") != std::string::npos);
        CHECK(order.find("queued ") != std::string::npos);
    });
}

TEST_CASE("an exit error of a timer or a reader leaves as well (S47)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        loop.call_later(-2s, [] { throw KeyboardInterrupt(); });
        loop.call_later(-1s, [&] { order += "timer "; });
        CHECK(thrown_by([&] { loop.run_forever(); }) == "KeyboardInterrupt");
        CHECK(order.empty());
        run_one(loop);
        CHECK(order == "timer ");
        loop.add_reader(sockets.near(), [] { throw SystemExit(1); });
        CHECK(thrown_by([&] { loop.run_forever(); }) == "SystemExit");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("a task that raises an exit error keeps it as its outcome and lets it escape (S48)") {
    on_each(all_loops, [](EventLoop& loop) {
        Task<> task = create_task(loop, []() -> Coro<> {
            throw SystemExit(4);
            co_return;
        }());
        CHECK(thrown_by([&] { loop.run_forever(); }) == "SystemExit");
        CHECK(outcome(task) == "SystemExit");
    });
}

TEST_CASE("set_exception_handler replaces the default one, null restores it (S49)") {
    on_each(all_loops, [](EventLoop& loop) {
        const auto previous = loop.get_exception_handler();
        int calls = 0;
        loop.set_exception_handler([&](EventLoop& self, const ExceptionContext&) {
            ++calls;
            self.set_exception_handler(nullptr);  // from within itself
        });
        CHECK(loop.get_exception_handler());
        loop.call_exception_handler(ExceptionContext("one"));
        CHECK(calls == 1);
        CHECK_FALSE(loop.get_exception_handler());
        std::string text;
        {
            const Stderr written;
            loop.call_exception_handler(ExceptionContext("two"));
            text = written.text();
        }
        CHECK(calls == 1);
        CHECK(text == "two\n");
        loop.set_exception_handler(previous);
    });
}

TEST_CASE("a handler that throws: the default one reports it with the original (S50)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.set_exception_handler(
            [](EventLoop&, const ExceptionContext&) { throw std::logic_error("broken handler"); });
        std::string text;
        bool went_on = false;
        loop.call_soon([] { throw std::runtime_error("the cause"); });
        loop.call_soon([&] { went_on = true; });
        {
            const Stderr written;
            run_one(loop);
            text = written.text();
        }
        CHECK(text.starts_with("Unhandled error in exception handler\n"));
        CHECK(text.find("std::logic_error: broken handler") != std::string::npos);
        CHECK(text.find("context: Exception in callback") != std::string::npos);
        CHECK(text.find("std::runtime_error: the cause") != std::string::npos);
        CHECK(went_on);
    });
}

TEST_CASE("an exit error of a handler leaves the loop (S50)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.set_exception_handler(
            [](EventLoop&, const ExceptionContext&) { throw SystemExit(9); });
        std::string order;
        loop.call_soon([] { throw std::runtime_error("any"); });
        loop.call_soon([&] { order += "rest "; });
        CHECK(thrown_by([&] { loop.run_forever(); }) == "SystemExit");
        CHECK(order.empty());
        run_one(loop);
        CHECK(order == "rest ");
    });
}

TEST_CASE("the handler sees the context of the callback that failed (S51)") {
    on_each(all_loops, [](EventLoop& loop) {
        std::vector<std::string> seen;
        loop.set_exception_handler(
            [&](EventLoop&, const ExceptionContext&) { seen.push_back(user.get()); });
        const Context eve;
        eve.run([&] {
            user.set("eve");
            loop.call_soon([] { throw std::runtime_error("any"); });
        });
        loop.call_soon([] {
            user.set("adam");
            throw std::runtime_error("any");
        });
        run_one(loop);
        CHECK(seen == std::vector<std::string>{"eve", "adam"});
        CHECK(user.get() == "nobody");
    });
}

TEST_CASE(
    "the default handler writes the message, the exception, then the details by name (S52, "
    "S53)") {
    on_each(all_loops, [](EventLoop& loop) {
        loop.set_exception_handler(nullptr);
        ExceptionContext context("It failed", std::make_exception_ptr(TimeoutError("too late")));
        context.details["task"] = "<Task t>";
        context.details["future"] = "<Future f>";
        context.details["handle"] = "<Handle h>";
        std::string text;
        {
            const Stderr written;
            loop.call_exception_handler(context);
            loop.default_exception_handler(ExceptionContext());
            text = written.text();
        }
        CHECK(text ==
              "It failed\nexception: gyre::TimeoutError: too late\nfuture: <Future f>\n"
              "handle: <Handle h>\ntask: <Task t>\nUnhandled exception in event loop\n");
    });
}

TEST_CASE("debug mode reports a callback that takes too long (S270)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Reports reports(loop);
        loop.call_soon([] {});
        loop.slow_callback_duration = 0ns;
        run_one(loop);
        CHECK(reports.count() == 0);  // not without debug mode
        loop.set_debug(true);
        CHECK(loop.get_debug());
        loop.call_soon([] {});
        run_one(loop);
        REQUIRE(reports.count() == 1);
        CHECK(reports.messages[0].starts_with("Executing <Handle "));
        CHECK(reports.messages[0].ends_with(" seconds"));
        loop.slow_callback_duration = 1h;
        loop.call_soon([] {});
        run_one(loop);
        CHECK(reports.count() == 1);
    });
}
