// Looks up N distinct names, with gyre's c-ares on a loop or with getaddrinfo in threads; prints
// "SECONDS CPU_SECONDS FAILURES". resolver.py runs it beside others.
#include <gyre/gyre.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string name(int number) { return "h" + std::to_string(number) + ".bench.test"; }

double cpu_seconds() {
    std::timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

gyre::Coro<> look_up(int number, int family, int& failures) {
    gyre::AddressOptions options;
    options.family = family;
    options.type = SOCK_STREAM;
    try {
        std::vector<gyre::AddressInfo> found =
            co_await gyre::getaddrinfo(name(number), 80, options);
    } catch (const gyre::ResolveError&) {
        ++failures;
    }
}

gyre::Coro<> look_up_each(int& next, int count, int family, int& failures) {
    while (next < count) {
        co_await look_up(next++, family, failures);
    }
}

// All at once, or so many at a time.
gyre::Coro<int> on_a_loop(int count, int family, int at_a_time) {
    int failures = 0;
    int next = 0;
    std::vector<gyre::Coro<>> all;
    if (at_a_time == 0) {
        for (int i = 0; i < count; ++i) {
            all.push_back(look_up(i, family, failures));
        }
    }
    for (int i = 0; i < at_a_time; ++i) {
        all.push_back(look_up_each(next, count, family, failures));
    }
    co_await gyre::gather(std::move(all));
    co_return failures;
}

int in_threads(int count, int family, int threads) {
    std::atomic<int> next = 0;
    std::atomic<int> failures = 0;
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) {
        all.emplace_back([&] {
            ::addrinfo hints{};
            hints.ai_family = family;
            hints.ai_socktype = SOCK_STREAM;
            for (int number = next++; number < count; number = next++) {
                ::addrinfo* found = nullptr;
                if (::getaddrinfo(name(number).c_str(), "80", &hints, &found) != 0) {
                    ++failures;
                } else {
                    ::freeaddrinfo(found);
                }
            }
        });
    }
    for (std::thread& each : all) {
        each.join();
    }
    return failures;
}

}  // namespace

// usage: resolver LOOP|THREADS N inet|any [AT_A_TIME]
int main(int argc, char** argv) {
    if (argc < 4 || argc > 5) {
        std::fputs("usage: resolver LOOP|THREADS N inet|any [AT_A_TIME]\n", stderr);
        return 2;
    }
    const std::string who = argv[1];
    const int count = std::atoi(argv[2]);
    const int family = argv[3] == std::string("inet") ? AF_INET : AF_UNSPEC;
    const int threads = std::atoi(who.c_str());
    const int at_a_time = argc == 5 ? std::atoi(argv[4]) : 0;
    const auto start = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    const int failures = threads > 0 ? in_threads(count, family, threads)
                                     : gyre::run(on_a_loop(count, family, at_a_time),
                                                 {.loop = who, .resolver = "cares"});
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf("%.6f %.6f %d\n", taken.count(), cpu_seconds() - cpu, failures);
}
