#include "open_file.hpp"

#include <gyre/detail/descriptor_io.hpp>
#include <gyre/errors.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

constexpr std::size_t kReadAhead = std::size_t{64} << 10;
constexpr ::mode_t kNewFile = 0666;

}  // namespace

// --- the mode -----------------------------------------------------------------------------------

FileMode::FileMode(std::string_view mode, const std::string& path) {
    bool good = true;
    char form = '\0';
    for (const char each : mode) {
        if (each == '+') {
            good = good && !std::exchange(plus_, true);
        } else if (each == 'b' || each == 't') {
            good = good && std::exchange(form, each) == '\0';
        } else {
            const bool known = each == 'r' || each == 'w' || each == 'a' || each == 'x';
            good = good && known && std::exchange(kind_, each) == '\0';
        }
    }
    if (!good || kind_ == '\0') {
        throw ValueError("open " + path +
                         ": a mode of one of r, w, a, x is expected, with + or b "
                         "behind it where wanted, not \"" +
                         std::string(mode) + "\"");
    }
}

int FileMode::open_flags() const noexcept {
    const int access = plus_ ? O_RDWR : readable() ? O_RDONLY : O_WRONLY;
    switch (kind_) {
        case 'w':
            return access | O_CREAT | O_TRUNC;
        case 'a':
            return access | O_CREAT | O_APPEND;
        case 'x':
            return access | O_CREAT | O_EXCL;
        default:
            return access;
    }
}

// --- opening and closing ------------------------------------------------------------------------

OpenFile::OpenFile(std::string path, FileMode mode) : path_(std::move(path)), mode_(mode) {
    do {
        fd_ = ::open(path_.c_str(), mode_.open_flags() | O_CLOEXEC, kNewFile);
    } while (fd_ < 0 && errno == EINTR);
    if (fd_ < 0) {
        fail("open", errno);
    }
    struct ::stat status {};
    if (::fstat(fd_, &status) == 0 && S_ISDIR(status.st_mode)) {
        ::close(std::exchange(fd_, -1));
        fail("open", EISDIR);
    }
    if (mode_.appends()) {
        ::lseek(fd_, 0, SEEK_END);  // for tell()
    }
}

OpenFile::~OpenFile() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void OpenFile::close() {
    buffer_.clear();
    begin_ = 0;
    // Interrupted or failed, it is closed all the same.
    if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) {
        fail("close", errno);
    }
}

void OpenFile::fail(const char* operation, int error) const {
    throw std::system_error(error, std::generic_category(), operation + (" " + path_));
}

void OpenFile::check_open(const char* operation) const {
    if (fd_ < 0) {
        throw ValueError(operation + (" " + path_) + ": the file is closed");
    }
}

void OpenFile::check_readable(const char* operation) const {
    check_open(operation);
    if (!mode_.readable()) {
        throw std::system_error(EBADF, std::generic_category(),
                                operation + (" " + path_) + ", which is open for writing alone");
    }
}

// --- reading ------------------------------------------------------------------------------------

std::string_view OpenFile::ahead() const noexcept {
    return std::string_view(buffer_).substr(begin_);
}

std::string OpenFile::take(std::size_t count) {
    std::string taken(ahead().substr(0, count));
    begin_ += taken.size();
    if (begin_ == buffer_.size()) {
        buffer_.clear();
        begin_ = 0;
    }
    return taken;
}

void OpenFile::put_back(std::string_view data) {
    buffer_.replace(0, begin_, data);
    begin_ = 0;
}

bool OpenFile::holds(std::ptrdiff_t count) const noexcept {
    return fd_ >= 0 && count >= 0 && static_cast<std::size_t>(count) <= ahead().size();
}

bool OpenFile::holds_line() const noexcept {
    return fd_ >= 0 && ahead().find('\n') != std::string_view::npos;
}

std::size_t OpenFile::read_into(char* place, std::size_t count) {
    std::error_code error;
    const auto got = read_descriptor(fd_, {place, count}, error);
    if (!got) {
        fail("read", error ? error.value() : EAGAIN);
    }
    return *got;
}

bool OpenFile::read_ahead() {
    buffer_.erase(0, std::exchange(begin_, 0));
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kReadAhead);
    std::size_t got = 0;
    try {
        got = read_into(buffer_.data() + before, kReadAhead);
    } catch (...) {
        buffer_.resize(before);
        throw;
    }
    buffer_.resize(before + got);
    return got != 0;
}

std::string OpenFile::read(std::ptrdiff_t count) {
    check_readable("read");
    constexpr std::size_t everything = std::string::npos;
    const std::size_t wanted = count < 0 ? everything : static_cast<std::size_t>(count);
    std::string data = take(wanted);
    std::size_t room = 0;
    if (wanted == everything) {
        struct ::stat status {};
        const ::off_t position = ::lseek(fd_, 0, SEEK_CUR);
        if (position >= 0 && ::fstat(fd_, &status) == 0 && status.st_size > position) {
            room = static_cast<std::size_t>(status.st_size - position) + 1;  // and the end of file
        }
    }
    std::size_t size = data.size();
    try {
        while (size < wanted) {
            const std::size_t step = std::min(wanted - size, std::max(room, kReadAhead));
            data.resize(size + step);
            const std::size_t got = read_into(data.data() + size, step);
            size += got;
            room -= std::min(room, got);
            if (got == 0) {
                break;
            }
        }
    } catch (...) {
        put_back(std::string_view(data).substr(0, size));
        throw;
    }
    data.resize(size);
    return data;
}

std::string OpenFile::readline() {
    check_readable("read");
    std::size_t searched = 0;
    while (true) {
        const std::size_t end = ahead().find('\n', searched);
        if (end != std::string_view::npos) {
            return take(end + 1);
        }
        searched = ahead().size();
        if (!read_ahead()) {
            return take(searched);
        }
    }
}

// --- writing and moving -------------------------------------------------------------------------

// The system's position becomes the reader's. What cannot be sought keeps what was read ahead.
void OpenFile::give_up_ahead() {
    const auto count = static_cast<::off_t>(ahead().size());
    if (count == 0 || ::lseek(fd_, -count, SEEK_CUR) >= 0) {
        buffer_.clear();
        begin_ = 0;
    }
}

std::size_t OpenFile::write(std::string_view data) {
    check_open("write");
    if (!mode_.writable()) {
        throw std::system_error(EBADF, std::generic_category(),
                                "write " + path_ + ", which is open for reading alone");
    }
    give_up_ahead();
    std::string_view rest = data;
    while (!rest.empty()) {
        std::error_code error;
        const auto written = write_descriptor(fd_, {&rest, 1}, error);
        if (!written) {
            fail("write", error ? error.value() : EAGAIN);
        }
        rest.remove_prefix(*written);
    }
    return data.size();
}

std::int64_t OpenFile::seek(std::int64_t offset, int whence) {
    check_open("seek");
    if (whence == SEEK_CUR) {
        offset -= static_cast<std::int64_t>(ahead().size());
    }
    const ::off_t position = ::lseek(fd_, offset, whence);
    if (position < 0) {
        fail("seek", errno);
    }
    buffer_.clear();
    begin_ = 0;
    return position;
}

std::int64_t OpenFile::tell() {
    check_open("tell");
    const ::off_t position = ::lseek(fd_, 0, SEEK_CUR);
    if (position < 0) {
        fail("tell", errno);
    }
    return position - static_cast<std::int64_t>(ahead().size());
}

}  // namespace gyre::detail
