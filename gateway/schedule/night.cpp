#include "gateway/schedule/night.hpp"

#include <algorithm>

namespace sl::schedule {
namespace {

using site::SiteTime;
using std::chrono::minutes;

constexpr minutes noon_minutes{720};

SiteTime local_instant(std::chrono::sys_days date, minutes local, const site::Zone& zone) {
    return zone.to_utc(std::chrono::local_time<site::milliseconds>{date.time_since_epoch() + local});
}

struct Edge {
    SiteTime at;
    EdgeBy by = EdgeBy::sun;
};

// `whole` is the edge of the night that a polar night reaches.
Edge edge_of(const Crossing& crossing, SiteTime lowest, SiteTime whole) {
    if (crossing.at) return {*crossing.at, EdgeBy::sun};
    if (crossing.reason == NoCrossing::never_rises) return {whole, EdgeBy::polar_night};
    return {lowest, EdgeBy::never_dark};
}

struct Rails {
    std::optional<minutes> earliest, latest;
};

void apply_rails(Edge& edge, minutes offset, const Rails& rails, const Night& night, const site::Zone& zone) {
    if (edge.by == EdgeBy::polar_night) return;
    if (edge.by == EdgeBy::sun) edge.at += offset;
    if (rails.earliest) {
        const SiteTime rail = clock_in_night(night.date, *rails.earliest, zone);
        if (edge.at < rail) edge = {rail, EdgeBy::earliest};
    }
    if (rails.latest) {
        const SiteTime rail = clock_in_night(night.date, *rails.latest, zone);
        if (edge.at > rail) edge = {rail, EdgeBy::latest};
    }
    edge.at = std::clamp(edge.at, night.begin, night.end);
}

}  // namespace

std::string_view name(EdgeBy by) noexcept {
    switch (by) {
        case EdgeBy::sun:
            return "sun";
        case EdgeBy::earliest:
            return "earliest";
        case EdgeBy::latest:
            return "latest";
        case EdgeBy::polar_night:
            return "polar_night";
        case EdgeBy::never_dark:
            return "never_dark";
    }
    return "";
}

SiteTime clock_in_night(std::chrono::sys_days date, minutes local, const site::Zone& zone) {
    return local_instant(date, local < noon_minutes ? local + std::chrono::days{1} : local, zone);
}

std::chrono::sys_days night_date(SiteTime t, const site::Zone& zone) {
    const auto local = zone.to_local(t).time_since_epoch() - std::chrono::hours{12};
    std::chrono::sys_days date{std::chrono::floor<std::chrono::days>(local)};
    // A zone that jumps near noon may put `t` on the other side of the boundary.
    while (t < local_instant(date, noon_minutes, zone))
        date -= std::chrono::days{1};
    while (t >= local_instant(date + std::chrono::days{1}, noon_minutes, zone))
        date += std::chrono::days{1};
    return date;
}

Night make_night(std::chrono::sys_days date, const site::Astro& astro, GeoPoint place,
                 const site::Zone& zone) {
    Night night;
    night.date = date;
    night.begin = local_instant(date, noon_minutes, zone);
    night.end = local_instant(date + std::chrono::days{1}, noon_minutes, zone);
    const SiteTime before = solar_noon(night.begin, place);
    const SiteTime after = solar_noon(night.end, place);
    const SiteTime lowest =
        std::clamp(solar_midnight(before + std::chrono::hours{12}, place), night.begin, night.end);
    const auto evening = [&](double elevation) {
        return edge_of(set_after(before, elevation, place), lowest, night.begin);
    };
    const auto morning = [&](double elevation) {
        return edge_of(rise_before(after, elevation, place), lowest, night.end);
    };
    night.sunset = std::clamp(evening(sunrise_elevation).at, night.begin, night.end);
    night.sunrise = std::clamp(morning(sunrise_elevation).at, night.begin, night.end);
    Edge dusk = evening(astro.elevation_deg);
    Edge dawn = morning(astro.elevation_deg);
    apply_rails(dusk, astro.on_offset, {astro.earliest_on, astro.latest_on}, night, zone);
    apply_rails(dawn, astro.off_offset, {astro.earliest_off, astro.latest_off}, night, zone);
    night.dusk = std::clamp(dusk.at, night.begin, night.end);
    night.dawn = std::clamp(dawn.at, night.begin, night.end);
    night.dusk_by = dusk.by;
    night.dawn_by = dawn.by;
    return night;
}

}  // namespace sl::schedule
