// ReadPipeTransport, WritePipeTransport: one direction, over a pipe, FIFO, socket or device.
#pragma once

#include "descriptor_transport.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace gyre::detail {

enum class PipeKind : std::uint8_t { fifo, socket, device };

/// Throws ValueError for what is none, std::system_error for no descriptor.
[[nodiscard]] PipeKind pipe_kind(int fd);

/// Semantics are asyncio's _UnixReadPipeTransport.
class ReadPipeTransport final : public DescriptorTransport {
public:
    ReadPipeTransport(EventLoop& loop, Socket pipe, PipeKind kind,
                      std::shared_ptr<BaseProtocol> protocol, TransportHooks hooks);
    ~ReadPipeTransport() override;

    void write(std::string_view data) override;
    void writelines(std::span<const std::string_view> parts) override;
    void write_eof() override;
    [[nodiscard]] bool can_write_eof() const noexcept override { return false; }

private:
    std::optional<std::size_t> receive(std::span<char> buffer, std::error_code& error) override;
    std::optional<std::size_t> transmit(std::span<const std::string_view> parts,
                                        std::error_code& error) override;
    void shut_down_writing() override {}
    void on_end_of_file() override;
    [[nodiscard]] std::string far_end() const override;
    [[nodiscard]] std::string name() const override;

    PipeKind kind_;
};

/// Semantics are asyncio's _UnixWritePipeTransport. A pipe's writing end counts as readable once
/// nobody reads any more: so it is watched for that.
class WritePipeTransport final : public DescriptorTransport {
public:
    WritePipeTransport(EventLoop& loop, Socket pipe, PipeKind kind,
                       std::shared_ptr<BaseProtocol> protocol, TransportHooks hooks);
    ~WritePipeTransport() override;

    void write_eof() override { close(); }
    void pause_reading() override {}
    void resume_reading() override {}
    [[nodiscard]] bool is_reading() const noexcept override { return false; }

private:
    std::optional<std::size_t> receive(std::span<char> buffer, std::error_code& error) override;
    std::optional<std::size_t> transmit(std::span<const std::string_view> parts,
                                        std::error_code& error) override;
    void shut_down_writing() override {}
    std::unique_ptr<StreamIo> make_io(detail::StreamClient& client) override;
    void receive_ready() override;
    [[nodiscard]] std::string far_end() const override;
    [[nodiscard]] std::string name() const override;

    PipeKind kind_;
};

}  // namespace gyre::detail
