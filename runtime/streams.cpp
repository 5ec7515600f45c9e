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
        if (const std::shared_ptr<Transport>& transport = state_->transport()) {
            transport->close();
        }
    }

private:
    std::shared_ptr<detail::StreamState> state_;
};

StreamWriter::StreamWriter(std::shared_ptr<detail::StreamState> state)
    : state_(std::move(state)), closer_(std::make_shared<Closer>(state_)) {
    assert(state_->transport() != nullptr);
}

}  // namespace gyre
