// What the street looks like when the gateway is dead (lighting-safety rule 4): each feeder is worked out
// from its contactor's dead_state, its lamps' fail-safe kind and its failsafe level. A main road that may be
// dark, and lamps that may burn by day, are refused unless the feeder accepts it in so many words.
#include "gateway/settings/draft.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {
namespace {

enum class Power : std::uint8_t { off, on, by_night };

struct Outcome {
    std::string dark, lit;  // why; empty = cannot happen
};

Power power_when_dead(const site::Feeder& feeder, const site::Contactor* contactor) {
    if (feeder.kind == site::FeederKind::always || contactor == nullptr) return Power::on;
    switch (contactor->dead_state) {
        case site::DeadState::off:
            return Power::off;
        case site::DeadState::on:
            return Power::on;
        case site::DeadState::astro_timer:
            break;
    }
    return Power::by_night;
}

Outcome with_fixed_level(const site::Feeder& feeder, Power power) {
    Outcome out;
    if (!feeder.failsafe) {
        out.dark = "failsafe is \"none\", so nobody knows the level set in the controllers";
        if (power == Power::on) out.lit = out.dark;
    } else if (!feeder.failsafe->is_on()) {
        out.dark = "its lamps fall back to level 0";
    } else if (power == Power::on) {
        out.lit =
            fmt::format("its power stays on and its lamps fall back to {} %", feeder.failsafe->percent());
    }
    return out;
}

Outcome work_out(const site::Feeder& feeder, Power power, site::FailsafeKind kind) {
    Outcome out;
    if (power == Power::off) {
        out.dark = fmt::format("contactor \"{}\" opens (dead_state = \"off\")", feeder.contactor);
        return out;
    }
    switch (kind) {
        case site::FailsafeKind::fixed_level:
            return with_fixed_level(feeder, power);
        case site::FailsafeKind::none:
            out.dark = "its controllers have no fail-safe and keep the level of that moment";
            if (power == Power::on) out.lit = out.dark;
            break;
        case site::FailsafeKind::profile_since_power_on:
            if (power == Power::on)
                out.lit = "its controllers run a profile since power-on and the power stays on";
            break;
        case site::FailsafeKind::stored_schedule:
            break;
    }
    return out;
}

struct FeederLamps {
    bool any = false;
    Outcome outcome;
    std::string road_lamp;  // a lamp of an express or main road that may be dark
};

FeederLamps look_at_lamps(const Draft& draft, const site::Feeder& feeder, Power power) {
    FeederLamps out;
    for (const auto& lamp : draft.config.plant.lamps) {
        if (lamp.feeder != feeder.id) continue;
        out.any = true;
        const auto model = draft.config.models.find(lamp.model);
        if (model == draft.config.models.end()) continue;
        const auto outcome = work_out(feeder, power, model->second.failsafe);
        const bool road =
            lamp.road_class == site::RoadClass::express || lamp.road_class == site::RoadClass::main;
        if (road && !outcome.dark.empty() && out.road_lamp.empty()) {
            out.road_lamp = lamp.id;
            out.outcome.dark = outcome.dark;
        }
        if (out.outcome.lit.empty()) out.outcome.lit = outcome.lit;
    }
    return out;
}

}  // namespace

void check_safety(const Draft& draft, Report& report) {
    const auto& plant = draft.config.plant;
    for (std::size_t i = 0; i < plant.feeders.size(); ++i) {
        const auto& feeder = plant.feeders[i];
        const auto& mark = draft.feeders[i];
        const auto& note = draft.feeder_notes[i];
        const auto contactor = std::find_if(plant.contactors.begin(), plant.contactors.end(),
                                            [&](const auto& k) { return k.id == feeder.contactor; });
        const bool switched = feeder.kind == site::FeederKind::switched;
        if (switched && contactor == plant.contactors.end()) continue;  // reported elsewhere
        const auto lamps = look_at_lamps(
            draft, feeder,
            power_when_dead(feeder, contactor == plant.contactors.end() ? nullptr : &*contactor));
        if (lamps.any && !note.failsafe_stated) {
            report.error(
                mark.header,
                fmt::format("feeder \"{}\" does not say what its lamps do when they hear nothing", feeder.id),
                "failsafe = 100, another level, or \"none\"; nothing is assumed");
            continue;
        }
        if (!lamps.road_lamp.empty() && !note.accept_dark) {
            report.error(
                mark.of("failsafe"),
                fmt::format(
                    "when the gateway is dead, feeder \"{}\" leaves a main road dark (lamp \"{}\"): {}",
                    feeder.id, lamps.road_lamp, lamps.outcome.dark),
                "dead_state = \"astro-timer\" with failsafe above 0, or accept = [\"dark-when-dead\"]");
        }
        if (!lamps.outcome.lit.empty() && !note.accept_lit) {
            report.error(mark.of("failsafe"),
                         fmt::format("when the gateway is dead, feeder \"{}\" burns by day: {}", feeder.id,
                                     lamps.outcome.lit),
                         "dead_state = \"astro-timer\", or accept = [\"lit-by-day-when-dead\"]");
        }
    }
}

}  // namespace sl::settings
