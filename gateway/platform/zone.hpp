// The system's time zone database behind site::Zone.
#pragma once

#include "gateway/site/time.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sl::platform {

// Throws std::runtime_error naming the zone when the system does not know it.
std::unique_ptr<site::Zone> load_zone(std::string_view name);

// RFC 3339 with a zone, seconds may be left out: 2026-11-23T16:00+08:00, 2026-11-23T08:00:00Z.
std::optional<site::SiteTime> parse_time(const std::string& text);

}  // namespace sl::platform
