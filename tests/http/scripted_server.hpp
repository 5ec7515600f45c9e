// ScriptedServer: a server on 127.0.0.1 that answers as a test says, and remembers what it was
// asked.
#pragma once

#include <gyre/http.hpp>

#include "../test.hpp"

#include <strings.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// A request as it came.
struct Asked {
    Asked() = default;
    std::string method;
    std::string target;
    std::string head;  // with the first line
    std::string body;
    int connection = 0;  // the number of its connection, from 1

    [[nodiscard]] std::string header(std::string_view name) const {
        for (std::size_t at = head.find("\r\n"); at + 2 < head.size();
             at = head.find("\r\n", at + 2)) {
            const std::string_view line = std::string_view(head).substr(at + 2);
            if (line.size() > name.size() && line[name.size()] == ':' &&
                ::strncasecmp(line.data(), name.data(), name.size()) == 0) {
                const std::size_t start = line.find_first_not_of(' ', name.size() + 1);
                return std::string(line.substr(start, line.find("\r\n") - start));
            }
        }
        return {};
    }
};

/// An answer of HTTP/1.1 with its length.
inline std::string answer(std::string_view status, std::string_view headers,
                          std::string_view body) {
    return "HTTP/1.1 " + std::string(status) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) +
           "\r\n" + std::string(body);
}
inline std::string ok(std::string_view body) { return answer("200 OK", "", body); }
inline std::string redirect(int status, std::string_view where, std::string_view body = {}) {
    return answer(std::to_string(status) + " Moved", "Location: " + std::string(where) + "\r\n",
                  body);
}

class ScriptedServer {
public:
    using Answer = std::function<std::string(const Asked&)>;
    using Handler = std::function<Coro<>(StreamReader, StreamWriter)>;

    /// Answers each request by `answering`. A connection ends behind an answer that says
    /// "Connection: close" or has no length.
    static Coro<ScriptedServer> start(Answer answering) {
        auto notes = std::make_shared<Notes>();
        notes->answering = std::move(answering);
        auto handler = [notes](StreamReader reader, StreamWriter writer) {
            return serve(notes, std::move(reader), std::move(writer));
        };
        Server server = co_await start_server(handler, "127.0.0.1", 0);
        co_return ScriptedServer(std::move(server), std::move(notes));
    }
    /// Gives each connection to `handler`, which may be as rude as it likes.
    static Coro<ScriptedServer> start_raw(Handler handling) {
        auto notes = std::make_shared<Notes>();
        notes->handling = std::move(handling);
        auto handler = [notes](StreamReader reader, StreamWriter writer) {
            return handle(notes, std::move(reader), std::move(writer));
        };
        Server server = co_await start_server(handler, "127.0.0.1", 0);
        co_return ScriptedServer(std::move(server), std::move(notes));
    }

    [[nodiscard]] std::string url(std::string_view path = "/",
                                  std::string_view host = "127.0.0.1") const {
        return "http://" + std::string(host) + ':' + std::to_string(port_) + std::string(path);
    }
    [[nodiscard]] const std::vector<Asked>& asked() const { return notes_->asked; }
    [[nodiscard]] int connections() const { return notes_->connections; }
    [[nodiscard]] int most_at_once() const { return notes_->most_at_once; }
    [[nodiscard]] int open() const { return notes_->open; }

    Coro<> close() {
        server_.close();
        server_.abort_clients();
        co_await server_.wait_closed();
        while (notes_->open != 0) {
            co_await sleep(0s);
        }
        co_await sleep(0s);
    }

private:
    struct Notes {
        Answer answering;
        Handler handling;
        std::vector<Asked> asked;
        int connections = 0;
        int open = 0;
        int most_at_once = 0;
    };
    class Open {
    public:
        explicit Open(Notes& notes) : notes_(notes) {
            ++notes_.connections;
            notes_.most_at_once = std::max(notes_.most_at_once, ++notes_.open);
        }
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;
        ~Open() { --notes_.open; }

    private:
        Notes& notes_;
    };

    ScriptedServer(Server server, std::shared_ptr<Notes> notes)
        : server_(std::move(server)),
          notes_(std::move(notes)),
          port_(server_.sockets().at(0).port()) {}

    static Coro<> handle(std::shared_ptr<Notes> notes, StreamReader reader, StreamWriter writer) {
        const Open open(*notes);
        try {
            co_await notes->handling(reader, writer);
        } catch (const std::exception&) {
            // The client is free to go.
        }
        writer.close();
    }

    static Coro<> serve(std::shared_ptr<Notes> notes, StreamReader reader, StreamWriter writer) {
        const Open open(*notes);
        const int number = notes->connections;
        try {
            bool more = true;
            while (more) {
                Asked asked = co_await request(reader);
                asked.connection = number;
                notes->asked.push_back(asked);
                const std::string said = notes->answering(asked);
                writer.write(said);
                co_await writer.drain();
                more = said.find("Connection: close\r\n") == std::string::npos &&
                       !said.starts_with("HTTP/1.0");
            }
        } catch (const IncompleteReadError&) {
            // The client is free to go.
        } catch (const std::system_error&) {
        }
        writer.close();
    }

public:
    /// The next request of a connection.
    static Coro<Asked> request(StreamReader reader) {
        Asked asked;
        asked.head = co_await reader.readuntil("\r\n\r\n");
        const std::size_t blank = asked.head.find(' ');
        asked.method = asked.head.substr(0, blank);
        asked.target = asked.head.substr(blank + 1, asked.head.find(' ', blank + 1) - blank - 1);
        const std::string length = asked.header("content-length");
        if (!length.empty()) {
            asked.body = co_await reader.readexactly(std::stol(length));
        }
        if (asked.header("transfer-encoding") == "chunked") {
            std::ptrdiff_t size = -1;
            while (size != 0) {
                const std::string line = co_await reader.readuntil("\r\n");
                size = std::stol(line, nullptr, 16);
                const std::string chunk = co_await reader.readexactly(size + 2);
                asked.body += chunk.substr(0, static_cast<std::size_t>(size));
            }
        }
        co_return asked;
    }

private:
    Server server_;
    std::shared_ptr<Notes> notes_;
    std::uint16_t port_;
};

/// "ConnectionError: text" or what else the request ends with; "200" and so on where it does not
/// fail.
template <class A>
Coro<std::string> failure(A asking) {
    std::string text;
    try {
        const http::Response response = co_await std::move(asking);
        text = std::to_string(response.status);
    } catch (const http::HttpError& error) {
        text = std::string("HttpError: ") + error.what();
    } catch (const http::TlsError& error) {
        text = std::string("TlsError: ") + error.what();
    } catch (const http::ConnectionError& error) {
        text = std::string("ConnectionError: ") + error.what();
    } catch (const http::BadAnswer& error) {
        text = std::string("BadAnswer: ") + error.what();
    } catch (const http::TooManyRedirects& error) {
        text = std::string("TooManyRedirects: ") + error.what();
    } catch (const http::InvalidUrl& error) {
        text = std::string("InvalidUrl: ") + error.what();
    } catch (const http::TimeoutError& error) {
        text = std::string("TimeoutError: ") + error.what();
    } catch (const CancelledError&) {
        text = "CancelledError";
    } catch (const std::exception& error) {
        text = error.what();
    }
    co_return text;
}

inline bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}
