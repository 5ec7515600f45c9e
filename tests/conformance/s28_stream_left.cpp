// Section 28: what has come and is left with the system until the reading task's step.
#include "connected.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace {

/// Bytes that a transport would have left.
class Left final : public detail::LeftBytes {
public:
    Left(detail::StreamState& state, std::string bytes) : state_(state), bytes_(std::move(bytes)) {}

    std::string_view fetch(std::span<char> memory) override {
        ++fetched;
        if (memory.empty()) {
            return bytes_;
        }
        direct = true;
        const std::size_t count = std::min(memory.size(), bytes_.size());
        std::memcpy(memory.data(), bytes_.data(), count);
        return {memory.data(), count};
    }
    void deliver() override {
        ++delivered;
        std::memcpy(state_.get_buffer().data(), bytes_.data(), bytes_.size());
        state_.buffer_updated(bytes_.size());
    }

    int fetched = 0;
    int delivered = 0;
    bool direct = false;  // fetched to where they were wanted

private:
    detail::StreamState& state_;
    std::string bytes_;
};

struct Fed {
    std::shared_ptr<detail::StreamState> state = std::make_shared<detail::StreamState>(100);
    StreamReader reader{state};
    Left left{*state, "abcde"};
};

Coro<> read_into(StreamReader reader, std::ptrdiff_t most, std::vector<std::string>& results) {
    std::string data = co_await reader.read(most);
    results.push_back(std::move(data));
}

/// A connection's streams, and the other end.
struct Both {
    Both(StreamPair made, Socket other) : pair(std::move(made)), peer(std::move(other)) {}
    StreamPair pair;
    Socket peer;
};

Coro<Both> both_ends() {
    std::pair<Socket, Socket> ends = Socket::pair();
    StreamPair pair = co_await open_connection(std::move(ends.first));
    co_return Both(std::move(pair), std::move(ends.second));
}

/// More than an iteration goes without a poll.
constexpr int kTurns = 80;

}  // namespace

GYRE_TEST_CASE("StreamReader: a waiting read(n) fetches what was left (S334)" * in_order) {
    Fed stream;
    auto reading = create_task(stream.reader.read(3));
    co_await sleep(0s);
    CHECK(stream.state->leave(stream.left));
    CHECK(stream.left.fetched == 0);
    co_await ticks(1);
    CHECK(outcome(reading) == "abc");
    std::string rest = co_await stream.reader.read(10);
    CHECK(rest == "de");
    CHECK(stream.left.fetched == 1);
    CHECK(stream.left.delivered == 0);
}

GYRE_TEST_CASE("StreamReader: nothing is left where no read(n) waits (S334)" * in_order) {
    Fed stream;
    CHECK_FALSE(stream.state->leave(stream.left));
    auto line = create_task(stream.reader.readline());
    co_await sleep(0s);
    CHECK_FALSE(stream.state->leave(stream.left));
    stream.reader.feed_data("\n");
    co_await line;
    auto exactly = create_task(stream.reader.readexactly(3));
    co_await sleep(0s);
    CHECK_FALSE(stream.state->leave(stream.left));
    stream.reader.feed_data("xyz");
    co_await exactly;
    auto all = create_task(stream.reader.read());
    co_await sleep(0s);
    CHECK_FALSE(stream.state->leave(stream.left));
    stream.reader.feed_eof();
    co_await all;
}

GYRE_TEST_CASE("StreamReader: a read whose bytes are gone waits on (S334)" * in_order) {
    Fed stream;
    Left nothing(*stream.state, "");
    auto reading = create_task(stream.reader.read(10));
    co_await sleep(0s);
    CHECK(stream.state->leave(nothing));
    co_await ticks(2);
    CHECK(outcome(reading) == "pending");
    CHECK(stream.state->leave(stream.left));
    std::string data = co_await reading;
    CHECK(data == "abcde");
}

GYRE_TEST_CASE("StreamReader: many bytes are fetched to where they stay (S334)" * in_order) {
    auto state = std::make_shared<detail::StreamState>(std::size_t{1} << 20);
    const StreamReader reader(state);
    bool direct = false;
    for (const std::size_t size : {100'000, 100'000, 120'000, 3, 100'000, 200'000, 1, 20'000}) {
        for (const std::size_t most : {300'000, 32'768, 10}) {
            Left left(*state, std::string(size, static_cast<char>('a' + size % 7)));
            auto reading = create_task(reader.read(static_cast<std::ptrdiff_t>(most)));
            co_await ticks(2);
            CHECK(state->leave(left));
            std::string data = co_await reading;
            CHECK(data.size() <= std::min(size, most));
            CHECK(data == std::string(data.size(), static_cast<char>('a' + size % 7)));
            CHECK(std::strlen(data.c_str()) == data.size());
            direct = direct || left.direct;
            if (!left.direct && size > data.size()) {
                std::string rest =
                    co_await reader.readexactly(static_cast<std::ptrdiff_t>(size - data.size()));
                CHECK(rest.back() == data.back());
            }
        }
    }
    CHECK(direct);
}

GYRE_TEST_CASE("StreamReader: the result of a read is an ordinary string of its own (S334)" *
               in_order) {
    auto state = std::make_shared<detail::StreamState>(std::size_t{1} << 20);
    std::vector<std::string> results;
    for (const std::size_t size : {100'000, 3, 100'000, 20'000, 100'000}) {
        Left left(*state, std::string(size, 'x'));
        auto reading = create_task(read_into(StreamReader(state), 300'000, results));
        co_await ticks(2);
        CHECK(state->leave(left));
        co_await reading;
        std::string& data = results.back();
        CHECK(data.size() == size);
        CHECK(left.direct == (results.size() > 1));
        CHECK(data.capacity() < 100 + 8 * size);  // a few bytes keep no large block
        data += 'y';
        const std::string moved = std::move(data);
        CHECK(moved == std::string(size, 'x') + 'y');
        data = "z";
    }
    CHECK(results == std::vector<std::string>(5, "z"));
}

GYRE_TEST_CASE("StreamReader: what was left comes before what is fed (S334)" * in_order) {
    Fed stream;
    auto reading = create_task(stream.reader.read(10));
    co_await sleep(0s);
    CHECK(stream.state->leave(stream.left));
    stream.reader.feed_data("fg");
    stream.reader.feed_eof();
    CHECK_FALSE(stream.reader.at_eof());
    std::string data = co_await reading;
    CHECK(data == "abcdefg");
    CHECK(stream.reader.at_eof());
}

GYRE_TEST_CASE("StreamReader: another one may take what was left (S341)" * in_order) {
    Fed stream;
    auto reading = create_task(stream.reader.read(10));
    co_await sleep(0s);
    CHECK(stream.state->leave(stream.left));
    std::string data = co_await stream.reader.readexactly(5);
    CHECK(data == "abcde");
    co_await ticks(2);
    CHECK(outcome(reading) == "pending");
    stream.reader.feed_data("f");
    data = co_await reading;
    CHECK(data == "f");
}

GYRE_TEST_CASE("StreamReader: a read that is cancelled after its wake-up takes nothing (S343)" *
               in_order) {
    Fed stream;
    auto reading = create_task(stream.reader.read(10));
    co_await sleep(0s);
    CHECK(stream.state->leave(stream.left));
    reading.cancel();
    std::string end = co_await ending(reading);
    CHECK(end == "CancelledError");
    std::string data = co_await stream.reader.read(10);
    CHECK(data == "abcde");
    CHECK(stream.left.fetched == 0);
}

GYRE_TEST_CASE(
    "StreamReader: cancelled at any moment, a read of a connection loses nothing (S343)") {
    for (int turns = 0; turns < kTurns; ++turns) {
        Both ends = co_await both_ends();
        auto reading = create_task(ending(ends.pair.reader.read(10)));
        co_await ticks(2);
        co_await sock_sendall(ends.peer, "data");
        ends.peer.close();
        for (int turn = 0; turn < turns; ++turn) {
            co_await sleep(0s);
        }
        reading.cancel();
        std::string data = co_await reading;
        if (data == "CancelledError") {
            data.clear();
        }
        std::string rest = co_await ends.pair.reader.read();
        CHECK(data + rest == "data");
        ends.pair.writer.close();
        co_await ends.pair.writer.wait_closed();
    }
}

GYRE_TEST_CASE("StreamReader: the transport may close or pause at any moment (S289, S300)") {
    for (int turns = 0; turns < kTurns; ++turns) {
        Both ends = co_await both_ends();
        auto reading = create_task(ends.pair.reader.read(10));
        co_await ticks(2);
        co_await sock_sendall(ends.peer, "data");
        for (int turn = 0; turn < turns; ++turn) {
            co_await sleep(0s);
        }
        Transport& transport = ends.pair.writer.transport();
        if (turns % 2 == 0) {
            transport.pause_reading();
            co_await ticks(2);
            transport.resume_reading();
            ends.peer.close();
            std::string data = co_await reading;
            std::string rest = co_await ends.pair.reader.read();
            CHECK(data + rest == "data");
            transport.close();
        } else {
            transport.close();
            std::string data = co_await reading;
            CHECK(std::string_view("data").starts_with(data));
        }
        co_await ends.pair.writer.wait_closed();
    }
}
