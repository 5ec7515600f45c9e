// The reading half of DescriptorTransport.
#include "descriptor_transport.hpp"

#include <gyre/errors.hpp>

#include <exception>
#include <system_error>
#include <utility>

namespace gyre::detail {

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
        loop().pace_.hold();
        return;
    }
    const std::shared_ptr<Transport> keep = self_;
    ContextScope scope(context_);
    receive_ready();
}

// What is thrown meanwhile ends the connection; `call` says whose it was.
template <class F>
void DescriptorTransport::guard_reading(F receive) {
    const char* call = "";
    try {
        receive(call);
    } catch (const ExitError&) {
        throw;
    } catch (...) {
        protocol_failed(call, std::current_exception());
    }
}

std::string_view DescriptorTransport::fetch(std::span<char> memory) {
    if (!std::exchange(left_, false)) {
        return {};
    }
    ContextScope scope(context_);
    std::string_view fetched;
    guard_reading([&](const char*& call) {
        const std::span<char> buffer = memory.empty() ? loop().read_buffer() : memory;
        fetched = {buffer.data(), read(buffer, call).value_or(0)};
    });
    return fetched;
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
    guard_reading([this](const char*& call) {
        if (buffered_ != nullptr) {
            read_into(*buffered_, call);
        } else {
            read_for(plain_, call);
        }
    });
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
    } else if (count == std::size_t{0} && !was_reset()) {
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

}  // namespace gyre::detail
