#include "no_pipe_signal.hpp"
#include "transfer.hpp"

#include <gyre/detail/descriptor_io.hpp>

#include <unistd.h>

namespace gyre::detail {

std::optional<std::size_t> read_descriptor(int fd, std::span<char> buffer,
                                           std::error_code& error) noexcept {
    return transfer(error, [&] { return ::read(fd, buffer.data(), buffer.size()); });
}

std::optional<std::size_t> write_descriptor(int fd, std::span<const std::string_view> parts,
                                            std::error_code& error) noexcept {
    IoVectors vectors(parts);
    const NoPipeSignal no_signal;
    const auto written = transfer(
        error, [&] { return ::writev(fd, vectors.data(), static_cast<int>(vectors.size())); });
    if (error == std::errc::broken_pipe) {
        no_signal.take();
    }
    return written;
}

}  // namespace gyre::detail
