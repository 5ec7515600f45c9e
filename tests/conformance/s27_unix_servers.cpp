// Section 27: servers over Unix sockets.
#include "../folder.hpp"
#include "serving.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

GYRE_TEST_CASE("start_unix_server: serves on a path, which is removed at the end (S370)") {
    const Folder folder;
    const std::string path = folder / "socket";
    auto handle = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        std::string line = co_await reader.readline();
        writer.write("got " + line);
        writer.close();
    };
    Server server = co_await start_unix_server(handle, path);
    CHECK(server.sockets()[0].getsockname().path() == path);
    StreamPair client = co_await open_unix_connection(path);
    CHECK(client.writer.get_extra_info("peername").path() == path);
    client.writer.write("it\n");
    std::string answer = co_await client.reader.read();
    CHECK(answer == "got it\n");
    co_await end_of(std::move(client));
    co_await end_of(server);
    CHECK_FALSE(std::filesystem::exists(path));

    server = co_await create_unix_server(notes, path, {.cleanup_socket = false});
    auto made = co_await create_unix_connection(notes, path);
    made.first->close();
    co_await made.second->lost.wait();
    co_await end_of(server);
    CHECK(std::filesystem::exists(path));

    // What nobody listens on any more is replaced.
    server = co_await start_unix_server(handle, path);
    CHECK(::unlink(path.c_str()) == 0);
    Server successor = co_await start_unix_server(handle, path);
    co_await end_of(server);
    CHECK(std::filesystem::exists(path));
    co_await end_of(successor);
    CHECK_FALSE(std::filesystem::exists(path));

    std::string end = co_await ending(
        create_task([&]() -> Coro<> { StreamPair pair = co_await open_unix_connection(path); }));
    CHECK(end.find("connect unix:" + path) != std::string::npos);
}

GYRE_TEST_CASE("create_server: over a Unix socket that is bound; its path is removed once (S370)") {
    const Folder folder;
    const std::string path = folder / "socket";
    for (const bool gone : {false, true}) {
        Socket socket = Socket::open(SocketAddress::Family::local);
        socket.bind(SocketAddress::unix_path(path));
        Server server = co_await start_server(until_eof, std::move(socket));
        StreamPair client = co_await open_unix_connection(path);
        co_await end_of(std::move(client));
        if (gone) {
            CHECK(::unlink(path.c_str()) == 0);
        }
        co_await end_of(server);
        CHECK_FALSE(std::filesystem::exists(path));
    }
}

GYRE_TEST_CASE("start_unix_server: a file in the way is an error; abstract names (S370)") {
    const Folder folder;
    const std::string path = folder / "socket";
    const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    ::close(file);
    std::string end = co_await attempt(start_unix_server(nothing, path));
    CHECK(end.find("Address already in use") != std::string::npos);
    CHECK(std::filesystem::exists(path));

    const std::string name = std::string(1, '\0') + path;
    Server server = co_await start_unix_server(until_eof, name);
    StreamPair client = co_await open_unix_connection(name);
    co_await end_of(std::move(client));
    co_await end_of(server);
    end = co_await attempt(start_unix_server(nothing, std::string(200, 'x')));
    CHECK(end == "ValueError");
}
