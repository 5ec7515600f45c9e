#include <gyre/detail/loop_data.hpp>
#include <gyre/threads.hpp>
#include <gyre/timeouts.hpp>

#include <thread>

namespace gyre {

void set_default_executor(EventLoop& loop, std::shared_ptr<ThreadPool> pool) {
    loop.check_open();
    detail::LoopData::of(loop).set_pool(std::move(pool));
}

Coro<> shutdown_default_executor(detail::AnyLimit limit) {
    EventLoop& loop = get_running_loop();
    const std::shared_ptr<ThreadPool> pool = detail::LoopData::of(loop).close_pool();
    if (pool == nullptr) {
        co_return;
    }
    // A thread of its own waits for the others. It is no more than a wait, so it may be left
    // behind.
    ThreadPool waiter(1, "gyre-shutdown");
    auto ended = run_in_executor(waiter, [pool] { pool->shutdown(true); });
    waiter.shutdown(false);
    if (!limit) {
        co_await std::move(ended);
        co_return;
    }
    bool late = false;
    try {
        co_await wait_for(std::move(ended), *limit);
    } catch (const TimeoutError&) {
        late = true;
    }
    if (late) {
        loop.call_exception_handler(ExceptionContext(
            "The executor did not finish joining its threads within the time limit."));
    }
}

}  // namespace gyre
