// Query strings: "select=F1%2CF2&limit=5".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sl::local {

// Percent-decoding with '+' as a blank; nullopt when a % is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);
// Everything but letters, digits and "-_.~," becomes %XX.
std::string percent_encode(std::string_view text);

// The decoded value of the first parameter of that name; nullopt when absent or wrongly encoded.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace sl::local
