#include <gyre/connections.hpp>
#include <gyre/event.hpp>
#include <gyre/future.hpp>
#include <gyre/sockets.hpp>
#include <gyre/task_group.hpp>
#include <gyre/timeouts.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <system_error>
#include <vector>

namespace gyre {

namespace {

using Errors = std::vector<std::exception_ptr>;

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        return exception.what();
    } catch (...) {
        return "unknown error";
    }
}

// The first `first` addresses of the first family, then the families in turn.
std::vector<AddressInfo> interleaved(std::vector<AddressInfo> addresses, std::size_t first) {
    std::vector<std::vector<AddressInfo>> families;
    for (AddressInfo& each : addresses) {
        const auto same = std::find_if(families.begin(), families.end(), [&each](const auto& one) {
            return one.front().family == each.family;
        });
        if (same == families.end()) {
            families.emplace_back().push_back(std::move(each));
        } else {
            same->push_back(std::move(each));
        }
    }
    std::vector<AddressInfo> mixed;
    if (families.empty()) {
        return mixed;
    }
    const auto head = static_cast<std::ptrdiff_t>(std::min(first - 1, families.front().size() - 1));
    std::move(families.front().begin(), families.front().begin() + head, std::back_inserter(mixed));
    families.front().erase(families.front().begin(), families.front().begin() + head);
    for (std::size_t turn = 0; true; ++turn) {
        const std::size_t before = mixed.size();
        for (auto& family : families) {
            if (turn < family.size()) {
                mixed.push_back(std::move(family[turn]));
            }
        }
        if (mixed.size() == before) {
            return mixed;
        }
    }
}

Coro<Socket> connect_one(AddressInfo info, SocketAddress local) {
    Socket socket = Socket::open(info.address.family());
    if (local) {
        socket.bind(local);
    }
    co_await sock_connect(socket, info.address);
    co_return socket;
}

[[noreturn]] void throw_errors(const Errors& errors, bool all_errors) {
    if (all_errors) {
        throw ExceptionGroup("create_connection failed", errors);
    }
    const std::string first = text_of(errors.front());
    std::string all;
    bool alike = true;
    for (const std::exception_ptr& each : errors) {
        const std::string text = text_of(each);
        alike = alike && text == first;
        all += (all.empty() ? "" : ", ") + text;
    }
    if (alike) {
        std::rethrow_exception(errors.front());
    }
    throw std::system_error(std::make_error_code(std::errc::io_error),
                            "Multiple exceptions: " + all);
}

// Attempts one after the other, each with a head start of `delay` before the next.
class Race {
public:
    Race(std::vector<AddressInfo> addresses, SocketAddress local,
         std::optional<detail::Nanoseconds> delay) noexcept
        : addresses_(std::move(addresses)), local_(local), delay_(delay) {}

    Coro<Socket> run(bool all_errors) {
        co_await with_task_group([this](TaskGroup& group) -> Coro<> {
            for (const AddressInfo& each : addresses_) {
                decided_.clear();
                errors_.emplace_back();
                group.create_task(attempt(group, each, ++attempts_));
                co_await decision();
                if (winner_) {
                    co_return;
                }
            }
        });
        if (!winner_) {
            std::erase(errors_, nullptr);
            throw_errors(errors_, all_errors);
        }
        co_return std::move(winner_);
    }

private:
    // Until the latest attempt has failed, one has succeeded, or the delay is over.
    Coro<> decision() {
        try {
            co_await wait_for(decided_.wait(), delay_);
        } catch (const TimeoutError&) {
        }
    }

    Coro<> attempt(TaskGroup& group, AddressInfo info, std::size_t number) {
        try {
            Socket socket = co_await connect_one(std::move(info), local_);
            if (!winner_) {
                winner_ = std::move(socket);
            }
        } catch (const std::exception&) {
            errors_[number - 1] = std::current_exception();
        }
        if (winner_) {
            group.cancel();
        }
        if (winner_ || number == attempts_) {
            decided_.set();
        }
    }

    std::vector<AddressInfo> addresses_;
    SocketAddress local_;
    std::optional<detail::Nanoseconds> delay_;
    std::size_t attempts_ = 0;
    Event decided_;
    Socket winner_;
    Errors errors_;  // in the order of the attempts
};

}  // namespace

namespace detail {

Coro<Socket> connect_to(SocketAddress address) {
    AddressInfo info;
    info.address = address;
    return connect_one(std::move(info), SocketAddress());
}

Coro<Socket> connect_to(std::string host, Port port, ConnectOptions options) {
    AddressOptions wanted;
    wanted.family = options.family;
    wanted.type = SOCK_STREAM;
    wanted.proto = options.proto;
    wanted.flags = options.flags;
    std::vector<AddressInfo> addresses = co_await getaddrinfo(host, port, wanted);
    Socket socket = co_await connect_to(std::move(addresses), options);
    co_return socket;
}

Coro<Socket> connect_to(std::vector<AddressInfo> addresses, ConnectOptions options) {
    if (addresses.empty()) {
        throw std::system_error(std::make_error_code(std::errc::address_not_available),
                                "there is no address to connect to");
    }
    const std::size_t first = options.interleave.value_or(options.happy_eyeballs_delay ? 1 : 0);
    if (first > 0) {
        addresses = interleaved(std::move(addresses), first);
    }
    if (options.happy_eyeballs_delay) {
        Race race(std::move(addresses), options.local_addr, options.happy_eyeballs_delay);
        Socket winner = co_await race.run(options.all_errors);
        co_return winner;
    }
    Errors errors;
    for (const AddressInfo& each : addresses) {
        try {
            Socket socket = co_await connect_one(each, options.local_addr);
            co_return socket;
        } catch (const std::exception&) {
            errors.push_back(std::current_exception());
        }
    }
    throw_errors(errors, options.all_errors);
}

Coro<Socket> connected(Socket socket) {
    socket.check_stream();
    co_return socket;
}

TransportHooks tell(const Future<>& made) {
    const auto on_made = [made] {
        if (!made.done()) {
            made.set_result();
        }
    };
    return {on_made, nullptr};
}

Coro<std::shared_ptr<Transport>> attach(Socket socket, std::shared_ptr<BaseProtocol> protocol) {
    const Future<> made = create_future<>();
    TransportHooks hooks = tell(made);
    std::shared_ptr<Transport> transport =
        get_running_loop().make_transport(std::move(socket), std::move(protocol), std::move(hooks));
    auto waiting = when_made(std::move(transport), made);
    co_return co_await std::move(waiting);
}

}  // namespace detail

namespace {

Coro<StreamPair> open_stream(Coro<Socket> connecting, std::size_t limit) {
    std::shared_ptr<detail::StreamState> state;
    try {
        state = std::make_shared<detail::StreamState>(limit);
    } catch (...) {
        connecting.close();
        throw;
    }
    Socket socket = co_await std::move(connecting);
    std::shared_ptr<Transport> transport = co_await detail::attach(std::move(socket), state);
    co_return StreamPair(StreamReader(state), StreamWriter(state));
}

}  // namespace

Coro<StreamPair> open_connection(std::string host, Port port, ConnectOptions options) {
    return open_stream(detail::connect_to(std::move(host), std::move(port), options),
                       options.limit);
}

Coro<StreamPair> open_connection(Socket socket, ConnectOptions options) {
    return open_stream(detail::connected(std::move(socket)), options.limit);
}

Coro<StreamPair> open_unix_connection(std::string path, ConnectOptions options) {
    return open_stream(detail::connect_to(SocketAddress::unix_path(path)), options.limit);
}

}  // namespace gyre
