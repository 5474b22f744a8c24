// A lighting night: from local noon to local noon, with the dusk and dawn that the lamps follow.
#pragma once

#include "gateway/schedule/solar.hpp"
#include "gateway/site/plan.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <string_view>

namespace sl::schedule {

// What decided an edge of the night.
enum class EdgeBy : std::uint8_t { sun, earliest, latest, polar_night, never_dark };
std::string_view name(EdgeBy by) noexcept;

struct Night {
    std::chrono::sys_days date;      // local date on which it begins
    site::SiteTime begin, end;       // local noon to local noon; end is the begin of the next
    site::SiteTime dusk, dawn;       // after offsets and guard rails, within begin..end
    site::SiteTime sunset, sunrise;  // at -0.8333 degrees, without offsets and guard rails
    EdgeBy dusk_by = EdgeBy::sun, dawn_by = EdgeBy::sun;
    bool dark() const noexcept { return dusk < dawn; }  // false: dusk and dawn never come
};

// Local date whose lighting night contains `t`.
std::chrono::sys_days night_date(site::SiteTime t, const site::Zone& zone);
// Instant of a local time of day in a lighting night: before 12:00 it is the next morning.
site::SiteTime clock_in_night(std::chrono::sys_days date, std::chrono::minutes local, const site::Zone& zone);

// Where the sun does not cross the elevation:
//   it stays below (polar night): on from begin to end, whatever offsets and guard rails say;
//   it stays above (white night): dusk and dawn coincide at the sun's lowest point, so the night has no dark
//   part; then only guard rails (latest_on, earliest_off) can make one.
Night make_night(std::chrono::sys_days date, const site::Astro& astro, GeoPoint place,
                 const site::Zone& zone);

}  // namespace sl::schedule
