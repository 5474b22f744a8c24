#include "protocols/dlt645/value.hpp"

#include <algorithm>
#include <chrono>

namespace sl::dlt645 {

std::optional<int> from_bcd(std::uint8_t byte) noexcept {
    const int high = byte >> 4U;
    const int low = byte & 0x0FU;
    if (high > 9 || low > 9) return std::nullopt;
    return high * 10 + low;
}

Bcd decode_bcd(std::span<const std::uint8_t> bytes, bool is_signed) noexcept {
    if (bytes.empty() || bytes.size() > 9) return {};
    if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0xFF; })) {
        return {Bcd::State::not_available, 0};
    }
    std::int64_t value = 0;
    bool negative = false;
    for (auto i = bytes.size(); i-- > 0;) {
        auto byte = bytes[i];
        if (is_signed && i + 1 == bytes.size()) {
            negative = (byte & 0x80U) != 0;
            byte &= 0x7FU;
        }
        const auto pair = from_bcd(byte);
        if (!pair) return {};
        value = value * 100 + *pair;
    }
    return {Bcd::State::ok, negative ? -value : value};
}

bool is_date(const DateTime& t) noexcept {
    if (t.year < 2000 || t.year > 2099 || t.month < 1 || t.day < 1) return false;
    const std::chrono::year_month_day date{std::chrono::year{t.year},
                                           std::chrono::month{static_cast<unsigned>(t.month)},
                                           std::chrono::day{static_cast<unsigned>(t.day)}};
    return date.ok() && t.hour >= 0 && t.hour < 24 && t.minute >= 0 && t.minute < 60 && t.second >= 0 &&
           t.second < 60;
}

std::string decode_text(std::span<const std::uint8_t> bytes) {
    std::string text;
    for (auto i = bytes.size(); i-- > 0;) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F) text.push_back(static_cast<char>(bytes[i]));
    }
    return text;
}

}  // namespace sl::dlt645
