// What the tests of signals share: who handles one.
#pragma once

#include <csignal>

inline bool has_default_action(int signal) {
    struct sigaction now {};
    return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_DFL;
}

inline volatile std::sig_atomic_t own_calls = 0;
inline void own_handler(int) { own_calls = own_calls + 1; }

/// SIGINT in a program's own hands while it lives.
class OwnHandler {
public:
    OwnHandler() { std::signal(SIGINT, own_handler); }
    OwnHandler(const OwnHandler&) = delete;
    OwnHandler& operator=(const OwnHandler&) = delete;
    ~OwnHandler() { std::signal(SIGINT, SIG_DFL); }

    [[nodiscard]] static bool installed() {
        struct sigaction now {};
        return ::sigaction(SIGINT, nullptr, &now) == 0 && now.sa_handler == own_handler;
    }
};
