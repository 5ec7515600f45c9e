#include "site.hpp"

#include "pages.hpp"

#include <gyre/gyre.hpp>

#include <cstdio>
#include <memory>
#include <string_view>
#include <system_error>

namespace demo {

namespace {

struct Request {
    Request() = default;
    std::string method;
    std::string target;
    bool keep_alive = true;
};

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return text;
}

// "GET /x?y HTTP/1.1": the path alone counts.
Request parse(std::string_view head) {
    Request request;
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (first != std::string_view::npos && second != std::string_view::npos) {
        request.method = line.substr(0, first);
        const std::string_view target = line.substr(first + 1, second - first - 1);
        request.target = target.substr(0, target.find('?'));
    }
    request.keep_alive =
        line.ends_with("HTTP/1.1") &&
        lower(std::string(head)).find("\r\nconnection: close") == std::string::npos;
    return request;
}

std::string_view reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 405:
            return "Method Not Allowed";
        default:
            return "Not Found";
    }
}

std::string message(const Answer& answer, const Request& request) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
    text += reason(answer.status);
    text += "\r\nContent-Type: " + answer.type;
    text += "\r\nContent-Length: " + std::to_string(answer.body.size());
    if (!answer.location.empty()) {
        text += "\r\nLocation: " + answer.location;
    }
    if (!request.keep_alive) {
        text += "\r\nConnection: close";
    }
    text += "\r\n\r\n";
    return request.method == "HEAD" ? text : text + answer.body;
}

gyre::Coro<> serve(std::shared_ptr<Pages> pages, gyre::StreamReader reader,
                   gyre::StreamWriter writer) {
    try {
        bool more = true;
        while (more) {
            const std::string head = co_await reader.readuntil("\r\n\r\n");
            const Request request = parse(head);
            Answer answer(405, "text/plain", "only GET and HEAD are served here\n");
            if (request.method == "GET" || request.method == "HEAD") {
                answer = pages->get(request.target);
                co_await gyre::sleep(answer.delay);
            }
            writer.write(message(answer, request));
            co_await writer.drain();
            more = request.keep_alive;
        }
    } catch (const gyre::IncompleteReadError&) {  // the client is done
    } catch (const gyre::LimitOverrunError&) {
    } catch (const std::system_error&) {
    }
    writer.close();
}

}  // namespace

gyre::Coro<std::string> Site::enter() {
    const auto pages = std::make_shared<Pages>();
    const auto handler = [pages](gyre::StreamReader reader, gyre::StreamWriter writer) {
        return serve(pages, std::move(reader), std::move(writer));
    };
    gyre::Server server = co_await gyre::start_server(handler, "127.0.0.1", 0);
    server_ = std::make_unique<gyre::Server>(server);
    std::string base = "http://127.0.0.1:" + std::to_string(server_->sockets().front().port());
    std::fprintf(stderr, "%s: no address given, so on a site of its own: %s/\n", program_.c_str(),
                 base.c_str());
    co_return base;
}

gyre::Coro<> Site::exit(std::exception_ptr /*error*/) {
    server_->close();
    server_->abort_clients();
    co_await server_->wait_closed();
}

}  // namespace demo
