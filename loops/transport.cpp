#include "flow_control.hpp"
#include "pipe_transport.hpp"
#include "socket_transport.hpp"
#include "watched_stream.hpp"

#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/transport.hpp>

#include <utility>

namespace gyre {

BaseProtocol::~BaseProtocol() = default;
void BaseProtocol::connection_made(const std::shared_ptr<Transport>& /*transport*/) {}
void BaseProtocol::connection_lost(std::exception_ptr /*error*/) {}
void BaseProtocol::pause_writing() {}
void BaseProtocol::resume_writing() {}
void Protocol::data_received(std::string_view /*data*/) {}
bool Protocol::eof_received() { return false; }
bool BufferedProtocol::eof_received() { return false; }

Transport::~Transport() = default;

SocketAddress Transport::get_extra_info(std::string_view name) const {
    if (name == "sockname") {
        return sockname();
    }
    return name == "peername" ? peername() : SocketAddress();
}

namespace detail {

void FlowControl::set(WriteLimits limits) {
    const std::size_t high = limits.high.value_or(limits.low ? 4 * *limits.low : kDefaultHigh);
    const std::size_t low = limits.low.value_or(high / 4);
    if (low > high) {
        throw ValueError("a high-water mark (" + std::to_string(high) +
                         ") not below the low one (" + std::to_string(low) + ") is expected");
    }
    high_ = high;
    low_ = low;
}

bool FlowControl::must_pause(std::size_t waiting) noexcept {
    return waiting > high_ && !std::exchange(paused_, true);
}

bool FlowControl::may_resume(std::size_t waiting) noexcept {
    return waiting <= low_ && std::exchange(paused_, false);
}

}  // namespace detail
std::shared_ptr<Transport> EventLoop::make_transport(Socket socket,
                                                     std::shared_ptr<BaseProtocol> protocol,
                                                     TransportHooks hooks) {
    check_call();
    auto made = std::make_shared<detail::SocketTransport>(*this, std::move(socket),
                                                          std::move(protocol), std::move(hooks));
    made->start();
    return made;
}

std::shared_ptr<Transport> EventLoop::make_read_pipe(int fd, std::shared_ptr<BaseProtocol> protocol,
                                                     TransportHooks hooks) {
    check_user_fd(fd);
    const detail::PipeKind kind = detail::pipe_kind(fd);
    auto made = std::make_shared<detail::ReadPipeTransport>(*this, Socket(fd), kind,
                                                            std::move(protocol), std::move(hooks));
    made->start();
    return made;
}

std::shared_ptr<Transport> EventLoop::make_write_pipe(int fd,
                                                      std::shared_ptr<BaseProtocol> protocol,
                                                      TransportHooks hooks) {
    check_user_fd(fd);
    const detail::PipeKind kind = detail::pipe_kind(fd);
    auto made = std::make_shared<detail::WritePipeTransport>(*this, Socket(fd), kind,
                                                             std::move(protocol), std::move(hooks));
    made->start();
    return made;
}

std::unique_ptr<detail::StreamIo> EventLoop::make_stream_io(Socket& descriptor,
                                                            detail::StreamClient& client) {
    return std::make_unique<detail::WatchedStream>(*this, descriptor.fileno(), client);
}

}  // namespace gyre
