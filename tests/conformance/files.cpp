// open_file and File: aiofiles, in the loop's threads.
#include "../folder.hpp"
#include "../process.hpp"
#include "support.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace {

Coro<> put(std::string path, std::string text) {
    File file = co_await open_file(path, "w");
    co_await file.write(text);
    co_await file.close();
}

Coro<std::string> content(std::string path) {
    File file = co_await open_file(path);
    std::string text = co_await file.read();
    co_await file.close();
    co_return text;
}

}  // namespace

GYRE_TEST_CASE("files: the lines outlive the handle they were asked of") {
    const Folder folder;
    const std::string path = folder / "text";
    co_await put(path, "one\ntwo\n");
    File file = co_await open_file(path);
    AsyncGenerator<std::string> lines = std::exchange(file, File(nullptr)).lines();
    std::vector<std::string> all = co_await collect(lines);
    CHECK(all == std::vector<std::string>{"one\n", "two\n"});
}

GYRE_TEST_CASE("files: what was written is read again, whole, by count and by line") {
    const Folder folder;
    const std::string path = folder / "text";
    File out = co_await open_file(path, "w");
    CHECK(out.name() == path);
    const std::size_t first = co_await out.write("first\nsecond\n");
    CHECK(first == 13);
    co_await out.write("\nno newline");
    co_await out.flush();
    CHECK_FALSE(out.closed());
    co_await out.close();
    CHECK(out.closed());
    co_await out.close();

    const std::string all = co_await content(path);
    CHECK(all == "first\nsecond\n\nno newline");
    File in = co_await open_file(path);
    std::string piece = co_await in.read(3);
    CHECK(piece == "fir");
    piece = co_await in.readline();
    CHECK(piece == "st\n");
    std::int64_t place = co_await in.tell();
    CHECK(place == 6);
    piece = co_await in.read(0);
    CHECK(piece.empty());
    piece = co_await in.readline();
    CHECK(piece == "second\n");
    piece = co_await in.readline();
    CHECK(piece == "\n");
    piece = co_await in.read(100);
    CHECK(piece == "no newline");
    piece = co_await in.read(100);
    CHECK(piece.empty());
    piece = co_await in.readline();
    CHECK(piece.empty());
    place = co_await in.seek(-7, 2);
    CHECK(place == 17);
    place = co_await in.seek(1, 1);
    CHECK(place == 18);
    piece = co_await in.read();
    CHECK(piece == "ewline");
    co_await in.close();
}

GYRE_TEST_CASE("files: lines come one by one, also long ones") {
    const Folder folder;
    const std::string path = folder / "lines";
    const std::string longest(200'000, 'x');
    co_await put(path, "a\n\n" + longest + "\nlast");
    File file = co_await open_file(path);
    std::vector<std::string> lines;
    {
        auto each = file.lines();
        while (auto line = co_await each.next()) {
            lines.push_back(*line);
        }
    }
    const std::vector<std::string> expected{"a\n", "\n", longest + "\n", "last"};
    CHECK(lines == expected);
    co_await file.close();
}

GYRE_TEST_CASE("files: each mode does what Python's does") {
    const Folder folder;
    const std::string path = folder / "modes";
    co_await put(path, "0123456789");

    File file = co_await open_file(path, "r+");
    std::string text = co_await file.read(2);
    CHECK(text == "01");
    co_await file.write("AB");  // where the reader stands, not where it read ahead to
    text = co_await file.read();
    CHECK(text == "456789");
    co_await file.close();

    file = co_await open_file(path, "a+b");
    std::int64_t place = co_await file.tell();
    CHECK(place == 10);
    co_await file.seek(0);
    co_await file.write("end");
    place = co_await file.tell();
    CHECK(place == 13);
    co_await file.close();
    text = co_await content(path);
    CHECK(text == "01AB456789end");

    file = co_await open_file(path, "w+");
    co_await file.write("new");
    co_await file.seek(0);
    text = co_await file.read();
    CHECK(text == "new");
    co_await file.close();

    std::string error = co_await ending(open_file(path, "x"));
    CHECK(error == "open " + path + ": File exists");
    const std::string other = folder / "other";
    file = co_await open_file(other, "x");
    error = co_await ending(file.read());
    CHECK(error == "read " + other + ", which is open for writing alone: Bad file descriptor");
    co_await file.close();
    file = co_await open_file(other, "rt");
    error = co_await ending(file.write("x"));
    CHECK(error == "write " + other + ", which is open for reading alone: Bad file descriptor");
    co_await file.close();
}

GYRE_TEST_CASE("files: errors name what was done and to which path; a bad mode says what is good") {
    const Folder folder;
    const std::string missing = folder / "missing";
    std::string error = co_await ending(open_file(missing));
    CHECK(error == "open " + missing + ": No such file or directory");
    error = co_await ending(open_file(folder / ""));
    CHECK(error == "open " + (folder / "") + ": Is a directory");
    for (const char* mode : {"", "q", "rw", "r++", "rbt", "+", "b", "rr"}) {
        CHECK(thrown_by([&] { return open_file(missing, mode); }) == "ValueError");
    }
    CHECK_THROWS_WITH_AS(static_cast<void>(open_file("/x", "q")),
                         doctest::Contains("one of r, w, a, x"), ValueError);
    CHECK(thrown_by([&] { return open_file(std::string("a\0b", 3)); }) == "ValueError");

    const std::string path = folder / "there";
    File file = co_await open_file(path, "w+");
    error = co_await ending(file.seek(-1));
    CHECK(error == "seek " + path + ": Invalid argument");
    co_await file.close();
    for (int call = 0; call < 6; ++call) {
        if (call == 0) {
            error = co_await ending(file.read());
        } else if (call == 1) {
            error = co_await ending(file.readline());
        } else if (call == 2) {
            error = co_await ending(file.write(""));
        } else if (call == 3) {
            error = co_await ending(file.seek(0));
        } else if (call == 4) {
            error = co_await ending(file.tell());
        } else {
            error = co_await ending(file.flush());
        }
        CHECK(error == "ValueError");
    }
}

GYRE_TEST_CASE("files: calls at once are served one after the other") {
    const Folder folder;
    const std::string path = folder / "turns";
    File file = co_await open_file(path, "w+");
    std::vector<Coro<std::size_t>> writes;
    std::string expected;
    for (int i = 0; i < 50; ++i) {
        const std::string line = std::to_string(i) + "\n";
        expected += line;
        writes.push_back(file.write(line));
    }
    co_await gather(std::move(writes));
    co_await file.seek(0);
    std::string text = co_await file.read();
    if (!std::string(loop.name()).starts_with("virtual:")) {
        CHECK(text == expected);
    }
    CHECK(text.size() == expected.size());
    co_await file.seek(0);
    std::vector<Coro<std::string>> reads;
    for (int i = 0; i < 50; ++i) {
        reads.push_back(file.readline());
    }
    const auto lines = co_await gather(std::move(reads));
    std::string sum;
    for (const std::string& line : lines) {
        CHECK(line.ends_with('\n'));
        sum += line;
    }
    CHECK(sum.size() == expected.size());
    co_await file.close();
}

GYRE_TEST_CASE("files: what one call appends stays together, whoever else appends") {
    const Folder folder;
    const std::string path = folder / "log";
    constexpr int writers = 8;
    constexpr std::size_t size = 300'000;
    std::vector<Coro<>> all;
    const auto append = [](std::string to, char letter) -> Coro<> {
        File file = co_await open_file(to, "a");
        for (int i = 0; i < 3; ++i) {
            const std::string record(size, letter);
            co_await file.write(record);
        }
        co_await file.close();
    };
    for (int i = 0; i < writers; ++i) {
        all.push_back(append(path, static_cast<char>('a' + i)));
    }
    co_await gather(std::move(all));
    const std::string text = co_await content(path);
    REQUIRE(text.size() == writers * 3 * size);
    for (std::size_t start = 0; start < text.size(); start += size) {
        CHECK(text.find_first_not_of(text[start], start) >= start + size);
    }
}

GYRE_TEST_CASE("files: a cancelled read takes nothing, a cancelled write is whole or not there") {
    const Folder folder;
    const std::string path = folder / "cancel";
    const std::string before(300'000, 'x');
    co_await put(path, before + "\nrest\n");
    for (int wait = 0; wait < 6; ++wait) {
        File file = co_await open_file(path);
        auto reading = create_task(file.read(200'000));
        co_await ticks(wait);
        reading.cancel();
        const std::string end = co_await ending(reading);
        std::string line = co_await file.readline();
        CHECK(line.size() == before.size() + 1 - (end == "CancelledError" ? 0 : 200'000));
        line = co_await file.readline();
        CHECK(line == "rest\n");
        co_await file.close();
    }
    for (int wait = 0; wait < 6; ++wait) {
        File file = co_await open_file(path, "w+");
        auto first = create_task(file.write("one"));
        auto second = create_task(file.write("two"));
        auto third = create_task(file.write("three"));
        co_await ticks(wait);
        first.cancel();
        second.cancel();
        co_await third;
        std::string text = co_await content(path);
        const std::string written = co_await ending(first);
        const bool whole = text == "three" || text == "onethree" || text == "twothree" ||
                           text == "onetwothree" || text == "threeone" || text == "threetwo" ||
                           text.size() == 11;
        CHECK_MESSAGE(whole, text);
        CHECK_MESSAGE((written != "3" || text.find("one") != std::string::npos), text);
        co_await ending(second);
        co_await file.close();
    }
}

GYRE_TEST_CASE("files: one that nobody closes is closed with its last handle, one of with() too") {
    const Folder folder;
    const std::string path = folder / "left";
    co_await put(path, "text");
    const std::size_t before = open_descriptors();
    {
        File file = co_await open_file(path);
        const File copy = file;
        std::string text = co_await copy.read();
        CHECK(text == "text");
        CHECK(open_descriptors() == before + 1);
    }
    CHECK(open_descriptors() == before);
    auto opening = create_task(open_file(path));
    co_await ticks(1);
    opening.cancel();
    co_await ending(opening);
    File opened = co_await open_file(path);
    const auto size = co_await with(opened, [](File& file) -> Coro<std::size_t> {
        const std::string text = co_await file.read();
        co_return text.size();
    });
    CHECK(size == 4);
    CHECK(opened.closed());
    opened = co_await open_file(path);
    std::string error;
    try {
        co_await with(opened, [](File&) -> Coro<> {
            co_await sleep(0s);
            throw std::runtime_error("body");
        });
    } catch (const std::runtime_error& thrown) {
        error = thrown.what();
    }
    CHECK(error == "body");
    CHECK(opened.closed());
    for (int i = 0; i < 1000 && open_descriptors() != before; ++i) {
        co_await to_thread([] {});
    }
    CHECK(open_descriptors() == before);
}

GYRE_TEST_CASE("files: a FIFO that nobody reads any more is an error, not a signal") {
    const Folder folder;
    const std::string path = folder / "fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    auto reader = create_task(open_file(path, "r"));
    File writer = co_await open_file(path, "w");
    {
        const File end = co_await reader;
        co_await writer.write("line\n");
        std::string line = co_await end.readline();
        CHECK(line == "line\n");
        co_await end.close();
    }
    std::string error = co_await ending(writer.write("more"));
    CHECK(error == "write " + path + ": Broken pipe");
    error = co_await ending(writer.tell());
    CHECK(error == "tell " + path + ": Illegal seek");
    co_await writer.close();
}

GYRE_TEST_CASE("files: a read that fails at once passes its turn on") {
    const Folder folder;
    File file = co_await open_file(folder / "text", "w");
    std::string end = co_await ending(file.read(0));
    CHECK(end != "done");
    std::size_t count = co_await file.write("x");
    CHECK(count == 1);
    co_await file.close();
}

GYRE_TEST_CASE("files: a close that is cancelled before its turn has not closed") {
    const Folder folder;
    const std::string path = folder / "fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    File file = co_await open_file(path, "r+");
    Task<std::string> reading = create_task(file.read(1));
    co_await ticks(3);
    Task<> closing = create_task(file.close());
    co_await ticks(3);
    closing.cancel();
    std::string end = co_await ending(closing);
    CHECK(end == "CancelledError");
    CHECK_FALSE(file.closed());
    File other = co_await open_file(path, "r+");
    co_await other.write("xy");
    std::string byte = co_await reading;
    CHECK(byte == "x");
    co_await file.close();
    CHECK(file.closed());
    co_await file.close();
    co_await other.close();
}
