// Echo on libuv, as its C interface is meant to be used by who wants speed: written at once, queued
// if need be.
#include "listen.hpp"

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace {

std::array<char, std::size_t{256} << 10> buffer;

struct Write {
    uv_write_t request;
    std::string data;
};

void give_buffer(uv_handle_t* /*handle*/, std::size_t /*size*/, uv_buf_t* given) {
    *given = ::uv_buf_init(buffer.data(), buffer.size());
}

void on_closed(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

void on_written(uv_write_t* request, int /*status*/) { delete static_cast<Write*>(request->data); }

void write_later(uv_stream_t* stream, std::string data) {
    auto* write = new Write{{}, std::move(data)};
    write->request.data = write;
    uv_buf_t rest = ::uv_buf_init(write->data.data(), static_cast<unsigned>(write->data.size()));
    ::uv_write(&write->request, stream, &rest, 1, on_written);
}

void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* given) {
    if (count < 0) {
        ::uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
        return;
    }
    const uv_buf_t data = ::uv_buf_init(given->base, static_cast<unsigned>(count));
    const int sent = count == 0 ? 0 : ::uv_try_write(stream, &data, 1);
    const ssize_t done = sent < 0 ? 0 : sent;
    if (done < count) {
        write_later(stream, std::string(given->base + done, given->base + count));
    }
}

void on_connection(uv_stream_t* listening, int status) {
    if (status != 0) {
        return;
    }
    auto* connection = new uv_tcp_t;
    ::uv_tcp_init(listening->loop, connection);
    auto* stream = reinterpret_cast<uv_stream_t*>(connection);
    if (::uv_accept(listening, stream) != 0) {
        ::uv_close(reinterpret_cast<uv_handle_t*>(connection), on_closed);
        return;
    }
    ::uv_tcp_nodelay(connection, 1);
    ::uv_read_start(stream, give_buffer, on_read);
}

}  // namespace

int main() {
    uv_loop_t* loop = ::uv_default_loop();
    uv_tcp_t listening;
    ::uv_tcp_init(loop, &listening);
    // libuv listens on it once more, which does no harm.
    ::uv_tcp_open(&listening, bench::listen_on_a_free_port());
    auto* stream = reinterpret_cast<uv_stream_t*>(&listening);
    if (::uv_listen(stream, bench::kBacklog, on_connection) != 0) {
        std::fputs("cannot listen\n", stderr);
        return 1;
    }
    return ::uv_run(loop, UV_RUN_DEFAULT);
}
