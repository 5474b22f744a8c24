#include "gateway/schedule/solar.hpp"

#include <cmath>
#include <numbers>

namespace sl::schedule {
namespace {

using site::SiteTime;

constexpr double day_ms = 86'400'000.0;
constexpr double j2000_ms = 946'728'000'000.0;  // 2000-01-01T12:00:00Z
// Dynamical minus universal time. It grows from 57 s (1990) to about 90 s (2060); the sun moves 0.04 arc
// seconds in a second, so one value serves.
constexpr double delta_t_ms = 69'000.0;
constexpr double parallax_deg = 8.794 / 3600.0;
constexpr std::chrono::hours half_day{12};

double sin_d(double deg) {
    return std::sin(deg * std::numbers::pi / 180.0);
}
double cos_d(double deg) {
    return std::cos(deg * std::numbers::pi / 180.0);
}
double to_deg(double rad) {
    return rad * 180.0 / std::numbers::pi;
}
// To -180..180.
double wrap(double deg) {
    return std::remainder(deg, 360.0);
}

struct Equatorial {
    double right_ascension = 0.0, declination = 0.0;  // degrees, apparent
    double sidereal = 0.0;                            // apparent, at Greenwich, degrees
    double mean_longitude = 0.0;
};

// Meeus chapter 25, with aberration and the main term of nutation; sidereal time by chapter 12.
Equatorial sun_at(SiteTime t) {
    const double ut_days = (static_cast<double>(site::to_ms(t)) - j2000_ms) / day_ms;
    const double c = (ut_days + delta_t_ms / day_ms) / 36'525.0;
    const double l0 = 280.46646 + c * (36'000.76983 + c * 0.0003032);
    const double m = 357.52911 + c * (35'999.05029 - c * 0.0001537);
    const double centre = (1.914602 - c * (0.004817 + c * 0.000014)) * sin_d(m) +
                          (0.019993 - c * 0.000101) * sin_d(2 * m) + 0.000289 * sin_d(3 * m);
    const double node = 125.04 - 1934.136 * c;
    const double lambda = l0 + centre - 0.00569 - 0.00478 * sin_d(node);
    const double obliquity = 23.4392911 - c * (0.0130042 + c * 0.00000016) + 0.00256 * cos_d(node);
    Equatorial e;
    e.mean_longitude = l0;
    e.right_ascension = to_deg(std::atan2(cos_d(obliquity) * sin_d(lambda), cos_d(lambda)));
    e.declination = to_deg(std::asin(sin_d(obliquity) * sin_d(lambda)));
    e.sidereal = 280.46061837 + 360.98564736629 * ut_days - 0.00478 * sin_d(node) * cos_d(obliquity);
    return e;
}

double hour_angle(const Equatorial& e, GeoPoint place) {
    return wrap(e.sidereal + place.longitude - e.right_ascension);
}

double altitude(const Equatorial& e, GeoPoint place) {
    const double h = hour_angle(e, place);
    const double s = sin_d(place.latitude) * sin_d(e.declination) +
                     cos_d(place.latitude) * cos_d(e.declination) * cos_d(h);
    const double geocentric = to_deg(std::asin(std::fmin(1.0, std::fmax(-1.0, s))));
    return geocentric - parallax_deg * cos_d(geocentric);
}

SiteTime shift(SiteTime t, double ms) {
    return t + site::milliseconds{std::llround(ms)};
}

// Nearest instant at which the hour angle is `goal` (0 or 180).
SiteTime transit(SiteTime near, GeoPoint place, double goal) {
    SiteTime t = near;
    for (int i = 0; i < 4; ++i) {
        t = shift(t, -wrap(hour_angle(sun_at(t), place) - goal) / 360.0 * day_ms);
    }
    return t;
}

// Root of elevation - goal between `dark` (below) and `light` (above), by bisection to a millisecond.
SiteTime find_crossing(SiteTime dark, SiteTime light, double goal, GeoPoint place) {
    while (std::abs((light - dark).count()) > 1) {
        const SiteTime middle = dark + (light - dark) / 2;
        (sun_elevation(middle, place) < goal ? dark : light) = middle;
    }
    return light;
}

Crossing cross(SiteTime midnight, SiteTime noon, double goal, GeoPoint place) {
    if (sun_elevation(noon, place) < goal) return {std::nullopt, NoCrossing::never_rises};
    if (sun_elevation(midnight, place) >= goal) return {std::nullopt, NoCrossing::never_sets};
    return {find_crossing(midnight, noon, goal, place), NoCrossing::none};
}

}  // namespace

SunPosition sun_position(SiteTime t, GeoPoint place) noexcept {
    const Equatorial e = sun_at(t);
    SunPosition p;
    p.declination_deg = e.declination;
    // Meeus 28.1, with the mean longitude freed of aberration's constant.
    p.equation_of_time_s = wrap(e.mean_longitude - 0.0057183 - e.right_ascension) * 240.0;
    p.elevation_deg = altitude(e, place);
    const double h = hour_angle(e, place);
    const double south =
        std::atan2(sin_d(h), cos_d(h) * sin_d(place.latitude) -
                                 std::tan(e.declination * std::numbers::pi / 180.0) * cos_d(place.latitude));
    p.azimuth_deg = to_deg(south) + 180.0;
    return p;
}

double sun_elevation(SiteTime t, GeoPoint place) noexcept {
    return altitude(sun_at(t), place);
}

SiteTime solar_noon(SiteTime near, GeoPoint place) noexcept {
    return transit(near, place, 0.0);
}
SiteTime solar_midnight(SiteTime near, GeoPoint place) noexcept {
    return transit(near, place, 180.0);
}

std::string_view name(NoCrossing reason) noexcept {
    switch (reason) {
        case NoCrossing::never_rises:
            return "never_rises";
        case NoCrossing::never_sets:
            return "never_sets";
        case NoCrossing::none:
            break;
    }
    return "";
}

Crossing rise_before(SiteTime noon, double elevation_deg, GeoPoint place) noexcept {
    return cross(solar_midnight(noon - half_day, place), noon, elevation_deg, place);
}
Crossing set_after(SiteTime noon, double elevation_deg, GeoPoint place) noexcept {
    return cross(solar_midnight(noon + half_day, place), noon, elevation_deg, place);
}

}  // namespace sl::schedule
