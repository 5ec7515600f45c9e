// DescriptorTransport: a stream over a descriptor.
#pragma once

#include "flow_control.hpp"
#include "stream_io.hpp"
#include "write_queue.hpp"

#include <gyre/detail/context_map.hpp>
#include <gyre/detail/lazy_protocol.hpp>
#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/socket.hpp>
#include <gyre/transport.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace gyre::detail {

/// The rules of a transport's life, whatever the kind of descriptor: what is derived says how bytes
/// come and go, and what an end of file means; the loop's StreamIo tells when.
class DescriptorTransport : public Transport,
                            private Resource,
                            private StreamClient,
                            private LeftBytes {
public:
    ~DescriptorTransport() override;

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
        return !waits_ ? 0 : unsent_.size() + (io_ != nullptr ? io_->in_flight() : 0);
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
    [[nodiscard]] int fileno() const noexcept override { return descriptor_.fileno(); }

protected:
    DescriptorTransport(EventLoop& loop, Socket descriptor, std::shared_ptr<BaseProtocol> protocol,
                        TransportHooks hooks);

    // --- what a kind supplies -------------------------------------------------------------------

    /// As Socket::recv() and Socket::send().
    [[nodiscard]] virtual std::optional<std::size_t> receive(std::span<char> buffer,
                                                             std::error_code& error) = 0;
    [[nodiscard]] virtual std::optional<std::size_t> transmit(
        std::span<const std::string_view> parts, std::error_code& error) = 0;
    /// Everything that was written before write_eof() is sent.
    virtual void shut_down_writing() = 0;
    /// Who tells when bytes come and when they can go.
    [[nodiscard]] virtual std::unique_ptr<StreamIo> make_io(StreamClient& client);
    /// The descriptor is readable.
    virtual void receive_ready();
    virtual void on_end_of_file();
    /// For an error's text: whom the bytes come from or go to.
    [[nodiscard]] virtual std::string far_end() const = 0;
    /// For a report: which transport it is.
    [[nodiscard]] virtual std::string name() const = 0;

    // --- what they use --------------------------------------------------------------------------

    using Resource::loop;
    [[nodiscard]] Socket& descriptor() noexcept { return descriptor_; }
    void set_names(const SocketAddress& sockname, const SocketAddress& peername) noexcept {
        sockname_ = sockname;
        peername_ = peername;
    }
    [[nodiscard]] const std::shared_ptr<Transport>& self() const noexcept { return self_; }
    [[nodiscard]] bool losing() const noexcept { return losing_; }
    /// No more is read from now on.
    void end_reading() noexcept;
    /// Reads no more and takes no more to write; what waits is still sent.
    void begin_closing() noexcept;
    /// eof_received(), whose answer says whether the transport stays open.
    [[nodiscard]] bool tell_end_of_file();
    void protocol_failed(const char* call, std::exception_ptr error);
    void force_close(std::exception_ptr error);
    void schedule_lost(std::exception_ptr error);

    /// first(), then rest(), also where an ExitError leaves the first.
    template <class First, class Rest>
    static void run_both(First first, Rest rest) {
        try {
            first();
        } catch (...) {
            rest();
            throw;
        }
        rest();
    }

private:
    void on_loop_close() noexcept override;

    void on_readable() final;
    void on_writable() final;
    void on_sent(const std::error_code& error) final;

    std::string_view fetch(std::span<char> memory) final;
    void deliver() final;

    void begin();
    void watch_reads();
    void unwatch_reads() noexcept;
    template <class F>
    void guard_reading(F receive);
    void read_for(Protocol* protocol, const char*& call);
    void read_into(BufferedProtocol& protocol, const char*& call);
    std::optional<std::size_t> read(std::span<char> buffer, const char*& call);
    void send_in_turn(std::span<const std::string_view> parts);
    void send_at_once(std::span<const std::string_view> parts);
    void all_sent();
    void forget_protocol() noexcept;
    void close_descriptor() noexcept;
    void check_high();
    void check_low();
    /// call() of the protocol's; what leaves it is reported, as `failure`.
    template <class F>
    void tell(F call, const char* failure) {
        try {
            call();
        } catch (const ExitError&) {
            throw;
        } catch (...) {
            report(failure, std::current_exception());
        }
    }
    void send_failed(const std::error_code& error);
    [[nodiscard]] bool was_reset() const noexcept;
    void io_failed(const char* operation, const std::error_code& error);
    void lose(std::exception_ptr error);
    void report(const std::string& message, std::exception_ptr error);

    // First what each read and write needs: with many connections, each line of the processor's
    // cache that they touch has to be brought in.
    Socket descriptor_;
    bool begun_ = false;
    bool watching_reads_ = false;
    bool left_ = false;  // bytes have come, and the protocol is about to fetch() them
    bool paused_ = false;
    bool ended_ = false;  // the peer sends no more
    bool waits_ = false;  // perhaps something waits to be sent
    bool eof_asked_ = false;
    bool closing_ = false;
    bool reset_ = false;   // sending has met the error that a read would have
    bool losing_ = false;  // connection_lost() is queued, or was
    LazyProtocol* lazy_ = nullptr;
    Protocol* plain_ = nullptr;  // protocol_, where it is one
    BufferedProtocol* buffered_ = nullptr;
    std::shared_ptr<BaseProtocol> protocol_;
    std::shared_ptr<Transport> self_;  // while the loop keeps it
    ContextBox context_;               // of who made it: what the protocol's calls see
    std::unique_ptr<StreamIo> io_;
    WriteQueue unsent_;
    FlowControl flow_;
    TransportHooks hooks_;
    SocketAddress sockname_;
    SocketAddress peername_;
    int ignored_writes_ = 0;
};

}  // namespace gyre::detail
