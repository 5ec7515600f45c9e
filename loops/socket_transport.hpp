// SocketTransport: a stream over a descriptor that the loop watches. Serves every loop.
#pragma once

#include "flow_control.hpp"
#include "write_queue.hpp"

#include <gyre/event_loop.hpp>
#include <gyre/socket.hpp>
#include <gyre/transport.hpp>

#include <memory>
#include <optional>
#include <span>

namespace gyre::detail {

/// The rules of a transport's life; semantics are asyncio's _SelectorSocketTransport.
class SocketTransport final : public Transport, private Resource {
public:
    SocketTransport(EventLoop& loop, Socket socket, std::shared_ptr<BaseProtocol> protocol,
                    TransportHooks hooks);
    ~SocketTransport() override = default;

    /// Queues connection_made(). The loop keeps the transport from now on.
    void start();

    void write(std::string_view data) override;
    void writelines(std::span<const std::string_view> parts) override;
    void write_eof() override;
    [[nodiscard]] bool can_write_eof() const noexcept override { return true; }
    void close() override;
    void abort() override { force_close(nullptr); }
    [[nodiscard]] bool is_closing() const noexcept override { return closing_; }
    void pause_reading() override;
    void resume_reading() override;
    [[nodiscard]] bool is_reading() const noexcept override { return !closing_ && !paused_; }
    void set_write_buffer_limits(WriteLimits limits) override;
    [[nodiscard]] std::size_t get_write_buffer_size() const noexcept override {
        return unsent_.size();
    }
    [[nodiscard]] Limits get_write_buffer_limits() const noexcept override {
        return flow_.limits();
    }
    void set_protocol(std::shared_ptr<BaseProtocol> protocol) override;
    [[nodiscard]] const std::shared_ptr<BaseProtocol>& get_protocol() const noexcept override {
        return protocol_;
    }
    [[nodiscard]] const SocketAddress& sockname() const noexcept override { return sockname_; }
    [[nodiscard]] const SocketAddress& peername() const noexcept override { return peername_; }
    [[nodiscard]] int fileno() const noexcept override { return socket_.fileno(); }

private:
    void on_loop_close() noexcept override;

    void begin();
    void watch_reads();
    void unwatch_reads() noexcept;
    void on_readable();
    void read_for(Protocol* protocol, const char*& call);
    void read_into(BufferedProtocol& protocol, const char*& call);
    std::optional<std::size_t> read(std::span<char> buffer);
    void on_writable();
    void send_at_once(std::span<const std::string_view> parts);
    void all_sent();
    void check_high();
    void check_low();
    void io_failed(const char* operation, const std::error_code& error);
    void protocol_failed(const char* call, std::exception_ptr error);
    void force_close(std::exception_ptr error);
    void schedule_lost(std::exception_ptr error);
    void lose(std::exception_ptr error);
    void report(const std::string& message, std::exception_ptr error);

    Socket socket_;
    std::shared_ptr<BaseProtocol> protocol_;
    Protocol* plain_ = nullptr;  // protocol_, where it is one
    BufferedProtocol* buffered_ = nullptr;
    TransportHooks hooks_;
    SocketAddress sockname_;
    SocketAddress peername_;
    std::shared_ptr<Transport> self_;  // while the loop keeps it
    FlowControl flow_;
    WriteQueue unsent_;
    int ignored_writes_ = 0;
    bool begun_ = false;
    bool watching_reads_ = false;
    bool watching_writes_ = false;
    bool paused_ = false;
    bool ended_ = false;  // the peer sends no more
    bool eof_asked_ = false;
    bool closing_ = false;
    bool losing_ = false;  // connection_lost() is queued, or was
};

}  // namespace gyre::detail
