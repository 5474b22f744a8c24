// Dates as people write them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace sl::local {

// "2026-11-23"; nullopt for anything else and for a date that does not exist.
std::optional<std::chrono::year_month_day> read_date(std::string_view text);

}  // namespace sl::local
