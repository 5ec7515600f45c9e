#include "open_file.hpp"

#include <gyre/detail/storage.hpp>
#include <gyre/errors.hpp>
#include <gyre/file.hpp>
#include <gyre/future.hpp>
#include <gyre/lock.hpp>
#include <gyre/threads.hpp>

#include <type_traits>

namespace gyre {

namespace detail {

/// The file, and whose turn it is. A job in a thread keeps the file alone.
class FileState {
public:
    explicit FileState(std::shared_ptr<OpenFile> opened) noexcept : file(std::move(opened)) {}

    std::shared_ptr<OpenFile> file;
    Lock turn;  // held until the thread is done with the file, whatever becomes of the caller
    bool closed = false;
};

namespace {

/// A job in a thread, for whoever has the turn; passes the turn on when the job has ended.
template <class T>
class FileCall {
public:
    template <class F>
    FileCall(std::shared_ptr<FileState> state, F function)
        : state_(std::move(state)), ended_(create_future<>()), work_(submit(*state_, function)) {
        work_.add_done_callback([ended = ended_](const Future<T>&) {
            if (!ended.done()) {
                ended.set_result();
            }
        });
    }
    FileCall(const FileCall&) = delete;
    FileCall& operator=(const FileCall&) = delete;
    ~FileCall() {
        if (taken_) {
            return;
        }
        if (work_.done()) {
            drop(*state_, work_);
        } else {
            work_.add_done_callback(
                [state = state_](const Future<T>& work) { drop(*state, work); });
        }
    }

    /// Cancelling this does not cancel the job.
    [[nodiscard]] const Future<>& ended() const noexcept { return ended_; }

    T take() {
        taken_ = true;
        state_->turn.release();
        work_.state()->check_result();
        if constexpr (!std::is_void_v<T>) {
            return std::move(work_.state()->template storage<Storage<T>>().get());
        }
    }

private:
    template <class F>
    static Future<T> submit(FileState& state, F& function) {
        try {
            return run_in_executor(
                nullptr, [file = state.file, function]() mutable { return function(*file); });
        } catch (...) {
            state.turn.release();
            throw;
        }
    }

    // The caller is gone.
    static void drop(FileState& state, const Future<T>& work) {
        const bool failed = work.cancelled() || work.exception() != nullptr;
        if constexpr (std::is_same_v<T, std::string>) {
            if (!failed) {
                state.file->put_back(work.result());
            }
        }
        static_cast<void>(failed);
        state.turn.release();
    }

    std::shared_ptr<FileState> state_;
    Future<> ended_;
    Future<T> work_;
    bool taken_ = false;
};

template <class F>
Coro<std::invoke_result_t<F&, OpenFile&>> in_turn(std::shared_ptr<FileState> state, F function) {
    co_await state->turn.acquire();
    FileCall<std::invoke_result_t<F&, OpenFile&>> call(state, std::move(function));
    co_await call.ended();
    co_return call.take();
}

// What was read ahead is taken here and now.
template <class H, class F>
Coro<std::string> read_in_turn(std::shared_ptr<FileState> state, H is_held, F function) {
    co_await state->turn.acquire();
    if (is_held(*state->file)) {
        std::string data;
        {
            const ScopedGuard<Lock> end(state->turn);
            data = function(*state->file);
        }
        co_return data;
    }
    FileCall<std::string> call(state, std::move(function));
    co_await call.ended();
    co_return call.take();
}

Coro<File> open_in_thread(std::string path, FileMode mode) {
    auto opening = run_in_executor(
        nullptr, [path = std::move(path), mode] { return std::make_shared<OpenFile>(path, mode); });
    std::shared_ptr<OpenFile> opened = co_await std::move(opening);
    co_return File(std::make_shared<FileState>(std::move(opened)));
}

Coro<File> same(File file) { co_return file; }

AsyncGenerator<std::string> lines_of(File file) {
    while (true) {
        std::string line = co_await file.readline();
        if (line.empty()) {
            co_return;
        }
        co_yield std::move(line);
    }
}

Coro<> close_in_turn(std::shared_ptr<FileState> state) {
    co_await state->turn.acquire();
    if (state->closed) {
        state->turn.release();
        co_return;
    }
    FileCall<void> call(state, [](OpenFile& file) { file.close(); });
    state->closed = true;
    co_await call.ended();
    call.take();
}

}  // namespace
}  // namespace detail

Coro<std::string> File::read(std::ptrdiff_t n) const {
    return detail::read_in_turn(
        state_, [n](const detail::OpenFile& file) { return file.holds(n); },
        [n](detail::OpenFile& file) { return file.read(n); });
}

Coro<std::string> File::readline() const {
    return detail::read_in_turn(
        state_, [](const detail::OpenFile& file) { return file.holds_line(); },
        [](detail::OpenFile& file) { return file.readline(); });
}

AsyncGenerator<std::string> File::lines() const { return detail::lines_of(*this); }

Coro<std::size_t> File::write(std::string_view data) const {
    auto text = std::make_shared<const std::string>(data);
    return detail::in_turn(
        state_, [text = std::move(text)](detail::OpenFile& file) { return file.write(*text); });
}

Coro<> File::flush() const {
    return detail::in_turn(state_, [](detail::OpenFile& file) { file.check_flush(); });
}

Coro<std::int64_t> File::seek(std::int64_t offset, int whence) const {
    return detail::in_turn(
        state_, [offset, whence](detail::OpenFile& file) { return file.seek(offset, whence); });
}

Coro<std::int64_t> File::tell() const {
    return detail::in_turn(state_, [](detail::OpenFile& file) { return file.tell(); });
}

Coro<> File::close() const { return detail::close_in_turn(state_); }

bool File::closed() const noexcept { return state_->closed; }

const std::string& File::name() const noexcept { return state_->file->path(); }

Coro<File> File::enter() const { return detail::same(*this); }

Coro<> File::exit(std::exception_ptr /*error*/) const { return close(); }

Coro<File> open_file(std::string path, std::string_view mode) {
    if (path.find('\0') != std::string::npos) {
        throw ValueError("a path without a zero byte is expected");
    }
    const detail::FileMode parsed(mode, path);
    return detail::open_in_thread(std::move(path), parsed);
}

}  // namespace gyre
