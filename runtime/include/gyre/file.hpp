// open_file, File: a file, read and written without holding up the loop.
#pragma once

#include <gyre/async_generator.hpp>
#include <gyre/coro.hpp>
#include <gyre/detail/api.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace gyre {

namespace detail {
class FileState;
}

/// An open file: a handle, copies use the same file. The work is done in the loop's thread pool.
///
/// ```
/// File file = co_await open_file("notes.txt", "a+");
/// co_await file.write("one more line\n");
/// co_await file.close();
/// ```
///
/// Calls are served one after the other, in the order in which they are awaited. What is written
/// goes to the system at once, in one piece; so with "a" no other writer's bytes come between. The
/// file is closed with its last handle, too.
///
/// Cancel safety: a call that waits for its turn has no effect. One that is under way is carried
/// out to its end, and the next waits for that; what a cancelled read took is put back.
/// Throws std::system_error that names operation and path: "write notes.txt: No space left on
/// device"; ValueError once the file is closed. Thread rule: the loop's thread.
/// Python: aiofiles' files.
class GYRE_API File {
public:
    explicit File(std::shared_ptr<detail::FileState> state) noexcept : state_(std::move(state)) {}

    /// n bytes, fewer at the end of file only, none there. Without n: everything until then.
    [[nodiscard]] Coro<std::string> read(std::ptrdiff_t n = -1) const;
    /// A line with its "\n"; at the end of file what is left, or nothing. Completes at once where
    /// one was read ahead.
    [[nodiscard]] Coro<std::string> readline() const;
    /// The lines from here to the end of file. aiofiles: `async for line in file`.
    [[nodiscard]] AsyncGenerator<std::string> lines() const;

    /// Writes all of it, where the file stands or, with "a", at its end; gives the count. The text
    /// is copied by the call.
    [[nodiscard]] Coro<std::size_t> write(std::string_view data) const;
    /// Completes when the writes before it are done, which leave nothing behind in the program.
    [[nodiscard]] Coro<> flush() const;

    /// Moves to `offset` from the start (whence 0), from here (1) or from the end (2); gives where
    /// that is, in bytes from the start.
    [[nodiscard]] Coro<std::int64_t> seek(std::int64_t offset, int whence = 0) const;
    [[nodiscard]] Coro<std::int64_t> tell() const;

    /// Closes it behind the calls before. The second time it does nothing.
    [[nodiscard]] Coro<> close() const;
    [[nodiscard]] bool closed() const noexcept;

    /// The path that it was opened by.
    [[nodiscard]] const std::string& name() const noexcept;

    /// For with(): `async with aiofiles.open(…)`, which closes at the end.
    [[nodiscard]] Coro<File> enter() const;
    [[nodiscard]] Coro<> exit(std::exception_ptr error) const;

private:
    std::shared_ptr<detail::FileState> state_;
};

/// Opens a file as Python's open() does. Modes: "r" to read, "w" to write it anew, "a" to write at
/// its end, "x" to write one that is not there yet; with "+" to read and write. "b" and "t" are
/// taken and change nothing: the bytes are as they are in the file, a line ends with "\n".
///
/// ```
/// File opened = co_await open_file(path);
/// co_await with(opened, [](File& file) -> Coro<> {
///     auto lines = file.lines();
///     while (auto line = co_await lines.next()) use(*line);
/// });
/// ```
///
/// Cancel safety: the file is closed again. Throws ValueError for another mode,
/// std::system_error: "open /x/y: No such file or directory". Python: aiofiles.open.
[[nodiscard]] GYRE_API Coro<File> open_file(std::string path, std::string_view mode = "r");

}  // namespace gyre
