#include "descriptor_transport.hpp"

#include <gyre/errors.hpp>

#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

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
    const auto made = [&] { protocol->connection_made(self_); };
    run_both([&] { tell(made, "protocol.connection_made() failed"); },
             [this] {
                 try {
                     watch_reads();
                 } catch (const std::exception&) {  // no descriptor that can be watched
                     force_close(std::current_exception());
                 }
                 if (hooks_.made) {
                     std::exchange(hooks_.made, nullptr)();
                 }
             });
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
            transport.forget_protocol();
        }
    } finish{*this};
    const auto lost = [&] { protocol->connection_lost(std::move(error)); };
    run_both([&] { tell(lost, "protocol.connection_lost() failed"); },
             [this] {
                 if (hooks_.lost) {
                     std::exchange(hooks_.lost, nullptr)();
                 }
             });
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
    hooks_ = {};
    forget_protocol();
}

void DescriptorTransport::forget_protocol() noexcept {
    plain_ = nullptr;
    buffered_ = nullptr;
    lazy_ = nullptr;
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
