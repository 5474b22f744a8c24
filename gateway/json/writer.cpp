#include "gateway/json/writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace sl::json {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Length of the UTF-8 sequence at `text[0]`, 0 when it is not one (RFC 3629: no surrogates, no overlong
// forms).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
    const unsigned char lead = byte(0);
    if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!continues(1) || !continues(2)) return 0;
        const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = lead == 0xED && byte(1) > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        const bool overlong = lead == 0xF0 && byte(1) < 0x90;
        const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

void append_control(std::string& out, unsigned char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    out += "\\u00";
    out += hex[c >> 4U];
    out += hex[c & 0xFU];
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        std::size_t used = 1;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20) {
            append_control(out, c);
        } else if (c < 0x80) {
            out += static_cast<char>(c);
        } else if (const std::size_t length = sequence_length(text); length > 0) {
            out += text.substr(0, length);
            used = length;
        } else {
            out += replacement;
        }
        text.remove_prefix(used);
    }
    out += '"';
}

void Writer::separate() {
    if (need_comma_) out_ += ',';
    need_comma_ = true;
}

Writer& Writer::open(char bracket) {
    separate();
    out_ += bracket;
    need_comma_ = false;
    return *this;
}

Writer& Writer::close(char bracket) {
    out_ += bracket;
    need_comma_ = true;
    return *this;
}

Writer& Writer::key(std::string_view name) {
    separate();
    append_quoted(out_, name);
    out_ += ':';
    need_comma_ = false;
    return *this;
}

Writer& Writer::value(std::string_view text) {
    separate();
    append_quoted(out_, text);
    return *this;
}

Writer& Writer::value(bool flag) {
    return raw(flag ? "true" : "false");
}
Writer& Writer::null() {
    return raw("null");
}

Writer& Writer::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

Writer& Writer::value(std::int64_t number) {
    std::array<char, 24> buffer{};
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    return raw({buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())});
}

Writer& Writer::value(double number, int decimals) {
    if (!std::isfinite(number)) return null();
    if (std::abs(number) < 9e15 && number == std::trunc(number))
        return value(static_cast<std::int64_t>(number));
    std::array<char, 512> buffer{};
    char* const end = buffer.data() + buffer.size();
    auto result = decimals < 0
                      ? std::to_chars(buffer.data(), end, number)
                      : std::to_chars(buffer.data(), end, number, std::chars_format::fixed, decimals);
    std::string_view text{buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
    if (decimals > 0) {
        while (text.ends_with('0'))
            text.remove_suffix(1);
        if (text.ends_with('.')) text.remove_suffix(1);
    }
    return raw(text == "-0" ? std::string_view{"0"} : text);
}

}  // namespace sl::json
