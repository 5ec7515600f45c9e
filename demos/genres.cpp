// genres: a JSON answer after the other, or all at once, each written to a file of its own.
#include "common/clock.hpp"
#include "common/program.hpp"
#include "web/site.hpp"

#include <gyre/gyre.hpp>
#include <gyre/http.hpp>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace http = gyre::http;

struct Options {
    Options() = default;
    bool sync = false;
    int count = 10;
    std::string url;
    std::string dir;
};

// --- a JSON string ------------------------------------------------------------------------------

void append_utf8(std::string& text, std::uint32_t code) {
    const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

class JsonString {
public:
    explicit JsonString(std::string_view json) : json_(json), left_(json) {}

    std::string read() {
        skip_space();
        expect(take() == '"');
        std::string text;
        for (char c = take(); c != '"'; c = take()) {
            expect(static_cast<unsigned char>(c) >= ' ');
            if (c == '\\') {
                append_utf8(text, escaped());
            } else {
                text += c;
            }
        }
        skip_space();
        expect(left_.empty());
        return text;
    }

private:
    void expect(bool good) const {
        if (!good) {
            throw std::runtime_error("a JSON string is expected, not " +
                                     std::string(json_.substr(0, 60)));
        }
    }
    void skip_space() {
        const std::size_t first = left_.find_first_not_of(" \t\r\n");
        left_.remove_prefix(first == std::string_view::npos ? left_.size() : first);
    }
    char take() {
        expect(!left_.empty());
        const char c = left_.front();
        left_.remove_prefix(1);
        return c;
    }
    std::uint32_t unit() {
        std::uint32_t number = 0;
        const std::string_view digits = left_.substr(0, 4);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
        expect(error == std::errc() && digits.size() == 4 && end == digits.data() + 4);
        left_.remove_prefix(4);
        return number;
    }
    std::uint32_t escaped() {
        constexpr std::string_view names = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        const char c = take();
        if (c != 'u') {
            const std::size_t which = names.find(c);
            expect(which != std::string_view::npos);
            return static_cast<std::uint32_t>(meanings[which]);
        }
        const std::uint32_t high = unit();
        if (high < 0xD800 || high > 0xDFFF) {
            return high;
        }
        // Beyond 16 bits: half the number here, half in the escape that follows.
        expect(high < 0xDC00 && take() == '\\' && take() == 'u');
        const std::uint32_t low = unit();
        expect(low >= 0xDC00 && low <= 0xDFFF);
        return 0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00));
    }

    std::string_view json_;
    std::string_view left_;
};

// --- the genres ---------------------------------------------------------------------------------

gyre::Coro<> write_genre(http::Session session, std::string url, std::string file_name) {
    const http::Response response = co_await session.get(url);
    response.raise_for_status();
    const std::string genre = JsonString(response.body).read();
    gyre::File file = co_await gyre::open_file(file_name, "w");
    std::printf("Writing '%s' to '%s'...\n", genre.c_str(), file_name.c_str());
    co_await file.write(genre);
    co_await file.close();
}

// Python: round(seconds, 2).
std::string rounded(demo::Seconds time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", time.count());
    std::string number = text;
    if (number.ends_with('0')) {
        number.pop_back();
    }
    return number;
}

gyre::Coro<> write_genres(Options options, std::string url) {
    std::filesystem::create_directories(options.dir);
    std::printf("Starting...\n");
    const auto start = gyre::get_running_loop().time();
    http::Session session;
    const auto file_name = [&options](int i) {
        return options.dir + "/new_file" + std::to_string(i) + ".txt";
    };
    if (options.sync) {
        for (int i = 0; i < options.count; ++i) {
            co_await write_genre(session, url, file_name(i));
        }
    } else {
        std::vector<gyre::Coro<>> writing;
        for (int i = 0; i < options.count; ++i) {
            writing.push_back(write_genre(session, url, file_name(i)));
        }
        co_await gyre::gather(std::move(writing));
    }
    const demo::Seconds elapsed = gyre::get_running_loop().time() - start;
    std::printf("Time to complete %s read/writes: %s seconds\n",
                options.sync ? "synchronous" : "asyncio", rounded(elapsed).c_str());
    co_await session.close();
}

gyre::Coro<> find_genres(Options options) {
    if (!options.url.empty()) {
        co_await write_genres(options, options.url);
        co_return;
    }
    auto visit = [&options](const std::string& base) {
        return write_genres(options, base + "/genre/");
    };
    co_await demo::on_site("genres", "", visit);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    bool live = false;
    demo::Program program("genres", "Writes genres of music, made up by a server, to files.");
    program.add_flag("--sync", options.sync, "one after the other, not all at once");
    program.add_number("--count", options.count, 0, "how many");
    program.add_text("--url", options.url, "URL",
                     "what answers with a genre as a JSON string; without it a site of its own");
    program.add_text("--dir", options.dir, "DIR",
                     "where the files go; ./async or ./sync if not given");
    program.add_flag("--live", live, "the server that the original asks");
    return program.run(argc, argv, [&] {
        if (options.dir.empty()) {
            options.dir = options.sync ? "./sync" : "./async";
        }
        if (live && options.url.empty()) {
            options.url = "https://binaryjazz.us/wp-json/genrenator/v1/genre/";
        }
        gyre::run(find_genres(options), {.loop = program.loop()});
    });
}
