// The writing half of DescriptorTransport.
#include "descriptor_transport.hpp"

#include <gyre/errors.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

constexpr int kIgnoredInSilence = 4;

std::size_t total_size(std::span<const std::string_view> parts) noexcept {
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    return size;
}

// The system tells of an error once: to who sends, then a read finds the end of file. Not so of a
// broken pipe, which is the sender's own.
bool takes_from_reads(const std::error_code& error) noexcept {
    return error && error != std::errc::broken_pipe;
}

}  // namespace

void DescriptorTransport::write(std::string_view data) {
    DescriptorTransport::writelines({&data, 1});
}

void DescriptorTransport::writelines(std::span<const std::string_view> parts) {
    if (waits_ || closing_ || eof_asked_) [[unlikely]] {
        send_in_turn(parts);
    } else {
        send_at_once(parts);
    }
}

void DescriptorTransport::send_in_turn(std::span<const std::string_view> parts) {
    if (eof_asked_) {
        throw RuntimeError("cannot write to a transport after write_eof()");
    }
    if (total_size(parts) == 0) {
        return;
    }
    if (closing_) {
        if (++ignored_writes_ == kIgnoredInSilence + 1) {
            report("a write to " + far_end() + " was ignored: the transport is closing", nullptr);
        }
    } else if (get_write_buffer_size() == 0) {
        send_at_once(parts);
    } else {
        for (const std::string_view part : parts) {
            unsent_.append(part);
        }
        check_high();
    }
}

void DescriptorTransport::send_at_once(std::span<const std::string_view> parts) {
    const std::size_t size = total_size(parts);
    if (size == 0) {
        return;
    }
    std::error_code error;
    std::size_t sent = transmit(parts, error).value_or(0);
    if (error) {
        send_failed(error);
        return;
    }
    if (sent == size) {
        return;
    }
    for (const std::string_view part : parts) {
        const std::size_t skipped = std::min(sent, part.size());
        sent -= skipped;
        if (skipped < part.size()) {
            unsent_.append(part.substr(skipped));
        }
    }
    waits_ = true;
    io_->start_sending(unsent_);
    check_high();
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
        send_failed(error);
        return;
    }
    run_both([this] { check_low(); },  // which may write more
             [this] {
                 if (get_write_buffer_size() == 0) {
                     all_sent();
                 } else if (!losing_) {
                     io_->start_sending(unsent_);
                 }
             });
}

void DescriptorTransport::send_failed(const std::error_code& error) {
    reset_ = takes_from_reads(error);
    io_failed("send", error);
}

bool DescriptorTransport::was_reset() const noexcept {
    return reset_ || takes_from_reads(io_->error());
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
    if (flow_.must_pause(get_write_buffer_size())) {
        ContextScope scope(context_);
        const std::shared_ptr<BaseProtocol> protocol = protocol_;
        tell([&] { protocol->pause_writing(); }, "protocol.pause_writing() failed");
    }
}

void DescriptorTransport::check_low() {
    if (flow_.may_resume(get_write_buffer_size())) {
        const std::shared_ptr<BaseProtocol> protocol = protocol_;
        tell([&] { protocol->resume_writing(); }, "protocol.resume_writing() failed");
    }
}

}  // namespace gyre::detail
