// What the stress programs share: figures of this process, and how one is told to fail.
#pragma once

#include "../process.hpp"
#include "../sanitizers.hpp"

#include <gyre/gyre.hpp>

#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace stress {

using namespace gyre;
using namespace std::chrono_literals;

// A sanitizer keeps what is freed, and memory grows.
inline constexpr bool sanitized = GYRE_TEST_SANITIZED;

inline void require(bool holds, const std::string& what) {
    if (!holds) {
        throw std::runtime_error("does not hold: " + what);
    }
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline double cpu_seconds() {
    ::rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const ::timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The most descriptors that the process may have, from now on; gives what it was.
inline ::rlim_t limit_descriptors(::rlim_t most) {
    ::rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const ::rlim_t before = limit.rlim_cur;
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return before;
}

inline Coro<> echo(StreamReader reader, StreamWriter writer) {
    try {
        while (true) {
            std::string data = co_await reader.read(65536);
            if (data.empty()) {
                break;
            }
            writer.write(data);
            co_await writer.drain();
        }
    } catch (const std::system_error&) {
    }
    writer.close();
}

// Each prints one line of figures, or throws.
Coro<> idle(int count);
Coro<> churn(int count);
Coro<> out_of_descriptors(int count);
Coro<> beyond_select(int count);
Coro<> resets(int count);
Coro<> slow_reader(int megabytes);
Coro<> half_close(int megabytes);
Coro<> unread(int count);
void in_flight(int count, const std::string& spec);
Coro<> slow_loris(int count);
Coro<> signals(int count);
Coro<> children(int count);

}  // namespace stress
