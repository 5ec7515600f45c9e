// Section 30: pipe transports. (Datagrams and Unix sockets have files of their own.)
#include "support.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace {

/// Both ends of a pipe; what was not given away is closed at the end.
class Pipe {
public:
    Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_reader();
        close_writer();
    }

    [[nodiscard]] int reader() const { return ends_[0]; }
    [[nodiscard]] int writer() const { return ends_[1]; }
    int take_reader() { return std::exchange(ends_[0], -1); }
    int take_writer() { return std::exchange(ends_[1], -1); }
    void close_reader() { close(ends_[0]); }
    void close_writer() { close(ends_[1]); }
    void write(std::string_view text) const {
        REQUIRE(::write(writer(), text.data(), text.size()) == static_cast<long>(text.size()));
    }
    [[nodiscard]] std::string read() const {
        std::string text(1 << 16, '\0');
        const auto count = ::read(reader(), text.data(), text.size());
        text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return text;
    }

private:
    static void close(int& fd) {
        if (fd >= 0) {
            ::close(std::exchange(fd, -1));
        }
    }
    std::array<int, 2> ends_{-1, -1};
};

/// Writes down what it is told.
class Recorder : public Protocol {
public:
    void connection_made(const std::shared_ptr<Transport>& /*transport*/) override {
        log.push_back("made");
    }
    void data_received(std::string_view data) override { log.push_back(std::string(data)); }
    bool eof_received() override {
        log.push_back("eof");
        if (eof_fails) {
            throw std::runtime_error("eof");
        }
        return true;
    }
    void connection_lost(std::exception_ptr error) override {
        log.push_back("lost");
        lost = name_of(error);
        end.set_result();
    }
    void pause_writing() override { log.push_back("pause"); }
    void resume_writing() override { log.push_back("resume"); }

    Log log;
    std::string lost;
    bool eof_fails = false;
    Future<> end = create_future<>();
};

std::shared_ptr<Recorder> record() { return std::make_shared<Recorder>(); }

}  // namespace

GYRE_TEST_CASE(
    "pipes: what is written is received; the end of file closes, whatever it answers "
    "(S372)") {
    const faults::NoCuts whole;
    Pipe pipe;
    const int fd = pipe.take_reader();
    auto made = co_await connect_read_pipe(record, fd);
    auto& [transport, protocol] = made;
    CHECK(joined(protocol->log) == "made");
    CHECK(transport->fileno() == fd);
    CHECK(transport->is_reading());
    CHECK_FALSE(transport->can_write_eof());
    CHECK(thrown_by([&] { transport->write("x"); }) == "RuntimeError");
    CHECK(thrown_by([&] { transport->write_eof(); }) == "RuntimeError");
    CHECK(thrown_by([&] { loop.add_reader(fd, [] {}); }) == "RuntimeError");
    CHECK(thrown_by([&, t = transport] {
              static_cast<void>(loop.make_read_pipe(fd, nullptr, {}));
          }) == "RuntimeError");
    pipe.write("one");
    while (protocol->log.size() < 2) {
        co_await sleep(0s);
    }
    transport->pause_reading();
    pipe.write("two");
    co_await ticks(5);
    CHECK(joined(protocol->log) == "made one");
    transport->resume_reading();
    while (protocol->log.size() < 3) {
        co_await sleep(0s);
    }
    pipe.close_writer();
    co_await protocol->end;
    CHECK(joined(protocol->log) == "made one two eof lost");
    CHECK(protocol->lost == "nothing");
    CHECK(transport->is_closing());
    CHECK(transport->fileno() == -1);
}

GYRE_TEST_CASE("pipes: the reader's close and abort end it; an error of eof_received is reported") {
    for (int how = 0; how < 3; ++how) {
        Reports reports(loop);
        Pipe pipe;
        auto made = co_await connect_read_pipe(record, pipe.take_reader());
        auto& [transport, protocol] = made;
        if (how == 0) {
            transport->close();
            transport->close();
        } else if (how == 1) {
            transport->abort();
        } else {
            protocol->eof_fails = true;
            pipe.close_writer();
        }
        co_await protocol->end;
        CHECK(joined(protocol->log) == (how == 2 ? "made eof lost" : "made lost"));
        CHECK(protocol->lost == (how == 2 ? "eof" : "nothing"));
        CHECK(reports.count() == (how == 2 ? 1 : 0));
    }
}

GYRE_TEST_CASE("pipes: FIFOs, sockets and devices are taken, a file is not (S372)") {
    std::FILE* file = std::tmpfile();
    const int fd = ::fileno(file);
    std::string error = co_await ending(connect_read_pipe(record, fd));
    CHECK(error == "ValueError");
    error = co_await ending(connect_write_pipe(record, fd));
    CHECK(error == "ValueError");
    CHECK(::fcntl(fd, F_GETFD) >= 0);  // still the caller's
    std::fclose(file);
    error = co_await ending(connect_read_pipe(record, 9999));
    CHECK(error == "pipe 9999: Bad file descriptor");

    const faults::NoCuts whole;
    auto ends = Socket::pair();
    auto reading = co_await connect_read_pipe(record, ends.first.release());
    auto writing = co_await connect_write_pipe(record, ends.second.release());
    writing.first->write("through");
    writing.first->close();
    co_await reading.second->end;
    co_await writing.second->end;
    CHECK(joined(reading.second->log) == "made through eof lost");

    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    auto device = co_await connect_write_pipe(record, null);
    device.first->write("nowhere");
    device.first->close();
    co_await device.second->end;
    CHECK(joined(device.second->log) == "made lost");
}

GYRE_TEST_CASE("pipes: a terminal's closed end counts as the end of file (S372)") {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) {
        MESSAGE("left out: no terminal is to be had");
        ::close(master);
        co_return;
    }
    const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(slave >= 0);
    auto made = co_await connect_read_pipe(record, master);
    REQUIRE(::write(slave, "text", 4) == 4);
    while (made.second->log.size() < 2) {
        co_await sleep(0s);
    }
    ::close(slave);
    co_await made.second->end;
    CHECK(joined(made.second->log) == "made text eof lost");
    CHECK(made.second->lost == "nothing");
}

GYRE_TEST_CASE("pipes: what waits is sent, then write_eof closes (S373)") {
    Pipe pipe;
    auto made = co_await connect_write_pipe(record, pipe.take_writer());
    auto& [transport, protocol] = made;
    CHECK_FALSE(transport->is_reading());
    CHECK(transport->can_write_eof());
    const std::string data(300'000, 'x');
    transport->write(data);
    CHECK(transport->get_write_buffer_size() > 0);
    CHECK(joined(protocol->log) == "made pause");
    transport->write_eof();
    CHECK(transport->is_closing());
    transport->write("ignored");
    std::string all;
    while (!protocol->end.done()) {
        all += pipe.read();
        co_await sleep(0s);
    }
    all += pipe.read();
    CHECK(all == data);
    CHECK(joined(protocol->log) == "made pause resume lost");
    CHECK(protocol->lost == "nothing");
}

GYRE_TEST_CASE("pipes: the writer notices that nobody reads any more (S373)") {
    for (int how = 0; how < 4; ++how) {
        Pipe pipe;
        auto ends = Socket::pair();
        const bool socket = how == 3;
        auto made =
            co_await connect_write_pipe(record, socket ? ends.first.release() : pipe.take_writer());
        auto& [transport, protocol] = made;
        if (how == 1) {
            transport->write(std::string(300'000, 'x'));
        }
        pipe.close_reader();
        ends.second.close();
        if (how == 2) {
            transport->write("at once");  // before the poll has told
        }
        co_await protocol->end;
        CHECK(protocol->log.front() == "made");
        CHECK(protocol->log.back() == "lost");
        const bool broken = protocol->lost.ends_with(": Broken pipe");
        CHECK_MESSAGE(broken == (how == 1 || how == 2), protocol->lost);
    }
}

GYRE_TEST_CASE("pipes: a socket's writer goes on when its reader says something") {
    auto ends = Socket::pair();
    auto made = co_await connect_write_pipe(record, ends.first.release());
    const std::string_view word = "word";
    static_cast<void>(ends.second.send(word));
    co_await ticks(5);
    CHECK_FALSE(made.first->is_closing());
    const faults::NoFaults none;
    made.first->write("answer");
    made.first->close();
    co_await made.second->end;
    std::string text(16, ' ');
    const auto count = ends.second.recv(text);
    CHECK(count == 6);
}

TEST_CASE("pipes: a loop that closes lets go of them, and calls nobody") {
    for (const std::string& spec : testing::test_loops()) {
        Pipe in;
        Pipe out;
        std::shared_ptr<Recorder> protocol;
        std::shared_ptr<Transport> reading;
        {
            Runner runner(RunOptions{spec, {}});
            runner.run([&]() -> Coro<> {
                auto made = co_await connect_read_pipe(record, in.take_reader());
                auto other = co_await connect_write_pipe(record, out.take_writer());
                reading = made.first;
                protocol = made.second;
                other.first->write(std::string(300'000, 'x'));
            }());
        }
        CHECK(joined(protocol->log) == "made");
        CHECK(reading->fileno() == -1);
        CHECK(::fcntl(out.reader(), F_GETFD) >= 0);
        std::string all;
        for (std::string part = out.read(); !part.empty(); part = out.read()) {
            all += part;
        }
        CHECK(all.size() < 300'000);
        protocol->end = Future<>();
    }
}
