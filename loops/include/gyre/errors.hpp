// The errors gyre raises: asyncio's names, in the lowest layer because the loop reports any of
// them.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/attribute.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyre {

/// The root of gyre's ordinary errors.
class GYRE_API Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    Error(const Error&) = default;
    ~Error() override;
};

/// A call in a state that forbids it: a closed loop, no running loop, awaiting oneself.
class GYRE_API RuntimeError : public Error {
public:
    using Error::Error;
    RuntimeError(const RuntimeError&) = default;
    ~RuntimeError() override;
};

/// An argument outside its range. asyncio: ValueError.
class GYRE_API ValueError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
    ValueError(const ValueError&) = default;
    ~ValueError() override;
};

/// The virtual loop found nothing left that could ever run. The text names the pending tasks.
class GYRE_API DeadlockError : public RuntimeError {
public:
    using RuntimeError::RuntimeError;
    DeadlockError(const DeadlockError&) = default;
    ~DeadlockError() override;
};

/// A time limit passed. asyncio: TimeoutError.
class GYRE_API TimeoutError : public Error {
public:
    explicit TimeoutError(const std::string& text = "timed out") : Error(text) {}
    TimeoutError(const TimeoutError&) = default;
    ~TimeoutError() override;
};

/// A future was asked for what it does not have yet, or given an outcome twice.
class GYRE_API InvalidStateError : public Error {
public:
    using Error::Error;
    InvalidStateError(const InvalidStateError&) = default;
    ~InvalidStateError() override;
};

/// get_nowait() on an empty queue.
class GYRE_API QueueEmpty : public Error {
public:
    explicit QueueEmpty(const std::string& text = "the queue is empty") : Error(text) {}
    QueueEmpty(const QueueEmpty&) = default;
    ~QueueEmpty() override;
};

/// put_nowait() on a full queue.
class GYRE_API QueueFull : public Error {
public:
    explicit QueueFull(const std::string& text = "the queue is full") : Error(text) {}
    QueueFull(const QueueFull&) = default;
    ~QueueFull() override;
};

/// put() after shutdown(), or get() when nothing is left to get.
class GYRE_API QueueShutDown : public Error {
public:
    explicit QueueShutDown(const std::string& text = "the queue was shut down") : Error(text) {}
    QueueShutDown(const QueueShutDown&) = default;
    ~QueueShutDown() override;
};

/// The barrier was aborted, or reset while the task waited.
class GYRE_API BrokenBarrierError : public Error {
public:
    explicit BrokenBarrierError(const std::string& text = "the barrier is broken") : Error(text) {}
    BrokenBarrierError(const BrokenBarrierError&) = default;
    ~BrokenBarrierError() override;
};

/// Several errors at once, in order of occurrence. A TaskGroup raises it.
class GYRE_API ExceptionGroup : public Error {
public:
    ExceptionGroup(const std::string& text, std::vector<std::exception_ptr> errors);
    ExceptionGroup(const ExceptionGroup&) = default;
    ~ExceptionGroup() override;

    detail::Attribute<std::vector<std::exception_ptr>> exceptions;
};

/// The end of file came before what was asked for.
class GYRE_API IncompleteReadError : public Error {
public:
    /// `awaited`: how many bytes were, where that is known.
    IncompleteReadError(std::string received, std::optional<std::size_t> awaited);
    IncompleteReadError(const IncompleteReadError&) = default;
    ~IncompleteReadError() override;

    detail::Attribute<std::string> partial;  ///< what came
    detail::Attribute<std::optional<std::size_t>> expected;
};

/// No separator within a stream's limit.
class GYRE_API LimitOverrunError : public Error {
public:
    LimitOverrunError(const std::string& text, std::size_t bytes) : Error(text), consumed(bytes) {}
    LimitOverrunError(const LimitOverrunError&) = default;
    ~LimitOverrunError() override;

    detail::Attribute<std::size_t> consumed;  ///< bytes of the buffer that hold no separator
};

/// A task was asked to stop: thrown where it waits.
///
/// Not a std::exception, so that `catch (const std::exception&)` lets it pass; a `catch (...)` that
/// does not rethrow swallows the cancellation. asyncio: CancelledError.
class GYRE_API CancelledError {
public:
    CancelledError() = default;
    explicit CancelledError(std::string message) : message_(std::move(message)) {}
    CancelledError(const CancelledError&) = default;
    CancelledError& operator=(const CancelledError&) = default;
    virtual ~CancelledError();

    /// What cancel() was given; empty without one.
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    [[nodiscard]] const char* what() const noexcept { return message_.c_str(); }

private:
    std::string message_;
};

/// The root of what ends the whole run: it leaves run_forever() at once, past every handler.
/// Not a std::exception, for CancelledError's reason.
class GYRE_API ExitError {
public:
    ExitError() = default;
    ExitError(const ExitError&) = default;
    ExitError& operator=(const ExitError&) = default;
    virtual ~ExitError();
};

/// Ctrl-C. asyncio: KeyboardInterrupt.
class GYRE_API KeyboardInterrupt : public ExitError {
public:
    KeyboardInterrupt() = default;
    KeyboardInterrupt(const KeyboardInterrupt&) = default;
    ~KeyboardInterrupt() override;
};

/// A request to end the program with this status. asyncio: SystemExit.
class GYRE_API SystemExit : public ExitError {
public:
    explicit SystemExit(int status = 0) : status_(status) {}
    SystemExit(const SystemExit&) = default;
    ~SystemExit() override;
    [[nodiscard]] int status() const noexcept { return status_; }

private:
    int status_;
};

/// "gyre::ValueError: text": the type and the text of any exception, for reports.
[[nodiscard]] GYRE_API std::string describe(const std::exception_ptr& error);

}  // namespace gyre
