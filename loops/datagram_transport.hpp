// SocketDatagrams: a datagram endpoint over a descriptor that the loop watches.
#pragma once

#include "flow_control.hpp"

#include <gyre/datagram.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/socket.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace gyre::detail {

class SocketDatagrams final : public DatagramTransport, private Resource {
public:
    SocketDatagrams(EventLoop& loop, Socket socket, std::shared_ptr<DatagramProtocol> protocol,
                    const SocketAddress& peer, std::function<void()> on_made);
    ~SocketDatagrams() override = default;

    void start();

    void sendto(std::string_view data, const SocketAddress& peer) override;
    void close() override;
    void abort() override { force_close(nullptr); }
    [[nodiscard]] bool is_closing() const noexcept override { return closing_; }
    void set_write_buffer_limits(WriteLimits limits) override;
    [[nodiscard]] std::size_t get_write_buffer_size() const noexcept override { return waiting_; }
    [[nodiscard]] const SocketAddress& sockname() const noexcept override { return sockname_; }
    [[nodiscard]] const SocketAddress& peername() const noexcept override { return peername_; }
    [[nodiscard]] int fileno() const noexcept override { return socket_.fileno(); }

private:
    struct Datagram {
        std::string data;
        SocketAddress peer;
    };

    void on_loop_close() noexcept override;
    void begin();
    void on_readable();
    void on_writable();
    [[nodiscard]] bool send(std::string_view data, const SocketAddress& peer);
    void unwatch_all() noexcept;
    void force_close(std::exception_ptr error);
    void schedule_lost(std::exception_ptr error);
    void lose(std::exception_ptr error);
    void check_high();
    template <class F>
    void tell(const char* what, F call);

    Socket socket_;
    std::shared_ptr<DatagramProtocol> protocol_;
    std::function<void()> on_made_;
    SocketAddress sockname_;
    SocketAddress peername_;  // what the socket is connected to
    SocketAddress only_;      // where every datagram goes, if it is always the same
    std::shared_ptr<DatagramTransport> self_;  // while the loop keeps it
    FlowControl flow_;
    std::deque<Datagram> unsent_;
    std::size_t waiting_ = 0;  // bytes in unsent_, headers included
    bool watching_reads_ = false;
    bool watching_writes_ = false;
    bool closing_ = false;
    bool losing_ = false;
};

}  // namespace gyre::detail
