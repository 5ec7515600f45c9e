// flags: pictures of flags, downloaded at once.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "web/site.hpp"

#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace http = gyre::http;

struct Options {
    Options() = default;
    std::vector<std::string> codes = {"CN", "IN", "US", "ID", "BR", "PK", "NG", "BD", "RU", "JP",
                                      "MX", "PH", "VN", "ET", "EG", "DE", "IR", "TR", "CD", "FR"};
    std::string base;
    std::string dest = "downloaded";
    bool to_thread = false;
};

void save_flag(const std::string& image, const std::string& path) {
    std::ofstream file(path, std::ios::binary);
    file << image;
    file.close();
    if (!file) {
        throw std::runtime_error(path + " cannot be written");
    }
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

// No path, that is.
void check(const std::string& code) {
    const bool letters = std::all_of(code.begin(), code.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (!letters || code.size() != 2) {
        throw std::runtime_error("the two letters of a country are expected, not " + code);
    }
}

gyre::Coro<std::string> get_flag(http::Session session, std::string base, std::string code) {
    const http::Response response = co_await session.get(base + '/' + code + '/' + code + ".gif");
    response.raise_for_status();
    co_return response.body;
}

gyre::Coro<> download_one(http::Session session, std::string base, std::string code,
                          Options options) {
    const std::string image = co_await get_flag(session, base, lower(code));
    const std::string path = options.dest + '/' + code + ".gif";
    if (options.to_thread) {
        co_await gyre::to_thread(save_flag, image, path);
    } else {
        save_flag(image, path);
    }
    std::printf("%s ", code.c_str());
    std::fflush(stdout);
}

gyre::Coro<> download_many(std::string base, Options options) {
    using namespace std::chrono_literals;
    std::filesystem::create_directories(options.dest);
    const auto start = gyre::get_running_loop().time();
    http::Timeouts timeouts;  // httpx's timeout=6.1: for each wait, not for all of them
    timeouts.connect = 6100ms;
    timeouts.read = 6100ms;
    http::SessionOptions session_options;
    session_options.timeout = timeouts;
    http::Session session(session_options);
    std::vector<std::string> codes = options.codes;
    std::sort(codes.begin(), codes.end());
    std::vector<gyre::Coro<>> downloads;
    for (const std::string& code : codes) {
        downloads.push_back(download_one(session, base, code, options));
    }
    co_await gyre::gather(std::move(downloads));
    const demo::Seconds elapsed = gyre::get_running_loop().time() - start;
    std::printf("\n%zu downloads in %.2fs\n", codes.size(), elapsed.count());
    co_await session.close();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    bool live = false;
    demo::Program program("flags", "Downloads pictures of flags.");
    program.add_texts("CC", options.codes,
                      "a country's code; without any the twenty most populous countries", false);
    program.add_text("--base", options.base, "URL",
                     "where there are cn/cn.gif and the others; without it a site of its own");
    program.add_text("--dest", options.dest, "DIR", "where the pictures go");
    program.add_flag("--to-thread", options.to_thread, "write the files in threads");
    program.add_flag("--live", live, "the site of the original");
    return program.run(argc, argv, [&] {
        for (const std::string& code : options.codes) {
            check(code);
        }
        std::string base = options.base;
        if (live && base.empty()) {
            base = "https://www.fluentpython.com/data/flags";
        }
        const bool own = base.empty();
        const auto visit = [own, &options](const std::string& address) {
            return download_many(own ? address + "/flags" : address, options);
        };
        gyre::run(demo::on_site("flags", base, visit), {.loop = program.loop()});
    });
}
