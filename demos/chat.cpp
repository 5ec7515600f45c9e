// chat: rooms where everybody hears everybody; a server and its client.
#include "common/program.hpp"

#include <gyre/gyre.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <list>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace {

constexpr std::size_t kMostUnsent = std::size_t{256} << 10;
constexpr std::size_t kLongestName = 32;
constexpr std::chrono::seconds kPatience(5);  // for who was dropped, to read why

struct Where {
    std::string host = "127.0.0.1";
    int port = 8889;
};

// --- the server ---------------------------------------------------------------------------------

struct Guest {
    Guest(std::string nickname, gyre::StreamWriter stream)
        : name(std::move(nickname)), room("lobby"), writer(std::move(stream)) {}
    std::string name;
    std::string room;
    gyre::StreamWriter writer;
    bool dropped = false;
};

class Chat {
public:
    gyre::Coro<> serve(gyre::StreamReader reader, gyre::StreamWriter writer) {
        guests_.emplace_back("guest" + std::to_string(++count_), std::move(writer));
        const auto place = std::prev(guests_.end());
        Guest& guest = *place;
        send(guest, "* welcome, " + guest.name + ": /nick NAME, /join ROOM, /leave, /who, /quit");
        tell(guest, "* " + guest.name + " joined " + guest.room);
        try {
            bool stays = true;
            while (stays) {
                std::string line = co_await reader.readline();
                stays = !line.empty() && obey(guest, std::move(line));
            }
        } catch (const gyre::ValueError&) {
            send(guest, "* that line was too long: goodbye");
        } catch (const std::system_error&) {
        }
        if (!guest.dropped) {
            tell(guest, "* " + guest.name + " left");
        }
        guest.writer.close();
        guests_.erase(place);
    }

private:
    // False when the guest leaves.
    bool obey(Guest& guest, std::string line) {
        std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; });
        if (!line.starts_with('/')) {
            if (!line.empty()) {
                tell(guest, guest.name + ": " + line);
            }
            return true;
        }
        const std::size_t space = line.find(' ');
        const std::string command = line.substr(0, space);
        const std::string word = space == std::string::npos ? "" : line.substr(space + 1);
        if (command == "/quit") {
            return false;
        }
        if (command == "/who") {
            send(guest, "* in " + guest.room + ": " + names_in(guest.room));
        } else if (command == "/nick") {
            rename(guest, word);
        } else if (command == "/join" && valid(word)) {
            move(guest, word);
        } else if (command == "/leave") {
            move(guest, "lobby");
        } else {
            send(guest, "* /nick NAME, /join ROOM, /leave, /who or /quit is expected, not " + line);
        }
        return true;
    }

    static bool valid(std::string_view word) {
        return !word.empty() && word.size() <= kLongestName &&
               word.find(' ') == std::string_view::npos;
    }

    void rename(Guest& guest, const std::string& name) {
        const bool taken = std::any_of(guests_.begin(), guests_.end(),
                                       [&](const Guest& each) { return each.name == name; });
        if (!valid(name) || taken) {
            send(guest, "* a name of one word that nobody has is expected, not '" + name + "'");
            return;
        }
        tell(guest, "* " + guest.name + " is now " + name);
        guest.name = name;
    }

    void move(Guest& guest, const std::string& room) {
        tell(guest, "* " + guest.name + " left " + guest.room);
        guest.room = room;
        tell(guest, "* " + guest.name + " joined " + room);
    }

    std::string names_in(const std::string& room) const {
        std::set<std::string> names;
        for (const Guest& each : guests_) {
            if (each.room == room && !each.dropped) {
                names.insert(each.name);
            }
        }
        std::string list;
        for (const std::string& name : names) {
            list += (list.empty() ? "" : ", ") + name;
        }
        return list;
    }

    // To everybody in the room of `from`. Nobody is waited for: who has too much unread is dropped.
    void tell(const Guest& from, const std::string& text) {
        std::list<std::string> slow;
        for (Guest& each : guests_) {
            if (each.room == from.room && !send(each, text)) {
                slow.push_back(each.name);
            }
        }
        for (const std::string& name : slow) {
            tell(from, "* " + name + " was dropped: too slow a reader");
        }
    }

    // False if that is why the guest is dropped.
    static bool send(Guest& guest, const std::string& text) {
        if (guest.dropped) {
            return true;
        }
        guest.writer.write(text + "\n");
        if (guest.writer.transport().get_write_buffer_size() <= kMostUnsent) {
            return true;
        }
        guest.dropped = true;
        guest.writer.write("* you were dropped: too slow a reader\n");
        guest.writer.close();
        const auto transport = guest.writer.transport().shared_from_this();
        gyre::get_running_loop().call_later(kPatience, [transport] { transport->abort(); });
        return false;
    }

    std::list<Guest> guests_;
    int count_ = 0;
};

gyre::Coro<> serve(Where where) {
    const auto chat = std::make_shared<Chat>();
    const auto handler = [chat](gyre::StreamReader reader, gyre::StreamWriter writer) {
        return chat->serve(std::move(reader), std::move(writer));
    };
    gyre::Server server = co_await gyre::start_server(handler, where.host, where.port);
    for (const gyre::ServerSocket& socket : server.sockets()) {
        std::printf("listening on %s\n", socket.getsockname().to_string().c_str());
    }
    std::fflush(stdout);
    gyre::Event stop;
    gyre::EventLoop& loop = gyre::get_running_loop();
    for (const int signal : {SIGINT, SIGTERM}) {
        loop.add_signal_handler(signal, [&stop] { stop.set(); });
    }
    co_await stop.wait();
    for (const int signal : {SIGINT, SIGTERM}) {
        loop.remove_signal_handler(signal);
    }
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

// --- the client ---------------------------------------------------------------------------------

// What is typed, as a stream.
class Input final : public gyre::Protocol {
public:
    explicit Input(gyre::StreamReader reader) : reader_(std::move(reader)) {}
    void data_received(std::string_view data) override { reader_.feed_data(data); }
    bool eof_received() override {
        reader_.feed_eof();
        return false;
    }
    // /dev/null cannot be watched: it is at its end.
    void connection_lost(std::exception_ptr error) override {
        if (error != nullptr) {
            reader_.feed_eof();
        }
    }

private:
    gyre::StreamReader reader_;
};

// However it ends, the server answers by closing the connection.
gyre::Coro<> send_typed(gyre::StreamReader typed, gyre::StreamWriter writer) {
    try {
        while (true) {
            std::string line = co_await typed.readline();
            if (line.empty()) {
                break;
            }
            writer.write(line.ends_with('\n') ? line : line + "\n");
            co_await writer.drain();
        }
    } catch (const gyre::ValueError&) {
        writer.write("/quit\n");
        throw std::runtime_error("a line shorter than 64 KiB is expected");
    }
    writer.write("/quit\n");
}

gyre::Coro<> talk(Where where, std::string name) {
    gyre::StreamPair server = co_await gyre::open_connection(where.host, where.port);
    if (!name.empty()) {
        server.writer.write("/nick " + name + "\n");
    }
    gyre::StreamReader typed;
    const auto input = [&typed] { return std::make_shared<Input>(typed); };
    auto keyboard = co_await gyre::connect_read_pipe(input, ::dup(STDIN_FILENO));
    gyre::Task<> sending = gyre::create_task(send_typed(typed, server.writer));
    while (true) {
        std::string line = co_await server.reader.readline();
        if (line.empty()) {
            break;
        }
        std::fputs(line.c_str(), stdout);
    }
    sending.cancel();
    co_await gyre::wait({sending});
    keyboard.first->close();
    server.writer.close();
    if (!sending.cancelled()) {
        sending.result();
    }
}

}  // namespace

int main(int argc, char** argv) {
    Where where;
    std::string mode;
    std::string name;
    demo::Program program("chat", "Rooms where everybody hears everybody.");
    program.add_resolver();
    program.add_choice("mode", mode, {"server", "client"}, "which end");
    program.add_text("--host", where.host, "HOST", "the server's host");
    program.add_number("--port", where.port, 0, 65535, "the server's port");
    program.add_text("--nick", name, "NAME", "the client's name");
    return program.run(argc, argv, [&] {
        gyre::run(mode == "server" ? serve(where) : talk(where, name), program.run_options());
    });
}
