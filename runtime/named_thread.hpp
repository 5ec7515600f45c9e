// start_thread: a thread with a name.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace gyre::detail {

/// Throws std::system_error that names the thread: "start gyre-shard-7: Resource temporarily
/// unavailable".
template <class F>
[[nodiscard]] std::thread start_thread(const std::string& name, F body) {
    constexpr std::size_t longest = 15;  // that Linux takes
    std::thread thread;
    try {
        thread = std::thread(std::move(body));
    } catch (const std::system_error& error) {
        throw std::system_error(error.code(), "start " + name);
    }
    ::pthread_setname_np(thread.native_handle(), name.substr(0, longest).c_str());
    return thread;
}

}  // namespace gyre::detail
