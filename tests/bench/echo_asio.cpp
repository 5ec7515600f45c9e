// Echo on Asio's coroutines.
#include "listen.hpp"

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>

namespace {

using asio::ip::tcp;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Coro = asio::awaitable<void, Executor>;
using Quietly = asio::experimental::as_tuple_t<asio::use_awaitable_t<Executor>>;

constexpr std::size_t kReadSize = std::size_t{256} << 10;

Coro echo(Socket socket) {
    // Not filled with zeros: a connection is to hold the pages that it uses.
    const auto buffer = std::make_unique_for_overwrite<char[]>(kReadSize);
    while (true) {
        const auto got =
            co_await socket.async_read_some(asio::buffer(buffer.get(), kReadSize), Quietly());
        if (std::get<0>(got)) {
            co_return;
        }
        const auto data = asio::buffer(buffer.get(), std::get<1>(got));
        const auto sent = co_await asio::async_write(socket, data, Quietly());
        if (std::get<0>(sent)) {
            co_return;
        }
    }
}

Coro serve(Acceptor acceptor) {
    while (true) {
        Socket socket(acceptor.get_executor());
        const auto accepted = co_await acceptor.async_accept(socket, Quietly());
        if (std::get<0>(accepted)) {
            continue;
        }
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
    }
}

}  // namespace

int main() {
    asio::io_context context(1);
    Acceptor acceptor(context, tcp::v4(), bench::listen_on_a_free_port());
    asio::co_spawn(context.get_executor(), serve(std::move(acceptor)), asio::detached);
    context.run();
}
