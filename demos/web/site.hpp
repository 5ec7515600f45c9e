// Site: a small HTTP site in this process, for a program of the web where there is no web.
#pragma once

#include <gyre/coro.hpp>
#include <gyre/server.hpp>
#include <gyre/with.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace demo {

/// Serves pages() on a free port of 127.0.0.1, on the running loop, and says so on stderr.
///
/// ```
/// co_await gyre::with(demo::Site("titles"), [](const std::string& base) -> gyre::Coro<> {
///     co_await fetch(base + "/185");
/// });
/// ```
class Site {
public:
    explicit Site(std::string program) : program_(std::move(program)) {}

    /// Gives its address, "http://127.0.0.1:PORT".
    [[nodiscard]] gyre::Coro<std::string> enter();
    [[nodiscard]] gyre::Coro<> exit(std::exception_ptr error);

private:
    std::string program_;
    std::unique_ptr<gyre::Server> server_;
};

/// body(base), a coroutine; where the base is empty, with a site of its own.
template <class F>
[[nodiscard]] gyre::Coro<> on_site(std::string program, std::string base, F body) {
    if (base.empty()) {
        auto visit = gyre::with(Site(std::move(program)), std::move(body));
        co_await std::move(visit);
    } else {
        auto visit = body(base);
        co_await std::move(visit);
    }
}

}  // namespace demo
