// The sun of a range of days, for people and tables.
#pragma once

#include "gateway/schedule/solar.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace sl::schedule {

// One local date. Rises belong to the forenoon of its solar noon, sets to the afternoon; far from the middle
// of a zone a set may therefore fall after local midnight.
struct SunDay {
    struct Event {
        std::optional<site::SiteTime> at;
        std::string_view reason;  // empty, "never_rises" or "never_sets"
    };
    std::chrono::year_month_day date;
    Event sunrise, sunset;
    Event civil_dawn, civil_dusk;
    Event nautical_dawn, nautical_dusk;
    Event astronomical_dawn, astronomical_dusk;
    site::SiteTime noon;
    double noon_elevation = 0.0;  // degrees
};

std::vector<SunDay> sun_days(GeoPoint place, const site::Zone& zone, std::chrono::year_month_day from,
                             int days);

}  // namespace sl::schedule
