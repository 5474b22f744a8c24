// Reads the published vectors and hex text for the codec tests.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace sl::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes from_hex(std::string_view text) {
    Bytes bytes;
    std::string digits;
    for (const char c : text) {
        if (c == ' ') continue;
        digits.push_back(c);
        if (digits.size() < 2) continue;
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
        digits.clear();
    }
    return bytes;
}

template <typename Range>
std::string to_hex(const Range& bytes) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text.push_back(digits[byte >> 4U]);
        text.push_back(digits[byte & 0x0FU]);
    }
    return text;
}

inline std::string upper(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != ' ') out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return out;
}

inline boost::json::array load_vectors(const std::string& name) {
    std::ifstream file(SL_TEST_DIR "/vectors/" + name);
    if (!file) throw std::runtime_error("no vectors " + name);
    std::stringstream text;
    text << file.rdbuf();
    return boost::json::parse(text.str()).as_array();
}

inline std::string text_of(const boost::json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

inline bool flag(const boost::json::object& object, std::string_view key, bool missing) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_bool() ? value->as_bool() : missing;
}

// A frame that the codec has to refuse.
inline bool is_invalid(const boost::json::object& vector) {
    return flag(vector, "intentionally_invalid", false) || !flag(vector, "checksum_ok", true) ||
           !flag(vector, "length_ok", true);
}

}  // namespace sl::test
