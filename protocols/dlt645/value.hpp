// Values inside DL/T 645 data: packed BCD, lowest byte first, the offset already taken off.
#pragma once

#include "protocols/dlt645/frame.hpp"

#include <string>

namespace sl::dlt645 {

// A packed BCD number. Nothing is guessed: FF everywhere is "not available", any other digit above 9 is
// malformed.
struct Bcd {
    enum class State : std::uint8_t { ok, not_available, malformed } state = State::malformed;
    std::int64_t value = 0;
};
// At most 9 bytes. Signed: the top bit of the last (most significant) byte is the sign, magnitude beside it.
Bcd decode_bcd(std::span<const std::uint8_t> bytes, bool is_signed) noexcept;

// Two decimal digits, 0..99.
constexpr std::uint8_t to_bcd(int value) {
    return static_cast<std::uint8_t>(value / 10 * 16 + value % 10);
}
std::optional<int> from_bcd(std::uint8_t byte) noexcept;

bool is_date(const DateTime& time) noexcept;

// Text items (ratings, models, dates of manufacture): ASCII, last character first on the wire, padded with
// NUL or FF.
std::string decode_text(std::span<const std::uint8_t> bytes);

}  // namespace sl::dlt645
