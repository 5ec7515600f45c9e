#include "selector.hpp"

#include <gyre/errors.hpp>

#include <fcntl.h>

#include <cerrno>
#include <system_error>

namespace gyre {

void throw_watch_error(int fd, int error) {
    const std::string what = "watch file descriptor " + std::to_string(fd);
    if (error == EBADF) {
        throw ValueError(what + ": an open descriptor is expected");
    }
    throw std::system_error(error, std::generic_category(), what);
}

void check_descriptor(int fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
        throw_watch_error(fd, errno);
    }
}

}  // namespace gyre
