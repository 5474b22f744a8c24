#include "gateway/local/view_parts.hpp"

#include "gateway/local/time_text.hpp"

#include <algorithm>

namespace sl::local {

using site::Phase;
using site::Quantity;

void write_time(json::Writer& out, std::string_view key, const std::optional<site::SiteTime>& t,
                const ApiContext& api) {
    out.key(key);
    if (t && *t != site::SiteTime{} && api.zone != nullptr) {
        out.value(iso_text(*t, *api.zone));
    } else {
        out.null();
    }
}

void write_value(json::Writer& out, std::string_view key, const site::Value& value, int decimals) {
    out.key(key);
    if (value.ok()) {
        out.value(value.value, decimals);
    } else {
        out.null();
    }
}

LampCounts count_lamps(const ApiContext& api, std::string_view feeder) {
    LampCounts counts;
    const auto& lamps = api.config->plant.lamps;
    for (std::size_t i = 0; i < lamps.size(); ++i) {
        if (!feeder.empty() && lamps[i].feeder != feeder) continue;
        const site::LampState& state = api.state->lamps[i];
        ++counts.total;
        ++counts.by_condition[static_cast<std::size_t>(condition_of(state))];
        if (state[Quantity::power_w].ok()) counts.power_w += state[Quantity::power_w].value;
        const site::Value& level = state[Quantity::level_pct];
        if (level.ok() && level.value > 0.0) ++counts.lit;
        if (!state.target) continue;
        const int wanted = state.target->percent();
        counts.level_min = std::min(counts.level_min.value_or(wanted), wanted);
        counts.level_max = std::max(counts.level_max.value_or(wanted), wanted);
    }
    return counts;
}

void write_counts(json::Writer& out, const LampCounts& counts) {
    out.begin_object().member("total", counts.total).member("lit", counts.lit);
    for (std::size_t i = 0; i < counts.by_condition.size(); ++i)
        out.member(name(static_cast<LampCondition>(i)), counts.by_condition[i]);
    out.end_object();
}

FeederPower feeder_power(const ApiContext& api, const site::Feeder& feeder, const LampCounts& counts) {
    FeederPower power{counts.power_w, false, nullptr};
    const auto& plant = api.config->plant;
    const auto users = std::count_if(plant.feeders.begin(), plant.feeders.end(), [&feeder](const auto& each) {
        return !feeder.meter.empty() && each.meter == feeder.meter;
    });
    if (users != 1) return power;
    for (std::size_t i = 0; i < plant.meters.size(); ++i)
        if (plant.meters[i].id == feeder.meter) power.meter = &api.state->meters[i];
    if (power.meter != nullptr && power.meter->at(Quantity::power_w).ok()) {
        power.watts = power.meter->at(Quantity::power_w).value;
        power.metered = true;
    }
    return power;
}

namespace {

// What the lamps on one phase say they draw; nothing when none says so.
std::optional<double> lamps_current_a(const ApiContext& api, const site::Feeder& feeder, Phase phase) {
    std::optional<double> sum;
    const auto& lamps = api.config->plant.lamps;
    for (std::size_t i = 0; i < lamps.size(); ++i) {
        if (lamps[i].feeder != feeder.id || lamps[i].phase != phase) continue;
        const site::Value& current = api.state->lamps[i][Quantity::current_a];
        if (current.ok()) sum = sum.value_or(0.0) + current.value;
    }
    return sum;
}

// By the feeder's own meter, else the sum of its lamps.
void write_currents(json::Writer& out, const ApiContext& api, const site::Feeder& feeder,
                    const site::MeterState* meter) {
    for (const auto& [key, phase] :
         {std::pair{"current_a_l1", Phase::l1}, {"current_a_l2", Phase::l2}, {"current_a_l3", Phase::l3}}) {
        if (meter != nullptr) {
            write_value(out, key, meter->at(Quantity::current_a, phase), 3);
            continue;
        }
        const auto sum = lamps_current_a(api, feeder, phase);
        out.key(key);
        if (sum) {
            out.value(*sum, 3);
        } else {
            out.null();
        }
    }
}

}  // namespace

void write_feeder(json::Writer& out, const ApiContext& api, std::size_t index) {
    const site::Feeder& feeder = api.config->plant.feeders[index];
    const site::FeederState& state = api.state->feeders[index];
    const LampCounts counts = count_lamps(api, feeder.id);
    const FeederPower power = feeder_power(api, feeder, counts);
    out.begin_object().member("id", feeder.id).member("name", feeder.name);
    out.member("kind", feeder.kind == site::FeederKind::switched ? "switched" : "always");
    out.member("contactor", feeder.contactor).member("meter", feeder.meter);
    out.member("wanted", state.wanted).member("energised", state.energised);
    write_time(out, "energised_since", state.energised ? std::optional{state.energised_since} : std::nullopt,
               api);
    out.member("held_off", state.held_off).member("source", site::name(state.source));
    for (const auto& [key, level] :
         {std::pair{"level_min_pct", counts.level_min}, {"level_max_pct", counts.level_max}}) {
        out.key(key);
        if (level) {
            out.value(*level);
        } else {
            out.null();
        }
    }
    out.key("lamps");
    write_counts(out, counts);
    out.key("power_w").value(power.watts, 1).member("power_by", power.metered ? "meter" : "lamps");
    write_currents(out, api, feeder, power.meter);
    out.end_object();
}

}  // namespace sl::local
