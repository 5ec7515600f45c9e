// Section 29: add_reader and add_writer, sock_recv and its kin.
#include "connected.hpp"
#include "raw_loop.hpp"

#include <memory>

TEST_CASE("readiness is level-triggered (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        int reads = 0;
        int writes = 0;
        loop.add_reader(sockets.near(), [&] { ++reads; });
        loop.add_writer(sockets.near(), [&] { ++writes; });
        run_one(loop);
        CHECK(reads == 0);
        CHECK(writes == 1);
        sockets.send();
        run_one(loop);
        run_one(loop);
        CHECK(reads == 2);
        CHECK(writes == 3);
        sockets.receive();
        sockets.fill();
        run_one(loop);
        CHECK(reads == 2);
        CHECK(writes == 3);
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a second callback replaces the first and frees it (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        const auto resource = std::make_shared<int>(0);
        std::string order;
        loop.add_reader(sockets.near(), [&, resource] { order += "first "; });
        loop.add_writer(sockets.near(), [&, resource] { order += "first "; });
        CHECK(resource.use_count() == 3);
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        CHECK(resource.use_count() == 1);
        run_one(loop);
        CHECK(order == "reader writer ");
        CHECK(loop.statistics().descriptors == 2);
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a callback replaced after it became ready does not run (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        loop.add_reader(sockets.near(), [&] { order += "old "; });
        loop.call_soon([&] { loop.add_reader(sockets.near(), [&] { order += "new "; }); });
        run_one(loop);
        CHECK(order.empty());
        run_one(loop);
        CHECK(order == "new ");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("reader and writer are independent; remove says whether there was one (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        std::string order;
        CHECK_FALSE(loop.remove_reader(sockets.near()));
        CHECK_FALSE(loop.remove_writer(sockets.near()));
        CHECK_FALSE(loop.remove_reader(-1));
        CHECK_FALSE(loop.remove_reader(999'999));
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        CHECK(loop.remove_reader(sockets.near()));
        CHECK_FALSE(loop.remove_reader(sockets.near()));
        run_one(loop);
        CHECK(order == "writer ");
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        CHECK(loop.remove_writer(sockets.near()));
        CHECK_FALSE(loop.remove_writer(sockets.near()));
        run_one(loop);
        CHECK(order == "writer reader ");
        CHECK(loop.remove_reader(sockets.near()));
    });
}

TEST_CASE("a callback may remove itself, and is freed after the call (S361)") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.send();
        const auto resource = std::make_shared<int>(0);
        int calls = 0;
        loop.add_reader(sockets.near(), [&, resource] {
            ++calls;
            CHECK(loop.remove_reader(sockets.near()));
            CHECK(resource.use_count() == 2);
        });
        run_one(loop);
        run_one(loop);
        CHECK(calls == 1);
        CHECK(resource.use_count() == 1);
    });
}

TEST_CASE("a bad descriptor is a ValueError and leaves nothing registered (S362)") {
    on_each(all_loops, [](EventLoop& loop) {
        int closed = -1;
        {
            const Sockets sockets;
            closed = sockets.near();
        }
        const auto resource = std::make_shared<int>(0);
        const auto hold = [resource] {};
        for (const int fd : {-1, -1000, closed}) {
            CHECK(thrown_by([&] { loop.add_reader(fd, hold); }) == "ValueError");
            CHECK(thrown_by([&] { loop.add_writer(fd, hold); }) == "ValueError");
            CHECK_FALSE(loop.remove_reader(fd));
        }
        CHECK(resource.use_count() == 2);
        CHECK(loop.statistics().descriptors == 0);
        run_one(loop);
    });
}

TEST_CASE("a descriptor that select cannot hold is a ValueError that says so (S362)") {
    const Sockets sockets;
    const int high = ::fcntl(sockets.near(), F_DUPFD_CLOEXEC, FD_SETSIZE);
    if (high < 0) {
        MESSAGE("left out: this process may not open so many descriptors");
        return;
    }
    on_each(all_loops, [&](EventLoop& loop) {
        int calls = 0;
        const auto add = [&] { loop.add_writer(high, [&] { ++calls; }); };
        if (loop.name() == "selector:select") {
            CHECK_THROWS_WITH_AS(add(), doctest::Contains("below 1024"), ValueError);
            CHECK_FALSE(loop.remove_writer(high));
        } else {
            add();
        }
        run_one(loop);
        CHECK(calls == (loop.name() == "selector:select" ? 0 : 1));
        loop.remove_writer(high);
    });
    ::close(high);
}

TEST_CASE("a number reused right after remove_reader sees nothing of its predecessor (S363)") {
    on_each(all_loops, [](EventLoop& loop) {
        for (int round = 0; round < 3; ++round) {
            Sockets old;
            old.send();
            const int number = old.near();
            int old_calls = 0;
            int new_calls = 0;
            loop.add_reader(number, [&] { ++old_calls; });
            run_one(loop);
            CHECK(old_calls == 1);
            CHECK(loop.remove_reader(number));
            old.close_near();
            const Sockets fresh;
            REQUIRE(fresh.near() == number);
            run_one(loop);
            loop.add_reader(number, [&] { ++new_calls; });
            run_one(loop);
            CHECK(new_calls == 0);
            fresh.send();
            run_one(loop);
            CHECK(new_calls == 1);
            CHECK(old_calls == 1);
            CHECK(loop.remove_reader(number));
        }
    });
}

TEST_CASE("a number closed without remove_reader and reused can be watched anew (S363)") {
    on_each(all_loops, [](EventLoop& loop) {
        Sockets old;
        const int number = old.near();
        int old_calls = 0;
        int new_calls = 0;
        loop.add_reader(number, [&] { ++old_calls; });
        run_one(loop);
        old.close_near();
        const Sockets fresh;
        REQUIRE(fresh.near() == number);
        loop.add_reader(number, [&] { ++new_calls; });
        fresh.send();
        run_one(loop);
        CHECK(old_calls == 0);
        CHECK(new_calls == 1);
        CHECK(loop.remove_reader(number));
    });
}

TEST_CASE("an event of the poll that found it does not reach the number's next owner (S363)") {
    on_each(all_loops, [](EventLoop& loop) {
        Sockets old;
        old.send();
        const int number = old.near();
        int old_calls = 0;
        int new_calls = 0;
        std::unique_ptr<Sockets> fresh;
        loop.add_reader(number, [&] { ++old_calls; });
        loop.call_soon([&] {
            CHECK(loop.remove_reader(number));
            old.close_near();
            fresh = std::make_unique<Sockets>();
            REQUIRE(fresh->near() == number);
            loop.add_reader(number, [&] { ++new_calls; });
        });
        run_one(loop);
        run_one(loop);
        CHECK(old_calls == 0);
        CHECK(new_calls == 0);
        CHECK(loop.remove_reader(number));
    });
}

TEST_CASE("a file that a copy keeps open does not wake the next owner of its number (S363)") {
    // Not so on uv: libuv takes an event for whoever has the number now.
    on_each({"virtual", "selector:epoll", "selector:poll", "selector:select"}, [](EventLoop& loop) {
        Sockets old;
        const int number = old.near();
        const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
        int calls = 0;
        loop.add_reader(number, [&] { ++calls; });
        run_one(loop);
        old.close_near();
        const Sockets fresh;
        REQUIRE(fresh.near() == number);
        loop.add_reader(number, [&] { ++calls; });
        old.send();
        run_one(loop);
        run_one(loop);
        CHECK(calls == 0);
        fresh.send();
        run_one(loop);
        run_one(loop);
        CHECK(calls == 2);
        CHECK(loop.remove_reader(number));
        ::close(copy);
    });
}

TEST_CASE("the other end's close wakes the reader; a half-close no writer that cannot write") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        sockets.fill();
        std::string order;
        loop.add_reader(sockets.near(), [&] { order += "reader "; });
        loop.add_writer(sockets.near(), [&] { order += "writer "; });
        REQUIRE(::shutdown(sockets.far(), SHUT_WR) == 0);
        run_one(loop);
        CHECK(order == "reader ");
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(loop.remove_writer(sockets.near()));
    });
}

TEST_CASE("a writer wakes when nobody reads any more") {
    on_each(all_loops, [](EventLoop& loop) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        const std::vector<char> bytes(1 << 16);
        while (::write(ends[1], bytes.data(), bytes.size()) > 0) {
        }
        int calls = 0;
        loop.add_writer(ends[1], [&] { ++calls; });
        run_one(loop);
        CHECK(calls == 0);
        ::close(ends[0]);
        run_one(loop);
        run_one(loop);
        CHECK(calls == 2);
        CHECK(loop.remove_writer(ends[1]));
        ::close(ends[1]);
    });
}

TEST_CASE("to watch a descriptor does not change it") {
    on_each(all_loops, [](EventLoop& loop) {
        const Sockets sockets;
        REQUIRE(::fcntl(sockets.near(), F_SETFL, 0) == 0);
        const int before = ::fcntl(sockets.near(), F_GETFL);
        loop.add_reader(sockets.near(), [] {});
        CHECK(::fcntl(sockets.near(), F_GETFL) == before);
        CHECK(loop.remove_reader(sockets.near()));
        CHECK(::fcntl(sockets.near(), F_GETFL) == before);
    });
}

TEST_CASE("a watched descriptor that somebody closed does not silence the others") {
    on_each(all_loops, [](EventLoop& loop) {
        Sockets closed;
        const Sockets open;
        const int number = closed.near();
        int calls = 0;
        loop.add_reader(number, [] {});
        loop.add_reader(open.near(), [&] { ++calls; });
        run_one(loop);
        closed.close_near();
        run_one(loop);
        CHECK(calls == 0);
        open.send();
        run_one(loop);
        CHECK(calls == 1);
        CHECK(loop.remove_reader(number));
        CHECK(loop.remove_reader(open.near()));
    });
}

TEST_CASE("many descriptors at once: each ready one runs once an iteration, the others do not") {
    on_each(all_loops, [](EventLoop& loop) {
        constexpr std::size_t count = 300;
        std::vector<Sockets> sockets(count);
        std::vector<int> calls(count);
        for (std::size_t index = 0; index < count; ++index) {
            loop.add_reader(sockets[index].near(), [&calls, index] { ++calls[index]; });
            if (index % 3 == 0) {
                sockets[index].send();
            }
        }
        run_one(loop);
        run_one(loop);
        for (std::size_t index = 0; index < count; ++index) {
            CHECK(calls[index] == (index % 3 == 0 ? 2 : 0));
            CHECK(loop.remove_reader(sockets[index].near()));
        }
    });
}
