#include "datagram_transport.hpp"

#include <gyre/errors.hpp>

#include <optional>
#include <system_error>
#include <utility>

namespace gyre {

DatagramProtocol::~DatagramProtocol() = default;
void DatagramProtocol::connection_made(const std::shared_ptr<DatagramTransport>& /*transport*/) {}
void DatagramProtocol::datagram_received(std::string_view /*data*/,
                                         const SocketAddress& /*sender*/) {}
void DatagramProtocol::error_received(std::exception_ptr /*error*/) {}
void DatagramProtocol::connection_lost(std::exception_ptr /*error*/) {}
void DatagramProtocol::pause_writing() {}
void DatagramProtocol::resume_writing() {}
DatagramTransport::~DatagramTransport() = default;

namespace detail {

namespace {

constexpr std::size_t kHeader = 8;

}  // namespace

SocketDatagrams::SocketDatagrams(EventLoop& loop, Socket socket,
                                 std::shared_ptr<DatagramProtocol> protocol,
                                 const SocketAddress& peer, std::function<void()> on_made)
    : Resource(loop),
      socket_(std::move(socket)),
      protocol_(std::move(protocol)),
      on_made_(std::move(on_made)),
      sockname_(socket_.local_address()),
      peername_(socket_.peer_address()),
      only_(peer) {
    if (protocol_ == nullptr) {
        throw ValueError("a protocol is expected, not null");
    }
}

void SocketDatagrams::start() {
    self_ = shared_from_this();
    begin_use(socket_.fileno());
    loop().call_soon([this, self = self_] { begin(); });
}

// What the protocol throws is reported and nothing else.
template <class F>
void SocketDatagrams::tell(const char* what, F call) {
    try {
        call(*protocol_);
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        ExceptionContext context(std::string("protocol.") + what + "() failed",
                                 std::current_exception());
        context.details["transport"] = sockname_.to_string();
        loop().call_exception_handler(context);
    }
}

void SocketDatagrams::begin() {
    if (self_ == nullptr) {
        return;
    }
    tell("connection_made",
         [this](DatagramProtocol& protocol) { protocol.connection_made(self_); });
    try {
        if (!closing_) {
            watch(socket_.fileno(), false, [this] { on_readable(); });
            watching_reads_ = true;
        }
    } catch (const std::exception&) {  // no descriptor that can be watched
        force_close(std::current_exception());
    }
    if (on_made_) {
        std::exchange(on_made_, nullptr)();
    }
}

void SocketDatagrams::on_readable() {
    const std::shared_ptr<DatagramTransport> keep = self_;
    SocketAddress sender;
    std::optional<std::size_t> count;
    const std::span<char> buffer = loop().read_buffer();
    try {
        count = socket_.recv_from(buffer, sender);
    } catch (const std::system_error&) {
        tell("error_received",
             [](DatagramProtocol& protocol) { protocol.error_received(std::current_exception()); });
        return;
    }
    if (count) {
        tell("datagram_received", [&](DatagramProtocol& protocol) {
            protocol.datagram_received({buffer.data(), *count}, sender);
        });
    }
}

void SocketDatagrams::sendto(std::string_view data, const SocketAddress& peer) {
    if (only_ && peer && peer != only_) {
        throw ValueError("no address, or " + only_.to_string() + ", is expected, not " +
                         peer.to_string());
    }
    if (!only_ && !peer) {
        throw ValueError("an address is expected: the endpoint has no remote one");
    }
    if (closing_) {
        return;
    }
    const SocketAddress& target = only_ ? only_ : peer;
    if (unsent_.empty() && send(data, target)) {
        return;
    }
    unsent_.push_back({std::string(data), target});
    waiting_ += data.size() + kHeader;
    if (!watching_writes_) {
        watch(socket_.fileno(), true, [this] { on_writable(); });
        watching_writes_ = true;
    }
    check_high();
}

// False if the system has no room.
bool SocketDatagrams::send(std::string_view data, const SocketAddress& peer) {
    try {
        return peername_ ? socket_.send(data).has_value() : socket_.send_to(data, peer).has_value();
    } catch (const std::system_error&) {
        tell("error_received",
             [](DatagramProtocol& protocol) { protocol.error_received(std::current_exception()); });
        return true;
    }
}

void SocketDatagrams::on_writable() {
    const std::shared_ptr<DatagramTransport> keep = self_;
    while (!unsent_.empty()) {
        const Datagram& next = unsent_.front();
        if (!send(next.data, next.peer)) {
            break;
        }
        if (unsent_.empty()) {
            return;  // error_received() has aborted
        }
        waiting_ -= unsent_.front().data.size() + kHeader;
        unsent_.pop_front();
    }
    if (flow_.may_resume(waiting_)) {
        tell("resume_writing", [](DatagramProtocol& protocol) { protocol.resume_writing(); });
    }
    if (unsent_.empty()) {
        if (std::exchange(watching_writes_, false)) {
            unwatch(socket_.fileno(), true);
        }
        if (closing_) {
            schedule_lost(nullptr);
        }
    }
}

void SocketDatagrams::set_write_buffer_limits(WriteLimits limits) {
    flow_.set(limits);
    check_high();
}

void SocketDatagrams::check_high() {
    if (flow_.must_pause(waiting_)) {
        tell("pause_writing", [](DatagramProtocol& protocol) { protocol.pause_writing(); });
    }
}

void SocketDatagrams::close() {
    if (std::exchange(closing_, true)) {
        return;
    }
    if (std::exchange(watching_reads_, false)) {
        unwatch(socket_.fileno(), false);
    }
    if (unsent_.empty()) {
        schedule_lost(nullptr);
    }
}

void SocketDatagrams::unwatch_all() noexcept {
    if (std::exchange(watching_reads_, false)) {
        unwatch(socket_.fileno(), false);
    }
    if (std::exchange(watching_writes_, false)) {
        unwatch(socket_.fileno(), true);
    }
}

void SocketDatagrams::force_close(std::exception_ptr error) {
    if (losing_ || self_ == nullptr) {
        return;
    }
    unsent_.clear();
    waiting_ = 0;
    closing_ = true;
    unwatch_all();
    schedule_lost(std::move(error));
}

void SocketDatagrams::schedule_lost(std::exception_ptr error) {
    // A loop that closes calls nobody any more, and on_loop_close() is yet to come.
    if (!std::exchange(losing_, true) && !loop().is_closed()) {
        loop().call_soon([this, self = self_, error] { lose(error); });
    }
}

void SocketDatagrams::lose(std::exception_ptr error) {
    if (self_ == nullptr) {
        return;
    }
    const std::shared_ptr<DatagramTransport> keep = std::move(self_);
    end_use(socket_.fileno());
    struct Finish {
        SocketDatagrams& transport;
        ~Finish() {
            transport.socket_.close();
            transport.protocol_ = nullptr;
        }
    } finish{*this};
    tell("connection_lost", [&](DatagramProtocol& protocol) { protocol.connection_lost(error); });
}

void SocketDatagrams::on_loop_close() noexcept {
    const std::shared_ptr<DatagramTransport> keep = std::move(self_);
    closing_ = losing_ = true;
    unsent_.clear();
    unwatch_all();
    end_use(socket_.fileno());
    socket_.close();
    on_made_ = nullptr;
    protocol_ = nullptr;
}

}  // namespace detail

std::shared_ptr<DatagramTransport> EventLoop::make_datagram_transport(
    Socket socket, std::shared_ptr<DatagramProtocol> protocol, const SocketAddress& peer,
    std::function<void()> on_made) {
    check_call();
    auto made = std::make_shared<detail::SocketDatagrams>(
        *this, std::move(socket), std::move(protocol), peer, std::move(on_made));
    made->start();
    return made;
}

}  // namespace gyre
