#include "gateway/northbound/bodies.hpp"

#include "gateway/json/writer.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace sl::northbound {
namespace {

using site::Phase;
using site::Quality;
using site::Quantity;
using site::SiteTime;

Rows& age(Rows& rows, SiteTime read, SiteTime ts) {
    if (read == SiteTime{}) return rows.null();
    return rows.integer(std::max<std::int64_t>(0, (ts - read).count()));
}

Quality quality_of(const site::LampState& lamp) {
    if (!lamp.powered) return Quality::no_power;
    if (!lamp.online) return Quality::no_reply;
    return lamp.misses > 0 ? Quality::stale : Quality::ok;
}
template <typename Device>
Quality quality_of(const Device& device) {
    if (!device.online) return Quality::no_reply;
    return device.misses > 0 ? Quality::stale : Quality::ok;
}

// What a contact or an input says is as good as the answers of the module it is wired to.
struct Wired {
    Quality quality = Quality::ok;
    std::optional<SiteTime> read;  // nullopt: no such module
};
Wired wired(const site::Config& config, const site::SiteState& state, const std::string& module) {
    for (std::size_t i = 0; i < config.plant.modules.size() && i < state.modules.size(); ++i) {
        if (config.plant.modules[i].id == module)
            return {quality_of(state.modules[i]), state.modules[i].last_answer};
    }
    return {};
}

Rows& head(Rows& rows, const std::string& id, SiteTime read, SiteTime ts, Quality quality) {
    rows.text(id);
    return age(rows, read, ts).text(name(quality));
}

std::string fault_names(std::uint32_t faults) {
    std::string out;
    json::Writer w{out};
    w.begin_array();
    for (std::uint32_t bit = 0; bit < static_cast<std::uint32_t>(site::FaultBit::count_); ++bit) {
        if ((faults >> bit & 1U) != 0) w.value(name(static_cast<site::FaultBit>(bit)));
    }
    w.end_array();
    return out;
}

std::vector<std::size_t> all(std::size_t count) {
    std::vector<std::size_t> out(count);
    std::iota(out.begin(), out.end(), std::size_t{0});
    return out;
}

void move_to(Bodies& out, Bodies more) {
    std::move(more.begin(), more.end(), std::back_inserter(out));
}

void lamp_state_row(Rows& rows, const std::string& id, const site::LampState& lamp, SiteTime ts) {
    head(rows, id, lamp.last_answer, ts, quality_of(lamp)).flag(lamp.online);
    rows.value(lamp[Quantity::on], 0);
    if (lamp.target) {
        rows.integer(lamp.target->percent());
    } else {
        rows.null();
    }
    rows.value(lamp[Quantity::level_pct], 0).text(name(lamp.source)).integer(lamp.confirmed);
    rows.raw(lamp.faults == 0 ? "[]" : fault_names(lamp.faults));
    rows.end_row();
}

Rows lamp_states(const site::Config& config, const site::SiteState& state, Indices lamps, SiteTime ts,
                 BodyLimits limits) {
    Rows rows{column_set("lamp.state.1"), limits};
    for (const auto i : lamps)
        lamp_state_row(rows, config.plant.lamps.at(i).id, state.lamps.at(i), ts);
    return rows;
}

}  // namespace

Bodies lamp_telemetry_bodies(const site::Config& config, const site::SiteState& state, Indices lamps,
                             SiteTime ts, BodyLimits limits) {
    Rows rows{column_set("lamp.1"), limits};
    for (const auto i : lamps) {
        const auto& lamp = state.lamps.at(i);
        head(rows, config.plant.lamps.at(i).id, lamp.last_answer, ts, quality_of(lamp));
        rows.value(lamp[Quantity::power_w], 1).value(lamp[Quantity::voltage_v], 1);
        rows.value(lamp[Quantity::current_a], 3).value(lamp[Quantity::power_factor], 3);
        rows.value(lamp[Quantity::energy_wh], 0).value(lamp[Quantity::burning_s], 0);
        rows.value(lamp[Quantity::switch_count], 0).value(lamp[Quantity::temperature_c], 1);
        rows.value(lamp[Quantity::leakage_ma], 1);
        rows.end_row();
    }
    return rows.finish();
}

Bodies meter_telemetry_bodies(const site::Config& config, const site::SiteState& state, Indices meters,
                              SiteTime ts, BodyLimits limits) {
    Rows rows{column_set("meter.1"), limits};
    constexpr std::array phases{Phase::l1, Phase::l2, Phase::l3};
    for (const auto i : meters) {
        const auto& m = state.meters.at(i);
        head(rows, config.plant.meters.at(i).id, m.last_answer, ts, quality_of(m));
        rows.value(m.at(Quantity::power_w), 1);
        for (const auto p : phases)
            rows.value(m.at(Quantity::power_w, p), 1);
        for (const auto p : phases)
            rows.value(m.at(Quantity::voltage_v, p), 1);
        for (const auto p : phases)
            rows.value(m.at(Quantity::current_a, p), 3);
        rows.value(m.at(Quantity::current_a, Phase::n), 3).value(m.at(Quantity::power_factor), 3);
        rows.value(m.at(Quantity::frequency_hz), 2).value(m.at(Quantity::reactive_var), 1);
        rows.value(m.at(Quantity::apparent_va), 1).value(m.at(Quantity::energy_wh), 0);
        rows.value(m.at(Quantity::energy_reverse_wh), 0);
        rows.end_row();
    }
    return rows.finish();
}

Bodies lamp_state_bodies(const site::Config& config, const site::SiteState& state, Indices lamps, SiteTime ts,
                         BodyLimits limits) {
    return lamp_states(config, state, lamps, ts, limits).finish();
}

// What the gateway itself commands is known now; its age is 0.
Bodies feeder_state_bodies(const site::Config& config, const site::SiteState& state, Indices feeders,
                           SiteTime ts, BodyLimits limits) {
    Rows rows{column_set("feeder.state.1"), limits};
    for (const auto i : feeders) {
        const auto& f = state.feeders.at(i);
        head(rows, config.plant.feeders.at(i).id, ts, ts, Quality::ok);
        rows.flag(f.energised).flag(f.wanted).flag(f.held_off).text(name(f.source));
        rows.end_row();
    }
    return rows.finish();
}

Bodies contactor_state_bodies(const site::Config& config, const site::SiteState& state, Indices contactors,
                              SiteTime ts, BodyLimits limits) {
    Rows rows{column_set("contactor.state.1"), limits};
    for (const auto i : contactors) {
        const auto& c = state.contactors.at(i);
        const std::string& aux_module = config.plant.contactors.at(i).aux_module;
        const auto quality = aux_module.empty() ? Quality::unsupported
                             : c.aux            ? wired(config, state, aux_module).quality
                                                : Quality::no_reply;
        head(rows, config.plant.contactors.at(i).id, c.aux ? c.aux_at : SiteTime{}, ts, quality)
            .flag(c.commanded);
        if (c.aux) {
            rows.flag(*c.aux);
        } else {
            rows.null();
        }
        rows.integer(c.operations).end_row();
    }
    return rows.finish();
}

Bodies input_state_bodies(const site::Config& config, const site::SiteState& state, Indices inputs,
                          SiteTime ts, BodyLimits limits) {
    Rows rows{column_set("input.state.1"), limits};
    for (const auto i : inputs) {
        const auto& in = state.inputs.at(i);
        rows.text(config.plant.inputs.at(i).id);
        if (in.active) {
            const Wired source = wired(config, state, config.plant.inputs.at(i).module);
            age(rows, source.read.value_or(ts), ts).text(name(source.quality));
            rows.flag(*in.active).integer(site::to_ms(in.since));
        } else {
            rows.null().text(name(Quality::no_reply)).null().null();
        }
        rows.end_row();
    }
    return rows.finish();
}

Bodies meter_state_bodies(const site::Config& config, const site::SiteState& state, Indices meters,
                          SiteTime ts, BodyLimits limits) {
    Rows rows{column_set("meter.state.1"), limits};
    for (const auto i : meters) {
        const auto& m = state.meters.at(i);
        head(rows, config.plant.meters.at(i).id, m.last_answer, ts, quality_of(m)).flag(m.online);
        rows.end_row();
    }
    return rows.finish();
}

Bodies snapshot_bodies(const site::Config& config, const site::SiteState& state, SiteTime ts,
                       BodyLimits limits, const std::string& requester) {
    Bodies out;
    const auto& p = config.plant;
    move_to(out, feeder_state_bodies(config, state, all(p.feeders.size()), ts, limits));
    move_to(out, contactor_state_bodies(config, state, all(p.contactors.size()), ts, limits));
    move_to(out, input_state_bodies(config, state, all(p.inputs.size()), ts, limits));
    move_to(out, meter_state_bodies(config, state, all(p.meters.size()), ts, limits));
    std::string tail;
    json::Writer w{tail};
    w.member("snap_end", true);
    if (!requester.empty()) w.member("snap_id", requester);
    move_to(out, lamp_states(config, state, all(p.lamps.size()), ts, limits).finish(tail));
    return out;
}

void append_target(std::string& out, const site::Target& target) {
    json::Writer w{out};
    w.begin_object();
    if (target.kind == site::Target::Kind::all) {
        w.member("all", true);
    } else {
        w.key(target.kind == site::Target::Kind::lamps    ? "lamps"
              : target.kind == site::Target::Kind::groups ? "groups"
                                                          : "feeders");
        w.begin_array();
        for (const auto& id : target.ids)
            w.value(id);
        w.end_array();
    }
    w.end_object();
}

std::string group_state_body(std::span<const GroupState> groups) {
    std::string out;
    json::Writer w{out};
    w.key("set").begin_array();
    for (const auto& g : groups) {
        std::string target;
        append_target(target, g.target);
        w.begin_object()
            .key("target")
            .raw(target)
            .member("on", g.on ? 1 : 0)
            .member("level_pct", g.level_pct);
        w.member("source", name(g.source)).member("confirmed", g.confirmed).key("except").begin_array();
        for (const auto& [id, quality] : g.except)
            w.begin_array().value(id).value(name(quality)).end_array();
        w.end_array().end_object();
    }
    w.end_array();
    return out;
}

Bodies interval_bodies(std::span<const IntervalRow> intervals, BodyLimits limits) {
    Rows rows{column_set("interval.1"), limits};
    const auto optional_text = [&rows](const std::string& text) {
        if (text.empty()) {
            rows.null();
        } else {
            rows.text(text);
        }
    };
    for (const auto& i : intervals) {
        rows.text(i.object).integer(site::to_ms(i.from)).integer(site::to_ms(i.to));
        if (i.wh) {
            rows.integer(*i.wh);
        } else {
            rows.null();
        }
        optional_text(i.register_from);
        optional_text(i.register_to);
        std::string flags;
        json::Writer w{flags};
        w.begin_array();
        for (const auto& flag : i.flags)
            w.value(flag);
        w.end_array();
        rows.text(i.method).integer(i.coverage_pct).raw(flags).end_row();
    }
    return rows.finish();
}

}  // namespace sl::northbound
