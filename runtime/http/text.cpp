#include "text.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace gyre::http::detail {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

std::string_view trimmed(std::string_view text, std::string_view blanks) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// --- UTF-8 --------------------------------------------------------------------------------------

struct Piece {
    std::size_t size;
    bool good;  // a character; else the longest beginning of one, or a byte that begins none
};

Piece first_piece(std::string_view text) {
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return {1, true};
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return {1, false};
    }
    const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // Neither what fits in fewer bytes, nor half a surrogate pair, nor beyond U+10FFFF.
    unsigned char least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t at = 1; at < size; ++at) {
        if (at == text.size() || byte(at) < least || byte(at) > most) {
            return {at, false};
        }
        least = 0x80;
        most = 0xBF;
    }
    return {size, true};
}

std::optional<std::string> decoded_utf8(std::string_view body, bool strict) {
    std::string text;
    text.reserve(body.size());
    std::size_t taken = 0;
    for (std::size_t at = 0; at < body.size();) {
        const Piece piece = first_piece(body.substr(at));
        if (!piece.good) {
            if (strict) {
                return std::nullopt;
            }
            text += body.substr(taken, at - taken);
            text += kReplacement;
            taken = at + piece.size;
        }
        at += piece.size;
    }
    text += body.substr(taken);
    return text;
}

// --- other encodings ----------------------------------------------------------------------------

class Converter {
public:
    explicit Converter(const std::string& charset)
        : state_(::iconv_open("UTF-8", charset.c_str())) {}
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    ~Converter() {
        if (known()) {
            ::iconv_close(state_);
        }
    }

    // iconv_open() says so with -1.
    [[nodiscard]] bool known() const noexcept { return state_ != reinterpret_cast<::iconv_t>(-1); }

    // Appends what can be converted and takes it from `body`. True at its end.
    bool convert(std::string_view& body, std::string& text) const {
        std::array<char, 4096> buffer{};
        while (true) {
            char* from = const_cast<char*>(body.data());  // iconv writes nothing there
            std::size_t left = body.size();
            char* to = buffer.data();
            std::size_t room = buffer.size();
            const std::size_t result = ::iconv(state_, &from, &left, &to, &room);
            const int error = result == static_cast<std::size_t>(-1) ? errno : 0;
            text.append(buffer.data(), buffer.size() - room);
            body.remove_prefix(body.size() - left);
            if (error != E2BIG) {
                return error == 0;
            }
        }
    }

private:
    ::iconv_t state_;
};

std::optional<std::string> converted(const Converter& converter, std::string_view body,
                                     std::size_t unit, bool strict) {
    std::string text;
    while (!converter.convert(body, text)) {
        if (strict) {
            return std::nullopt;
        }
        text += kReplacement;
        body.remove_prefix(std::min(unit, body.size()));
    }
    return text;
}

// How many bytes are passed over to try again.
std::size_t unit_of(const std::string& charset) {
    const bool wide = charset.starts_with("utf-16") || charset.starts_with("ucs-2");
    const bool wider = charset.starts_with("utf-32") || charset.starts_with("ucs-4");
    return wide ? 2 : wider ? 4 : 1;
}

}  // namespace

std::string charset_of(std::string_view content_type) {
    while (!content_type.empty()) {
        const std::size_t end = std::min(content_type.find(';'), content_type.size());
        const std::string_view parameter = content_type.substr(0, end);
        content_type.remove_prefix(std::min(end + 1, content_type.size()));
        const std::size_t sign = parameter.find('=');
        if (sign != std::string_view::npos &&
            lower(trimmed(parameter.substr(0, sign), " \t")) == "charset") {
            return lower(trimmed(parameter.substr(sign + 1), " \t\"'"));
        }
    }
    return {};
}

std::optional<std::string> decoded(std::string_view body, const std::string& charset, bool strict) {
    std::string dashed = charset;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    std::string short_name = dashed;
    short_name.erase(std::remove(short_name.begin(), short_name.end(), '-'), short_name.end());
    // A slash would begin what else iconv is told.
    const bool plain = !charset.empty() && charset.find('/') == std::string::npos;
    if (plain && short_name != "utf8") {
        // "latin-1" is iconv's "latin1", "iso_8859-1" is known as it is.
        for (const std::string& name : {charset, dashed, short_name}) {
            const Converter converter(name);
            if (converter.known()) {
                return converted(converter, body, unit_of(dashed), strict);
            }
        }
    }
    return decoded_utf8(body, strict);
}

}  // namespace gyre::http::detail
