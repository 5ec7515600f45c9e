#include "socket_transport.hpp"

#include <gyre/errors.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

constexpr int kIgnoredInSilence = 4;

// What the system refused: no fault of the program.
bool is_system_error(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

bool all_empty(std::span<const std::string_view> parts) {
    return std::all_of(parts.begin(), parts.end(), [](auto part) { return part.empty(); });
}

}  // namespace

SocketTransport::SocketTransport(EventLoop& loop, Socket socket,
                                 std::shared_ptr<BaseProtocol> protocol, TransportHooks hooks)
    : Resource(loop),
      socket_(std::move(socket)),
      hooks_(std::move(hooks)),
      sockname_(socket_.local_address()),
      peername_(socket_.peer_address()) {
    socket_.set_nodelay();
    set_protocol(std::move(protocol));
}

void SocketTransport::set_protocol(std::shared_ptr<BaseProtocol> protocol) {
    plain_ = dynamic_cast<Protocol*>(protocol.get());
    buffered_ = dynamic_cast<BufferedProtocol*>(protocol.get());
    protocol_ = std::move(protocol);
}

void SocketTransport::start() {
    begin_use(socket_.fileno());
    self_ = shared_from_this();
    loop().call_soon([this, self = self_] { begin(); });
}

void SocketTransport::begin() {
    if (self_ == nullptr) {
        return;
    }
    begun_ = true;
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    try {
        protocol->connection_made(self_);
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        report("protocol.connection_made() failed", std::current_exception());
    }
    watch_reads();
    if (hooks_.made) {
        std::exchange(hooks_.made, nullptr)();
    }
}

// --- reading ------------------------------------------------------------------------------------

void SocketTransport::watch_reads() {
    if (begun_ && !watching_reads_ && !closing_ && !paused_ && !ended_) {
        watch(socket_.fileno(), false, [this] { on_readable(); });
        watching_reads_ = true;
    }
}

void SocketTransport::unwatch_reads() noexcept {
    if (std::exchange(watching_reads_, false)) {
        unwatch(socket_.fileno(), false);
    }
}

void SocketTransport::pause_reading() {
    paused_ = paused_ || !closing_;
    unwatch_reads();
}

void SocketTransport::resume_reading() {
    paused_ = false;
    watch_reads();
}

void SocketTransport::on_readable() {
    const std::shared_ptr<Transport> keep = self_;
    const std::shared_ptr<BaseProtocol> protocol = protocol_;  // it may put another in its place
    const char* call = "";
    try {
        if (buffered_ != nullptr) {
            read_into(*buffered_, call);
        } else {
            read_for(plain_, call);
        }
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        protocol_failed(call, std::current_exception());
    }
}

void SocketTransport::read_for(Protocol* protocol, const char*& call) {
    const std::span<char> buffer = loop().read_buffer();
    const auto count = read(buffer);
    if (!count || protocol == nullptr) {
        return;
    }
    if (*count > 0) {
        call = "data_received";
        protocol->data_received({buffer.data(), *count});
    } else {
        call = "eof_received";
        if (!protocol->eof_received()) {
            close();
        }
    }
}

void SocketTransport::read_into(BufferedProtocol& protocol, const char*& call) {
    call = "get_buffer";
    const std::span<char> buffer = protocol.get_buffer();
    if (buffer.empty()) {
        throw RuntimeError("get_buffer() returned an empty buffer");
    }
    const auto count = read(buffer);
    if (!count) {
        return;
    }
    if (*count > 0) {
        call = "buffer_updated";
        protocol.buffer_updated(*count);
    } else {
        call = "eof_received";
        if (!protocol.eof_received()) {
            close();
        }
    }
}

// Nothing if nothing came after all, or the connection broke.
std::optional<std::size_t> SocketTransport::read(std::span<char> buffer) {
    std::error_code error;
    const auto count = socket_.recv(buffer, error);
    if (error) {
        io_failed("recv", error);
    } else if (count == std::size_t{0}) {
        ended_ = true;
        unwatch_reads();
    }
    return count;
}

// --- writing ------------------------------------------------------------------------------------

void SocketTransport::write(std::string_view data) { writelines({&data, 1}); }

void SocketTransport::writelines(std::span<const std::string_view> parts) {
    if (eof_asked_) {
        throw RuntimeError("cannot write to a transport after write_eof()");
    }
    if (all_empty(parts)) {
        return;
    }
    if (closing_) {
        if (++ignored_writes_ == kIgnoredInSilence + 1) {
            report("a write to " + peername_.to_string() + " was ignored: the transport is closing",
                   nullptr);
        }
        return;
    }
    if (!unsent_.empty()) {
        for (const std::string_view part : parts) {
            unsent_.append(part);
        }
    } else {
        send_at_once(parts);
    }
    check_high();
}

void SocketTransport::send_at_once(std::span<const std::string_view> parts) {
    std::error_code error;
    std::size_t sent = socket_.send(parts, error).value_or(0);
    if (error) {
        io_failed("send", error);
        return;
    }
    for (const std::string_view part : parts) {
        const std::size_t skipped = std::min(sent, part.size());
        sent -= skipped;
        if (skipped < part.size()) {
            unsent_.append(part.substr(skipped));
        }
    }
    if (!unsent_.empty()) {
        watch(socket_.fileno(), true, [this] { on_writable(); });
        watching_writes_ = true;
    }
}

void SocketTransport::on_writable() {
    const std::shared_ptr<Transport> keep = self_;
    WriteQueue::Pieces views;
    std::error_code error;
    const auto sent = socket_.send(unsent_.front(views), error);
    if (error) {
        io_failed("send", error);
        return;
    }
    unsent_.drop(sent.value_or(0));
    check_low();  // may write more
    if (unsent_.empty()) {
        all_sent();
    }
}

void SocketTransport::all_sent() {
    if (std::exchange(watching_writes_, false)) {
        unwatch(socket_.fileno(), true);
    }
    if (closing_) {
        schedule_lost(nullptr);
    } else if (eof_asked_) {
        socket_.shutdown_write();
    }
}

void SocketTransport::write_eof() {
    if (closing_ || std::exchange(eof_asked_, true)) {
        return;
    }
    if (unsent_.empty()) {
        socket_.shutdown_write();
    }
}

void SocketTransport::set_write_buffer_limits(WriteLimits limits) {
    flow_.set(limits);
    check_high();
}

void SocketTransport::check_high() {
    if (!flow_.must_pause(unsent_.size())) {
        return;
    }
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    try {
        protocol->pause_writing();
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        report("protocol.pause_writing() failed", std::current_exception());
    }
}

void SocketTransport::check_low() {
    if (!flow_.may_resume(unsent_.size())) {
        return;
    }
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    try {
        protocol->resume_writing();
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        report("protocol.resume_writing() failed", std::current_exception());
    }
}

// --- the end ------------------------------------------------------------------------------------

void SocketTransport::close() {
    if (std::exchange(closing_, true)) {
        return;
    }
    unwatch_reads();
    if (unsent_.empty()) {
        schedule_lost(nullptr);
    }
}

void SocketTransport::io_failed(const char* operation, const std::error_code& error) {
    force_close(std::make_exception_ptr(
        std::system_error(error, operation + (" " + peername_.to_string()))));
}

void SocketTransport::protocol_failed(const char* call, std::exception_ptr error) {
    if (!is_system_error(error)) {
        report(std::string("Fatal error: protocol.") + call + "() call failed.", error);
    }
    force_close(std::move(error));
}

void SocketTransport::force_close(std::exception_ptr error) {
    if (losing_ || self_ == nullptr) {
        return;
    }
    unsent_.clear();
    if (std::exchange(watching_writes_, false)) {
        unwatch(socket_.fileno(), true);
    }
    closing_ = true;
    unwatch_reads();
    schedule_lost(std::move(error));
}

void SocketTransport::schedule_lost(std::exception_ptr error) {
    // A loop that closes calls nobody any more, and on_loop_close() is yet to come.
    if (!std::exchange(losing_, true) && !loop().is_closed()) {
        loop().call_soon([this, self = self_, error] { lose(error); });
    }
}

void SocketTransport::lose(std::exception_ptr error) {
    if (self_ == nullptr) {
        return;
    }
    const std::shared_ptr<Transport> keep = std::move(self_);
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    end_use(socket_.fileno());
    struct Finish {
        SocketTransport& transport;
        ~Finish() {
            transport.socket_.close();
            transport.plain_ = nullptr;
            transport.buffered_ = nullptr;
            transport.protocol_ = nullptr;
        }
    } finish{*this};
    try {
        protocol->connection_lost(std::move(error));
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        report("protocol.connection_lost() failed", std::current_exception());
    }
    if (hooks_.lost) {
        std::exchange(hooks_.lost, nullptr)();
    }
}

void SocketTransport::on_loop_close() noexcept {
    const std::shared_ptr<Transport> keep = std::move(self_);
    if (loop().get_debug()) {
        report("unclosed transport " + sockname_.to_string() + " -> " + peername_.to_string(),
               nullptr);
    }
    closing_ = losing_ = true;
    unsent_.clear();
    unwatch_reads();
    if (std::exchange(watching_writes_, false)) {
        unwatch(socket_.fileno(), true);
    }
    end_use(socket_.fileno());
    socket_.close();
    plain_ = nullptr;
    buffered_ = nullptr;
    hooks_ = {};
    protocol_ = nullptr;
}

void SocketTransport::report(const std::string& message, std::exception_ptr error) {
    ExceptionContext context(message, std::move(error));
    context.details["transport"] = sockname_.to_string() + " -> " + peername_.to_string();
    loop().call_exception_handler(context);
}

}  // namespace gyre::detail
