// OpenFile: a file as a thread sees it that may wait for the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gyre::detail {

/// What a mode such as "r+b" asks for.
class FileMode {
public:
    /// Throws ValueError with `path` and what is expected.
    FileMode(std::string_view mode, const std::string& path);

    [[nodiscard]] bool readable() const noexcept { return plus_ || kind_ == 'r'; }
    [[nodiscard]] bool writable() const noexcept { return plus_ || kind_ != 'r'; }
    [[nodiscard]] bool appends() const noexcept { return kind_ == 'a'; }
    [[nodiscard]] int open_flags() const noexcept;

private:
    char kind_ = '\0';
    bool plus_ = false;
};

/// One thread at a time. What is read ahead is kept here; what is written goes to the system at
/// once, a call's bytes in one piece. Every failure is a std::system_error that names the operation
/// and the path, or a ValueError once the file is closed.
class OpenFile {
public:
    OpenFile(std::string path, FileMode mode);
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();

    [[nodiscard]] std::string read(std::ptrdiff_t count);
    [[nodiscard]] std::string readline();
    std::size_t write(std::string_view data);
    void check_flush() const { check_open("flush"); }
    std::int64_t seek(std::int64_t offset, int whence);
    [[nodiscard]] std::int64_t tell();
    void close();

    /// True where that much, or a line, was read ahead: nothing has to be waited for.
    [[nodiscard]] bool holds(std::ptrdiff_t count) const noexcept;
    [[nodiscard]] bool holds_line() const noexcept;

    /// What was read last was not wanted: it will be read again.
    void put_back(std::string_view data);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] int fileno() const noexcept { return fd_; }

private:
    void check_open(const char* operation) const;
    void check_readable(const char* operation) const;
    [[noreturn]] void fail(const char* operation, int error) const;
    [[nodiscard]] std::string_view ahead() const noexcept;
    [[nodiscard]] std::string take(std::size_t count);
    [[nodiscard]] bool read_ahead();
    std::size_t read_into(char* place, std::size_t count);
    void give_up_ahead();

    std::string path_;
    FileMode mode_;
    int fd_ = -1;
    std::string buffer_;     // read ahead, from begin_ on
    std::size_t begin_ = 0;  // of it, what was taken
};

}  // namespace gyre::detail
