// One profile over one night: when the level changes.
#pragma once

#include "gateway/schedule/night.hpp"
#include "gateway/site/plan.hpp"
#include "gateway/site/time.hpp"

#include <chrono>
#include <vector>

namespace sl::schedule {

struct SwitchPoint {
    site::SiteTime at;
    site::Level level;
    std::chrono::seconds fade{0};
    int step = -1;  // index into Profile::steps; -1 = the start of the night, before any step
};

// The points of a night in order of time, no two at one instant; the first stands at night.begin. Each step
// has one instant (a clock time in the hour that a zone skips happens at the jump, one in the repeated hour
// the first time), then:
//   a step written after an evening step (dusk, sunset) waits for it: a 23:00 step in a night that gets dark
//   at 23:30 gives the level of dusk;
//   a step written before a morning step (dawn, sunrise) and not earlier than it is left out;
//   of steps at one instant the last written counts.
// A night without dark part therefore has no lit part, unless the profile opens and ends by the clock.
std::vector<SwitchPoint> plan_profile(const site::Profile& profile, const Night& night,
                                      const site::Zone& zone);

// The point in force at `t` (night.begin <= t).
std::size_t point_at(const std::vector<SwitchPoint>& points, site::SiteTime t) noexcept;

}  // namespace sl::schedule
