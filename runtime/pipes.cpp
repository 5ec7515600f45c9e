#include <gyre/event_loop.hpp>
#include <gyre/future.hpp>
#include <gyre/pipes.hpp>

namespace gyre::detail {

Coro<std::shared_ptr<Transport>> attach_pipe(int fd, PipeEnd end,
                                             std::shared_ptr<BaseProtocol> protocol) {
    const Future<> made = create_future<>();
    TransportHooks hooks = tell(made);
    EventLoop& loop = get_running_loop();
    std::shared_ptr<Transport> transport;
    if (end == PipeEnd::reading) {
        transport = loop.make_read_pipe(fd, std::move(protocol), std::move(hooks));
    } else {
        transport = loop.make_write_pipe(fd, std::move(protocol), std::move(hooks));
    }
    auto waiting = when_made(std::move(transport), made);
    co_return co_await std::move(waiting);
}

}  // namespace gyre::detail
