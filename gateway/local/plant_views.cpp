#include "gateway/local/time_text.hpp"
#include "gateway/local/view_parts.hpp"
#include "gateway/local/views.hpp"

#include <algorithm>

namespace sl::local {
namespace {

using json::Writer;
using site::Phase;
using site::Quantity;

std::int64_t age_ms(const ApiContext& api, site::SiteTime t) {
    return std::max<std::int64_t>(0, (api.now() - t).count());
}

// Energy and counters are whole numbers; the rest is shown as fine as any device measures it.
int decimals_of(Quantity quantity) {
    const bool whole = quantity == Quantity::energy_wh || quantity == Quantity::energy_reverse_wh ||
                       quantity == Quantity::burning_s || quantity == Quantity::switch_count;
    return whole ? 0 : 3;
}

void write_faults(Writer& out, std::uint32_t faults) {
    out.key("faults").begin_array();
    for (std::uint8_t bit = 0; bit < static_cast<std::uint8_t>(site::FaultBit::count_); ++bit)
        if ((faults >> bit & 1U) != 0U) out.value(site::name(static_cast<site::FaultBit>(bit)));
    out.end_array();
}

void write_answer_age(Writer& out, const ApiContext& api, site::SiteTime last_answer) {
    out.key("age_ms");
    if (last_answer == site::SiteTime{}) {
        out.null();
    } else {
        out.value(age_ms(api, last_answer));
    }
}

// The members of a lamp that a list shows.
void write_lamp_row(Writer& out, const ApiContext& api, std::size_t index) {
    const site::Lamp& lamp = api.config->plant.lamps[index];
    const site::LampState& state = api.state->lamps[index];
    out.member("id", lamp.id)
        .member("name", lamp.name)
        .member("pole", lamp.pole)
        .member("feeder", lamp.feeder);
    const auto phase = site::suffix(lamp.phase);
    out.member("phase", phase.empty() ? phase : phase.substr(1)).member("order", lamp.order);
    out.member("rated_w", lamp.rated_w);
    out.member("state", name(condition_of(state)))
        .member("online", state.online)
        .member("powered", state.powered);
    write_answer_age(out, api, state.last_answer);
    out.key("target_pct");
    if (state.target) {
        out.value(state.target->percent());
    } else {
        out.null();
    }
    write_value(out, "level_pct", state[Quantity::level_pct], 1);
    out.member("source", site::name(state.source)).member("confirmed", state.confirmed);
    for (const Quantity quantity :
         {Quantity::power_w, Quantity::voltage_v, Quantity::current_a, Quantity::power_factor,
          Quantity::energy_wh, Quantity::burning_s, Quantity::temperature_c})
        write_value(out, site::name(quantity), state[quantity], decimals_of(quantity));
    write_faults(out, state.faults);
}

void write_one_value(Writer& out, const ApiContext& api, Quantity quantity, const site::Value& value) {
    out.begin_object().key("value");
    // A number nobody vouches for is not shown as one.
    if (value.quality == site::Quality::unsupported || value.quality == site::Quality::unknown) {
        out.null();
    } else {
        out.value(value.value, decimals_of(quantity));
    }
    out.member("quality", site::name(value.quality)).key("age_ms").value(age_ms(api, value.at));
    out.end_object();
}

void write_lamp_place(Writer& out, const site::Lamp& lamp) {
    out.member("head", static_cast<int>(lamp.head)).member("line", lamp.line).member("address", lamp.address);
    out.member("model", lamp.model).member("lamp_class", lamp.lamp_class).member("branch", lamp.branch);
    out.member("serial", lamp.serial).member("installed", lamp.installed);
    out.key("tags").begin_array();
    for (const std::string& tag : lamp.tags)
        out.value(tag);
    out.end_array();
    for (const auto& [key, degrees] : {std::pair{"latitude", lamp.latitude}, {"longitude", lamp.longitude}}) {
        out.key(key);
        if (degrees) {
            out.value(*degrees, 7);
        } else {
            out.null();
        }
    }
}

void write_meter(Writer& out, const ApiContext& api, std::size_t index) {
    const site::Device& meter = api.config->plant.meters[index];
    const site::MeterState& state = api.state->meters[index];
    out.begin_object().member("id", meter.id).member("name", meter.name).member("model", meter.model);
    out.member("line", meter.line).member("address", meter.address).member("serial", meter.serial);
    out.member("online", state.online).member("ct_ratio", meter.ct_ratio);
    write_answer_age(out, api, state.last_answer);
    for (std::size_t q = 0; q < state.values.size(); ++q) {
        for (std::size_t p = 0; p < state.values[q].size(); ++p) {
            const auto quantity = static_cast<Quantity>(q);
            const site::Value& value = state.values[q][p];
            if (value.quality == site::Quality::unknown) continue;
            std::string key{site::name(quantity)};
            key += site::suffix(static_cast<Phase>(p));
            write_value(out, key, value, decimals_of(quantity));
        }
    }
    out.end_object();
}

template <typename Items, typename Write>
std::string array_json(const char* key, const Items& items, Write write) {
    std::string text;
    Writer out(text);
    out.begin_object().key(key).begin_array();
    for (std::size_t i = 0; i < items.size(); ++i)
        write(out, i);
    out.end_array().end_object();
    text += '\n';
    return text;
}

constexpr std::array<std::string_view, 3> dead_states{"off", "on", "astro_timer"};
constexpr std::array<std::string_view, 4> roles{"report", "local_manual", "door", "leakage_trip"};

void write_optional(Writer& out, std::string_view key, const std::optional<bool>& flag) {
    out.key(key);
    if (flag) {
        out.value(*flag);
    } else {
        out.null();
    }
}

}  // namespace

std::string lamps_json(const ApiContext& api, const Selection& selection) {
    return array_json("lamps", selection.lamps, [&](Writer& out, std::size_t i) {
        out.begin_object();
        write_lamp_row(out, api, selection.lamps[i]);
        out.end_object();
    });
}

std::string lamp_json(const ApiContext& api, std::size_t lamp) {
    const site::LampState& state = api.state->lamps[lamp];
    std::string text;
    Writer out(text);
    out.begin_object();
    write_lamp_row(out, api, lamp);
    write_lamp_place(out, api.config->plant.lamps[lamp]);
    out.member("misses", state.misses).key("values").begin_object();
    for (std::size_t q = 0; q < state.values.size(); ++q) {
        if (state.values[q].quality == site::Quality::unknown) continue;
        out.key(site::name(static_cast<Quantity>(q)));
        write_one_value(out, api, static_cast<Quantity>(q), state.values[q]);
    }
    out.end_object().end_object();
    return text += '\n';
}

std::string feeders_json(const ApiContext& api) {
    return array_json("feeders", api.config->plant.feeders,
                      [&api](Writer& out, std::size_t i) { write_feeder(out, api, i); });
}

std::string meters_json(const ApiContext& api) {
    return array_json("meters", api.config->plant.meters,
                      [&api](Writer& out, std::size_t i) { write_meter(out, api, i); });
}

std::string contactors_json(const ApiContext& api) {
    return array_json("contactors", api.config->plant.contactors, [&api](Writer& out, std::size_t i) {
        const site::Contactor& contactor = api.config->plant.contactors[i];
        const site::ContactorState& state = api.state->contactors[i];
        out.begin_object().member("id", contactor.id).member("name", contactor.name);
        out.member("module", contactor.module).member("channel", static_cast<int>(contactor.channel));
        out.member("commanded", state.commanded);
        write_optional(out, "aux", state.aux);
        write_time(out, "changed", state.changed, api);
        out.member("operations", state.operations);
        out.member("dead_state", dead_states.at(static_cast<std::size_t>(contactor.dead_state))).end_object();
    });
}

std::string inputs_json(const ApiContext& api) {
    return array_json("inputs", api.config->plant.inputs, [&api](Writer& out, std::size_t i) {
        const site::Input& input = api.config->plant.inputs[i];
        const site::InputState& state = api.state->inputs[i];
        out.begin_object().member("id", input.id).member("name", input.name);
        out.member("module", input.module).member("channel", static_cast<int>(input.channel));
        out.member("role", roles.at(static_cast<std::size_t>(input.role)));
        write_optional(out, "active", state.active);
        write_time(out, "since", state.since, api);
        out.end_object();
    });
}

}  // namespace sl::local
