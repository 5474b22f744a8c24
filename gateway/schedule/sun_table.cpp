#include "gateway/schedule/sun_table.hpp"

#include <algorithm>

namespace sl::schedule {
namespace {

SunDay::Event event(const Crossing& c) {
    return {c.at, name(c.reason)};
}

SunDay sun_day(GeoPoint place, const site::Zone& zone, std::chrono::sys_days date) {
    const std::chrono::local_time<site::milliseconds> midday{date.time_since_epoch() +
                                                             std::chrono::hours{12}};
    SunDay day;
    day.date = std::chrono::year_month_day{date};
    day.noon = solar_noon(zone.to_utc(midday), place);
    day.noon_elevation = sun_elevation(day.noon, place);
    day.sunrise = event(rise_before(day.noon, sunrise_elevation, place));
    day.sunset = event(set_after(day.noon, sunrise_elevation, place));
    day.civil_dawn = event(rise_before(day.noon, civil_elevation, place));
    day.civil_dusk = event(set_after(day.noon, civil_elevation, place));
    day.nautical_dawn = event(rise_before(day.noon, nautical_elevation, place));
    day.nautical_dusk = event(set_after(day.noon, nautical_elevation, place));
    day.astronomical_dawn = event(rise_before(day.noon, astronomical_elevation, place));
    day.astronomical_dusk = event(set_after(day.noon, astronomical_elevation, place));
    return day;
}

}  // namespace

std::vector<SunDay> sun_days(GeoPoint place, const site::Zone& zone, std::chrono::year_month_day from,
                             int days) {
    std::vector<SunDay> table;
    table.reserve(static_cast<std::size_t>(std::max(days, 0)));
    const std::chrono::sys_days first{from};
    for (int i = 0; i < days; ++i)
        table.push_back(sun_day(place, zone, first + std::chrono::days{i}));
    return table;
}

}  // namespace sl::schedule
