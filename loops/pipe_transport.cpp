#include "pipe_transport.hpp"

#include "watched_stream.hpp"

#include <gyre/detail/descriptor_io.hpp>
#include <gyre/errors.hpp>

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace gyre::detail {

namespace {

std::string pipe_name(int fd) { return "pipe " + std::to_string(fd); }

/// What a socket's writer sees of its reader: that it says something itself, which stays unread;
/// nothing, after all; or that it is gone.
enum class Reader { speaks, silent, gone };

Reader look_for_reader(int fd) noexcept {
    char byte = 0;
    const ::ssize_t count = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) {
        return Reader::speaks;
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? Reader::silent : Reader::gone;
}

}  // namespace

PipeKind pipe_kind(int fd) {
    struct ::stat status {};
    if (::fstat(fd, &status) != 0) {
        throw std::system_error(errno, std::generic_category(), pipe_name(fd));
    }
    if (S_ISFIFO(status.st_mode)) {
        return PipeKind::fifo;
    }
    if (S_ISSOCK(status.st_mode)) {
        return PipeKind::socket;
    }
    if (S_ISCHR(status.st_mode)) {
        return PipeKind::device;
    }
    throw ValueError("a pipe, a socket or a character device is expected: descriptor " +
                     std::to_string(fd) + " is none");
}

// --- reading ------------------------------------------------------------------------------------

ReadPipeTransport::ReadPipeTransport(EventLoop& loop, Socket pipe, PipeKind kind,
                                     std::shared_ptr<BaseProtocol> protocol, TransportHooks hooks)
    : DescriptorTransport(loop, std::move(pipe), std::move(protocol), std::move(hooks)),
      kind_(kind) {}

ReadPipeTransport::~ReadPipeTransport() = default;

void ReadPipeTransport::write(std::string_view /*data*/) { writelines({}); }

void ReadPipeTransport::writelines(std::span<const std::string_view> /*parts*/) {
    throw RuntimeError("cannot write to a pipe that was connected for reading");
}

void ReadPipeTransport::write_eof() {
    throw RuntimeError("cannot write to a pipe that was connected for reading");
}

std::optional<std::size_t> ReadPipeTransport::receive(std::span<char> buffer,
                                                      std::error_code& error) {
    const auto count = read_descriptor(fileno(), buffer, error);
    // How a terminal says that its other end is closed.
    if (error.value() == EIO && kind_ == PipeKind::device) {
        error.clear();
        return 0;
    }
    return count;
}

std::optional<std::size_t> ReadPipeTransport::transmit(std::span<const std::string_view> /*parts*/,
                                                       std::error_code& /*error*/) {
    return std::nullopt;
}

void ReadPipeTransport::on_end_of_file() {
    end_reading();
    begin_closing();
    loop().call_soon([this, self = self()] {
        if (losing()) {
            return;  // aborted meanwhile
        }
        const auto tell = [this] {
            try {
                static_cast<void>(tell_end_of_file());
            } catch (const ExitError&) {
                throw;
            } catch (...) {
                protocol_failed("eof_received", std::current_exception());
            }
        };
        run_both(tell, [this] { schedule_lost(nullptr); });
    });
}

std::string ReadPipeTransport::far_end() const { return pipe_name(fileno()); }

std::string ReadPipeTransport::name() const { return "from " + pipe_name(fileno()); }

// --- writing ------------------------------------------------------------------------------------

WritePipeTransport::WritePipeTransport(EventLoop& loop, Socket pipe, PipeKind kind,
                                       std::shared_ptr<BaseProtocol> protocol, TransportHooks hooks)
    : DescriptorTransport(loop, std::move(pipe), std::move(protocol), std::move(hooks)),
      kind_(kind) {
    if (kind == PipeKind::device) {
        end_reading();  // a device's bytes are somebody else's, and say nothing of a reader
    }
}

WritePipeTransport::~WritePipeTransport() = default;

std::optional<std::size_t> WritePipeTransport::receive(std::span<char> /*buffer*/,
                                                       std::error_code& /*error*/) {
    return std::nullopt;
}

std::optional<std::size_t> WritePipeTransport::transmit(std::span<const std::string_view> parts,
                                                        std::error_code& error) {
    return write_descriptor(fileno(), parts, error);
}

// No backend's own: only readiness tells that the reader is gone.
std::unique_ptr<StreamIo> WritePipeTransport::make_io(detail::StreamClient& client) {
    return std::make_unique<WatchedStream>(loop(), fileno(), client);
}

void WritePipeTransport::receive_ready() {
    if (kind_ == PipeKind::socket) {
        const Reader reader = look_for_reader(fileno());
        if (reader == Reader::speaks) {
            end_reading();
        }
        if (reader != Reader::gone) {
            return;
        }
    }
    if (get_write_buffer_size() == 0) {
        force_close(nullptr);
        return;
    }
    force_close(std::make_exception_ptr(
        std::system_error(EPIPE, std::generic_category(), "write " + far_end())));
}

std::string WritePipeTransport::far_end() const { return pipe_name(fileno()); }

std::string WritePipeTransport::name() const { return "to " + pipe_name(fileno()); }

}  // namespace gyre::detail
