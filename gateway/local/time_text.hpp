// Instants as people and programs read them: "2026-11-23T17:41:44+08:00".
#pragma once

#include "gateway/site/time.hpp"

#include <chrono>
#include <string>

namespace sl::local {

// Local time of the zone with its offset, to the second.
std::string iso_text(site::SiteTime t, const site::Zone& zone);
// "2026-11-23"
std::string date_text(std::chrono::year_month_day date);

}  // namespace sl::local
