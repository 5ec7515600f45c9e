// LazyProtocol: a protocol that reads in its own time what has come.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/transport.hpp>

#include <span>
#include <string_view>

namespace gyre::detail {

/// A transport's bytes that were left with the system.
class LeftBytes {
public:
    LeftBytes() = default;
    LeftBytes(const LeftBytes&) = delete;
    LeftBytes& operator=(const LeftBytes&) = delete;

    /// Receives them into `memory`; where that is empty, to where they stay until the loop's next
    /// read. Nothing where there are none any more, or where an end of file or an error has come
    /// instead, which is dealt with.
    [[nodiscard]] virtual std::string_view fetch(std::span<char> memory) = 0;
    /// Has them received by get_buffer() and buffer_updated() as if they had not been left.
    virtual void deliver() = 0;

protected:
    ~LeftBytes() = default;
};

/// What is left with the system until the step of the task that reads it needs no memory of its
/// own, and is in the processor's cache when it is used.
class GYRE_API LazyProtocol : public BufferedProtocol {
public:
    /// There is something to read. True: fetch() will be called for it within this iteration or the
    /// next; until then, whoever looks at what has come calls deliver() first.
    [[nodiscard]] virtual bool leave(LeftBytes& left) = 0;
};

}  // namespace gyre::detail
