// Section 24: what a transport writes, and when.
#include "connected.hpp"

GYRE_TEST_CASE("transport: write sends at once, and keeps a copy of the rest (S293)") {
    auto c = co_await connected();
    c.transport->write("");
    {
        const faults::NoFaults none;
        c.transport->write(std::string("at once"));
        CHECK(c.transport->get_write_buffer_size() == 0);
    }
    std::string data = co_await receive(c.peer, 7);
    CHECK(data == "at once");

    std::string text(1 << 20, 'a');
    c.transport->write(text);
    const std::size_t waiting = c.transport->get_write_buffer_size();
    CHECK(waiting > 0);
    std::fill(text.begin(), text.end(), 'b');
    c.transport->write("");
    c.transport->write("tail");
    CHECK(c.transport->get_write_buffer_size() == waiting + 4);
    data = co_await receive(c.peer, text.size() + 4);
    CHECK(data == std::string(1 << 20, 'a') + "tail");
    co_await c.close();
}

GYRE_TEST_CASE("transport: write_eof shuts the way there once all is sent (S294)") {
    for (const bool much : {false, true}) {
        auto c = co_await connected();
        CHECK(c.transport->can_write_eof());
        c.transport->write(much ? megabyte : std::string("data"));
        c.transport->write_eof();
        c.transport->write_eof();
        CHECK(thrown_by([&] { c.transport->write("more"); }) == "RuntimeError");
        CHECK(thrown_by([&] { c.transport->writelines({"more", "more"}); }) == "RuntimeError");
        std::string data = co_await receive_all(c.peer);
        CHECK(data.size() == (much ? megabyte.size() : 4));
        CHECK_FALSE(c.transport->is_closing());
        co_await sock_sendall(c.peer, "answer");
        co_await received(c.protocol, 6);
        CHECK(c.protocol->data == "answer");
        co_await c.close();
    }
}

GYRE_TEST_CASE("transport: write_eof after close is ignored (S294)") {
    auto c = co_await connected();
    c.transport->write(megabyte);
    c.transport->close();
    c.transport->write_eof();
    c.transport->write("ignored");
    std::string data = co_await receive_all(c.peer);
    CHECK(data == megabyte);
    co_await c.protocol->lost.wait();
    c.transport->write_eof();
}

GYRE_TEST_CASE("transport: writelines writes one part behind the other (S295)") {
    auto c = co_await connected();
    c.transport->writelines({});
    c.transport->writelines({"one ", "", "two "});
    std::vector<std::string_view> parts(300, "part ");
    c.transport->writelines(parts);
    std::string expected = "one two ";
    for (int i = 0; i < 300; ++i) {
        expected += "part ";
    }
    std::string data = co_await receive(c.peer, expected.size());
    CHECK(data == expected);

    c.transport->writelines({megabyte, "behind", megabyte, "last"});
    c.transport->writelines({"very", " last"});
    c.transport->close();
    data = co_await receive_all(c.peer);
    CHECK(data == megabyte + "behind" + megabyte + "last" + "very last");
    co_await c.protocol->lost.wait();
}

GYRE_TEST_CASE("transport: the marks of the write buffer (S296)") {
    auto c = co_await connected();
    Transport& transport = *c.transport;
    const auto marks = [&transport] {
        const Transport::Limits limits = transport.get_write_buffer_limits();
        return std::to_string(limits.low) + "-" + std::to_string(limits.high);
    };
    CHECK(marks() == "16384-65536");
    transport.set_write_buffer_limits({.high = 1000});
    CHECK(marks() == "250-1000");
    transport.set_write_buffer_limits({.low = 50});
    CHECK(marks() == "50-200");
    transport.set_write_buffer_limits({.high = 100, .low = 100});
    CHECK(marks() == "100-100");
    transport.set_write_buffer_limits({.high = 0});
    CHECK(marks() == "0-0");
    CHECK(thrown_by([&] { transport.set_write_buffer_limits({.high = 5, .low = 10}); }) ==
          "ValueError");
    CHECK(marks() == "0-0");
    transport.set_write_buffer_limits();
    CHECK(marks() == "16384-65536");
    co_await c.close();
}

GYRE_TEST_CASE("transport: pause_writing within write, above the mark; resume at the low (S297)") {
    auto c = co_await connected();
    c.transport->write(megabyte);
    CHECK(joined(c.protocol->log) == "made pause");
    c.transport->write("more");
    CHECK(joined(c.protocol->log) == "made pause");
    std::string data = co_await receive(c.peer, megabyte.size() + 4);
    while (c.protocol->log.size() < 3) {
        co_await sleep(0s);
    }
    CHECK(joined(c.protocol->log) == "made pause resume");

    // At the mark it goes on, with one byte more it does not.
    std::size_t filled = 0;
    while (c.transport->get_write_buffer_size() == 0) {
        c.transport->write("x");
        ++filled;
    }
    c.transport->set_write_buffer_limits({.high = 10, .low = 2});
    c.transport->write(std::string(10 - c.transport->get_write_buffer_size(), 'x'));
    CHECK(c.transport->get_write_buffer_size() == 10);
    CHECK(joined(c.protocol->log) == "made pause resume");
    c.transport->write("x");
    CHECK(joined(c.protocol->log) == "made pause resume pause");
    data = co_await receive(c.peer, filled);
    while (c.protocol->log.size() < 5) {
        co_await sleep(0s);
    }
    co_await c.close();
    CHECK(joined(c.protocol->log) == "made pause resume pause resume lost");
}

GYRE_TEST_CASE("transport: errors in pause_writing and resume_writing are reported only (S297)") {
    Reports reports(loop);
    class Failing : public Notes {
    public:
        void pause_writing() override { throw std::runtime_error("pause"); }
        void resume_writing() override { throw std::runtime_error("resume"); }
    };
    auto c = co_await connected(std::make_shared<Failing>());
    c.transport->write(megabyte);
    CHECK(joined(reports.errors) == "pause");
    std::string data = co_await receive(c.peer, megabyte.size());
    co_await c.close();
    CHECK(joined(reports.errors) == "pause resume");
    CHECK(name_of(c.protocol->error) == "nothing");
}

GYRE_TEST_CASE("transport: lower marks pause at once (S298)") {
    auto c = co_await connected();
    c.transport->set_write_buffer_limits({.high = 2 << 20});
    c.transport->write(megabyte);
    CHECK(joined(c.protocol->log) == "made");
    c.transport->set_write_buffer_limits({.high = 1000});
    CHECK(joined(c.protocol->log) == "made pause");
    std::string data = co_await receive(c.peer, megabyte.size());
    co_await c.close();
}

GYRE_TEST_CASE("transport: resume_writing may write, here and elsewhere (S299)") {
    class Writing : public Notes {
    public:
        void resume_writing() override {
            Notes::resume_writing();
            if (log.size() < 4) {
                transport->write(megabyte);
            }
            if (other) {
                other->write("other");
            }
        }
        std::shared_ptr<Transport> other;
    };
    auto a = co_await connected(std::make_shared<Writing>());
    auto b = co_await connected();
    a.protocol->other = b.transport;
    a.transport->write(megabyte);
    std::string data = co_await receive(a.peer, 2 * megabyte.size());
    co_await a.close();
    CHECK(joined(a.protocol->log) == "made pause resume pause resume lost");
    data = co_await receive(b.peer, 10);
    CHECK(data == "otherother");
    co_await b.close();
}

GYRE_TEST_CASE("transport: a connection aborted by pause_writing or resume_writing (S299, S414)") {
    class Aborting : public Notes {
    public:
        void pause_writing() override {
            Notes::pause_writing();
            if (early) {
                transport->abort();
            }
        }
        void resume_writing() override {
            Notes::resume_writing();
            transport->abort();
        }
        bool early = false;
    };
    for (const bool early : {true, false}) {
        auto c = co_await connected(std::make_shared<Aborting>());
        c.protocol->early = early;
        c.transport->write(megabyte);
        if (!early) {
            std::string data = co_await receive_all(c.peer);
        }
        co_await c.protocol->lost.wait();
        CHECK(joined(c.protocol->log) == (early ? "made pause lost" : "made pause resume lost"));
    }
}
