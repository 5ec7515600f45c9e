#include <gyre/event_loop.hpp>
#include <gyre/streams.hpp>

#include <cassert>

namespace gyre {

namespace {

AsyncGenerator<std::string> read_lines(std::shared_ptr<detail::StreamState> state) {
    const StreamReader reader(std::move(state));
    while (true) {
        std::string line = co_await reader.readline();
        if (line.empty()) {
            co_return;
        }
        co_yield std::move(line);
    }
}

}  // namespace

AsyncGenerator<std::string> StreamReader::lines() const { return read_lines(state_); }

/// Shared by a stream's writers; the last to go closes.
class StreamWriter::Closer {
public:
    explicit Closer(std::shared_ptr<detail::StreamState> state) noexcept
        : state_(std::move(state)) {}
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;
    ~Closer() {
        Transport& transport = *state_->transport();
        if (!transport.is_closing()) {
            if (detail::running_loop != nullptr && detail::running_loop->get_debug()) {
                report_unclosed(transport);
            }
            transport.close();
        }
    }

private:
    static void report_unclosed(const Transport& transport) noexcept try {
        detail::report_quietly(ExceptionContext("unclosed StreamWriter " +
                                                transport.sockname().to_string() + " -> " +
                                                transport.peername().to_string()));
    } catch (...) {
        // No memory for the text.
    }

    std::shared_ptr<detail::StreamState> state_;
};

StreamWriter::StreamWriter(std::shared_ptr<detail::StreamState> state)
    : state_(std::move(state)), closer_(std::make_shared<Closer>(state_)) {
    assert(state_->transport() != nullptr);
}

}  // namespace gyre
