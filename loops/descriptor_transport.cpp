#include "descriptor_transport.hpp"

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

DescriptorTransport::DescriptorTransport(EventLoop& loop, Socket descriptor,
                                         std::shared_ptr<BaseProtocol> protocol,
                                         TransportHooks hooks)
    : Resource(loop),
      descriptor_(std::move(descriptor)),
      context_{copy_current_context()},
      hooks_(std::move(hooks)) {
    if (protocol == nullptr) {
        throw ValueError("a protocol is expected, not null");
    }
    set_protocol(std::move(protocol));
}

DescriptorTransport::~DescriptorTransport() = default;

void DescriptorTransport::set_protocol(std::shared_ptr<BaseProtocol> protocol) {
    deliver();
    plain_ = dynamic_cast<Protocol*>(protocol.get());
    buffered_ = dynamic_cast<BufferedProtocol*>(protocol.get());
    lazy_ = dynamic_cast<LazyProtocol*>(protocol.get());
    protocol_ = std::move(protocol);
}

void DescriptorTransport::start() {
    begin_use(descriptor_.fileno());
    try {
        io_ = make_io(*this);
    } catch (...) {
        end_use(descriptor_.fileno());
        throw;
    }
    self_ = shared_from_this();
    loop().call_soon([this, self = self_] { begin(); });
}

std::unique_ptr<StreamIo> DescriptorTransport::make_io(StreamClient& client) {
    return loop().make_stream_io(descriptor_, client);
}

void DescriptorTransport::begin() {
    if (self_ == nullptr) {
        return;
    }
    begun_ = true;
    ContextScope scope(context_);
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    try {
        protocol->connection_made(self_);
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        report("protocol.connection_made() failed", std::current_exception());
    }
    try {
        watch_reads();
    } catch (const std::exception&) {  // no descriptor that can be watched
        force_close(std::current_exception());
    }
    if (hooks_.made) {
        std::exchange(hooks_.made, nullptr)();
    }
}

// --- reading ------------------------------------------------------------------------------------

void DescriptorTransport::watch_reads() {
    if (begun_ && !watching_reads_ && !closing_ && !paused_ && !ended_) {
        io_->start_reading();
        watching_reads_ = true;
    }
}

void DescriptorTransport::unwatch_reads() noexcept {
    if (std::exchange(watching_reads_, false)) {
        io_->stop_reading();
    }
}

void DescriptorTransport::pause_reading() {
    deliver();
    paused_ = paused_ || !closing_;
    unwatch_reads();
}

void DescriptorTransport::resume_reading() {
    paused_ = false;
    watch_reads();
}

void DescriptorTransport::on_readable() {
    if (left_) {  // who was to fetch them has been cancelled
        deliver();
        return;
    }
    if (lazy_ != nullptr && lazy_->leave(*this)) {
        left_ = true;
        return;
    }
    const std::shared_ptr<Transport> keep = self_;
    ContextScope scope(context_);
    receive_ready();
}

std::string_view DescriptorTransport::fetch(std::span<char> memory) {
    if (!std::exchange(left_, false)) {
        return {};
    }
    ContextScope scope(context_);
    const char* call = "";
    try {
        const std::span<char> buffer = memory.empty() ? loop().read_buffer() : memory;
        return {buffer.data(), read(buffer, call).value_or(0)};
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        protocol_failed(call, std::current_exception());
    }
    return {};
}

void DescriptorTransport::deliver() {
    if (std::exchange(left_, false)) {
        const std::shared_ptr<Transport> keep = self_;
        ContextScope scope(context_);
        receive_ready();
    }
}

void DescriptorTransport::receive_ready() {
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

void DescriptorTransport::read_for(Protocol* protocol, const char*& call) {
    const std::span<char> buffer = loop().read_buffer();
    const auto count = read(buffer, call);
    if (count && *count > 0 && protocol != nullptr) {
        call = "data_received";
        protocol->data_received({buffer.data(), *count});
    }
}

void DescriptorTransport::read_into(BufferedProtocol& protocol, const char*& call) {
    call = "get_buffer";
    const std::span<char> buffer = protocol.get_buffer();
    if (buffer.empty()) {
        throw RuntimeError("get_buffer() returned an empty buffer");
    }
    const auto count = read(buffer, call);
    if (count && *count > 0) {
        call = "buffer_updated";
        protocol.buffer_updated(*count);
    }
}

// Also deals with an end of file and an error.
std::optional<std::size_t> DescriptorTransport::read(std::span<char> buffer, const char*& call) {
    std::error_code error;
    const auto count = receive(buffer, error);
    if (error) {
        io_failed("recv", error);
    } else if (count == std::size_t{0}) {
        call = "eof_received";
        on_end_of_file();
    }
    return count;
}

void DescriptorTransport::on_end_of_file() {
    end_reading();
    if (!tell_end_of_file()) {
        close();
    }
}

void DescriptorTransport::end_reading() noexcept {
    ended_ = true;
    unwatch_reads();
}

bool DescriptorTransport::tell_end_of_file() {
    return buffered_ != nullptr ? buffered_->eof_received()
                                : plain_ != nullptr && plain_->eof_received();
}

// --- writing ------------------------------------------------------------------------------------

void DescriptorTransport::write(std::string_view data) {
    if (waits_ || closing_ || eof_asked_ || data.empty()) {
        writelines({&data, 1});
        return;
    }
    send_at_once({&data, 1});
    if (waits_) {
        check_high();
    }
}

void DescriptorTransport::writelines(std::span<const std::string_view> parts) {
    if (eof_asked_) {
        throw RuntimeError("cannot write to a transport after write_eof()");
    }
    if (all_empty(parts)) {
        return;
    }
    if (closing_) {
        if (++ignored_writes_ == kIgnoredInSilence + 1) {
            report("a write to " + far_end() + " was ignored: the transport is closing", nullptr);
        }
        return;
    }
    if (get_write_buffer_size() != 0) {
        for (const std::string_view part : parts) {
            unsent_.append(part);
        }
    } else {
        send_at_once(parts);
    }
    check_high();
}

void DescriptorTransport::send_at_once(std::span<const std::string_view> parts) {
    std::error_code error;
    std::size_t sent = transmit(parts, error).value_or(0);
    if (error) {
        io_failed("send", error);
        return;
    }
    if (parts.size() == 1 && sent == parts[0].size()) {
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
        waits_ = true;
        io_->start_sending(unsent_);
    }
}

void DescriptorTransport::on_writable() {
    WriteQueue::Pieces views;
    std::error_code error;
    const auto sent = transmit(unsent_.front(views), error);
    if (!error) {
        unsent_.drop(sent.value_or(0));
    }
    on_sent(error);
}

void DescriptorTransport::on_sent(const std::error_code& error) {
    const std::shared_ptr<Transport> keep = self_;
    ContextScope scope(context_);
    if (error) {
        io_failed("send", error);
        return;
    }
    check_low();  // may write more
    if (get_write_buffer_size() == 0) {
        all_sent();
    } else if (!losing_) {
        io_->start_sending(unsent_);
    }
}

void DescriptorTransport::all_sent() {
    waits_ = false;
    io_->stop_sending();
    if (closing_) {
        schedule_lost(nullptr);
    } else if (eof_asked_) {
        shut_down_writing();
    }
}

void DescriptorTransport::write_eof() {
    if (closing_ || std::exchange(eof_asked_, true)) {
        return;
    }
    if (get_write_buffer_size() == 0) {
        shut_down_writing();
    }
}

void DescriptorTransport::set_write_buffer_limits(WriteLimits limits) {
    flow_.set(limits);
    check_high();
}

void DescriptorTransport::check_high() {
    if (!flow_.must_pause(get_write_buffer_size())) {
        return;
    }
    ContextScope scope(context_);
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    try {
        protocol->pause_writing();
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        report("protocol.pause_writing() failed", std::current_exception());
    }
}

void DescriptorTransport::check_low() {
    if (!flow_.may_resume(get_write_buffer_size())) {
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

void DescriptorTransport::close() {
    deliver();
    if (closing_) {
        return;
    }
    begin_closing();
    if (get_write_buffer_size() == 0) {
        schedule_lost(nullptr);
    }
}

void DescriptorTransport::begin_closing() noexcept {
    closing_ = true;
    unwatch_reads();
}

void DescriptorTransport::io_failed(const char* operation, const std::error_code& error) {
    force_close(std::make_exception_ptr(std::system_error(error, operation + (" " + far_end()))));
}

void DescriptorTransport::protocol_failed(const char* call, std::exception_ptr error) {
    if (!is_system_error(error)) {
        report(std::string("Fatal error: protocol.") + call + "() call failed.", error);
    }
    force_close(std::move(error));
}

void DescriptorTransport::force_close(std::exception_ptr error) {
    deliver();
    if (losing_ || self_ == nullptr) {
        return;
    }
    unsent_.clear();
    io_->stop_sending();
    begin_closing();
    schedule_lost(std::move(error));
}

void DescriptorTransport::schedule_lost(std::exception_ptr error) {
    // A loop that closes calls nobody any more, and on_loop_close() is yet to come.
    if (!std::exchange(losing_, true) && !loop().is_closed()) {
        loop().call_soon([this, self = self_, error] { lose(error); });
    }
}

void DescriptorTransport::lose(std::exception_ptr error) {
    if (self_ == nullptr) {
        return;
    }
    const std::shared_ptr<Transport> keep = std::move(self_);
    const std::shared_ptr<BaseProtocol> protocol = protocol_;
    ContextScope scope(context_);
    end_use(descriptor_.fileno());
    struct Finish {
        DescriptorTransport& transport;
        ~Finish() {
            transport.close_descriptor();
            transport.plain_ = nullptr;
            transport.buffered_ = nullptr;
            transport.lazy_ = nullptr;
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

void DescriptorTransport::on_loop_close() noexcept {
    const std::shared_ptr<Transport> keep = std::move(self_);
    if (loop().get_debug()) {
        report("unclosed transport " + name(), nullptr);
    }
    closing_ = losing_ = true;
    left_ = false;
    unsent_.clear();
    unwatch_reads();
    io_->stop_sending();
    end_use(descriptor_.fileno());
    close_descriptor();
    plain_ = nullptr;
    buffered_ = nullptr;
    lazy_ = nullptr;
    hooks_ = {};
    protocol_ = nullptr;
}

void DescriptorTransport::close_descriptor() noexcept {
    if (io_ != nullptr) {
        io_->close(descriptor_);
        io_ = nullptr;
    }
}

void DescriptorTransport::report(const std::string& message, std::exception_ptr error) {
    ExceptionContext context(message, std::move(error));
    context.details["transport"] = name();
    loop().call_exception_handler(context);
}

}  // namespace gyre::detail
