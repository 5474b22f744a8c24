// Where the sun stands and when it crosses an elevation. Own code after Meeus, "Astronomical Algorithms"
// (2nd ed.), chapters 22 and 25 (the low-accuracy sun, 0.01 degrees), iterated to the instant. Elevations are
// those of the centre of the disc as seen from the place, without refraction.
#pragma once

#include "gateway/site/time.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace sl::schedule {

struct GeoPoint {
    double latitude = 0.0, longitude = 0.0;  // degrees, WGS-84, north and east positive
};

// Elevations with a name.
inline constexpr double sunrise_elevation = -0.8333;  // upper limb with mean refraction
inline constexpr double civil_elevation = -6.0;
inline constexpr double nautical_elevation = -12.0;
inline constexpr double astronomical_elevation = -18.0;

struct SunPosition {
    double declination_deg = 0.0;
    double equation_of_time_s = 0.0;  // apparent minus mean solar time
    double elevation_deg = 0.0;
    double azimuth_deg = 0.0;  // from north, clockwise
};
SunPosition sun_position(site::SiteTime t, GeoPoint place) noexcept;
double sun_elevation(site::SiteTime t, GeoPoint place) noexcept;

// Solar noon (upper transit) and solar midnight (lower transit) nearest to an instant.
site::SiteTime solar_noon(site::SiteTime near, GeoPoint place) noexcept;
site::SiteTime solar_midnight(site::SiteTime near, GeoPoint place) noexcept;

enum class NoCrossing { none, never_rises, never_sets };
std::string_view name(NoCrossing reason) noexcept;  // "", "never_rises", "never_sets"

struct Crossing {
    std::optional<site::SiteTime> at;
    NoCrossing reason = NoCrossing::none;  // why `at` is empty
};
// The sun climbs through the elevation between the midnight before and the noon `noon`; or sinks through it
// between that noon and the midnight after. never_rises: it stays below throughout; never_sets: above.
Crossing rise_before(site::SiteTime noon, double elevation_deg, GeoPoint place) noexcept;
Crossing set_after(site::SiteTime noon, double elevation_deg, GeoPoint place) noexcept;

}  // namespace sl::schedule
