// When and how bright: profiles over one night, their assignment, and the sun rules. Plain data from the
// configuration.
#pragma once

#include "gateway/site/level.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sl::site {

// The instant of a step. Local clock times may exceed 24:00 no further than the noon that ends the lighting
// night.
struct ClockPoint {
    std::chrono::minutes local{0};
};                                                                   // "23:00"
enum class SunEvent : std::uint8_t { dusk, dawn, sunset, sunrise };  // dusk and dawn are those of [astro]
struct SunPoint {
    SunEvent event = SunEvent::dusk;
    std::chrono::minutes offset{0};
};  // "dusk - 10m"
using StepAt = std::variant<ClockPoint, SunPoint>;

struct Step {
    StepAt at;
    Level level;
    std::chrono::seconds fade{0};
};

struct Profile {
    std::string id, name;
    std::vector<Step> steps;  // in the order of a night from noon to noon
};

// Which lamps a rule or a command means; evaluated live against the plant.
struct Selector {
    enum class Kind : std::uint8_t {
        all,
        lamps,
        feeder,
        tag,
        phase,
        road_class,
        pole_modulo
    } kind = Kind::all;
    std::vector<std::string> values;  // ids, tags
    int modulo = 0, remainder = 0;    // pole%2=1
};

struct Group {
    std::string id, name;
    Selector select;
};

struct ScheduleRule {
    std::string id;
    int priority = 0;   // the highest that matches wins
    std::string group;  // a group id, or "all"
    std::string profile;
    std::string calendar;  // empty: every night
};

// Lighting nights on which a rule holds: the night that begins on that local date.
struct Calendar {
    std::string id;
    std::vector<std::pair<std::chrono::year_month_day, std::chrono::year_month_day>> ranges;  // inclusive
};

// How dusk and dawn are defined and how far they may go wrong (guard rails are local times of day).
struct Astro {
    double elevation_deg = -6.0;  // sun centre; "sun" = -0.8333, "civil" = -6
    std::chrono::minutes on_offset{0}, off_offset{0};
    std::optional<std::chrono::minutes> earliest_on, latest_on, earliest_off, latest_off;
};

}  // namespace sl::site
