#include "gateway/northbound/meta.hpp"

#include "gateway/json/writer.hpp"

#include <algorithm>
#include <array>

namespace sl::northbound {
namespace {

constexpr std::size_t lamps_per_page = 100;

std::string_view word(site::FeederKind kind) {
    return kind == site::FeederKind::always ? "always" : "switched";
}
std::string_view word(site::DeadState state) {
    constexpr std::array<std::string_view, 3> words{"off", "on", "astro_timer"};
    return words.at(static_cast<std::size_t>(state));
}
std::string_view word(site::RoadClass road) {
    constexpr std::array<std::string_view, 6> words{"express", "main",        "secondary",
                                                    "branch",  "residential", "other"};
    return words.at(static_cast<std::size_t>(road));
}
std::string_view word(site::InputRole role) {
    constexpr std::array<std::string_view, 4> words{"report", "local_manual", "door", "leakage_trip"};
    return words.at(static_cast<std::size_t>(role));
}
std::string_view word(site::FailsafeKind kind) {
    constexpr std::array<std::string_view, 4> words{"none", "fixed_level", "profile_since_power_on",
                                                    "stored_schedule"};
    return words.at(static_cast<std::size_t>(kind));
}
std::string_view phase_word(site::Phase phase) {
    const auto with_bar = suffix(phase);
    return with_bar.empty() ? with_bar : with_bar.substr(1);
}

void optional_member(json::Writer& w, std::string_view key, const std::string& text) {
    if (!text.empty()) w.member(key, text);
}

// Resolution of a meter's energy register in Wh: one count of it, times the transformers. 0 = not known.
std::int64_t step_wh(const site::Config& config, const site::Device& meter) {
    const auto model = config.models.find(meter.model);
    if (model == config.models.end()) return 0;
    for (const auto& point : model->second.points) {
        if (point.quantity != site::Quantity::energy_wh || point.phase != site::Phase::none) continue;
        return std::max<std::int64_t>(
            1, point.scale.num * meter.ct_ratio / std::max<std::int64_t>(1, point.scale.den));
    }
    return 0;
}

void feeders(json::Writer& w, const site::Config& config) {
    w.key("feeders").begin_array();
    for (const auto& f : config.plant.feeders) {
        w.begin_object().member("id", f.id).member("name", f.name).member("type", word(f.kind));
        optional_member(w, "contactor", f.contactor);
        optional_member(w, "meter", f.meter);
        w.key("phases").begin_array();
        for (const auto phase : f.phases)
            w.value(phase_word(phase));
        w.end_array().member("other_loads_w", f.other_loads_w);
        if (f.failsafe) {
            w.key("failsafe").begin_object().member("level_pct", f.failsafe->percent());
            w.member("after_s", static_cast<std::int64_t>(f.failsafe_after.count())).end_object();
        }
        w.end_object();
    }
    w.end_array();
}

void cabinet(json::Writer& w, const site::Config& config) {
    w.key("contactors").begin_array();
    for (const auto& c : config.plant.contactors) {
        w.begin_object().member("id", c.id).member("name", c.name).member("dead_state", word(c.dead_state));
        w.member("aux", !c.aux_module.empty()).end_object();
    }
    w.end_array().key("inputs").begin_array();
    for (const auto& i : config.plant.inputs)
        w.begin_object().member("id", i.id).member("name", i.name).member("role", word(i.role)).end_object();
    w.end_array().key("meters").begin_array();
    for (const auto& m : config.plant.meters) {
        w.begin_object().member("id", m.id).member("name", m.name).member("model", m.model);
        optional_member(w, "serial", m.serial);
        w.member("ct_ratio", m.ct_ratio);
        if (const auto step = step_wh(config, m); step > 0) w.member("step_wh", step);
        w.end_object();
    }
    w.end_array().key("groups").begin_array();
    for (const auto& g : config.groups)
        w.begin_object().member("id", g.id).member("name", g.name).end_object();
    w.end_array();
}

// Capabilities of the lamp models in use.
void models(json::Writer& w, const site::Config& config) {
    w.key("models").begin_array();
    for (const auto& [id, model] : config.models) {
        if (model.kind != site::DeviceKind::lamp) continue;
        std::vector<std::string_view> can;
        for (const auto& point : model.points)
            can.push_back(name(point.quantity));
        std::sort(can.begin(), can.end());
        can.erase(std::unique(can.begin(), can.end()), can.end());
        w.begin_object().member("id", id).member("failsafe", word(model.failsafe));
        w.member("broadcast", model.broadcast).key("can").begin_array();
        for (const auto quantity : can)
            w.value(quantity);
        w.end_array().end_object();
    }
    w.end_array();
}

void rights(json::Writer& w, const site::Config& config) {
    w.key("principals").begin_array();
    for (const auto& p : config.mqtt.principals) {
        w.begin_object().member("id", p.id).key("ops").begin_array();
        for (const auto& op : p.ops)
            w.value(op);
        w.end_array().member("admin", p.admin).member("all_targets", !p.targets);
        w.member("max_hold_s", static_cast<std::int64_t>(p.max_hold.count())).end_object();
    }
    w.end_array();
}

void vocabulary(json::Writer& w, std::span<const site::Op> executable) {
    w.key("ops").begin_array();
    for (const auto op : executable)
        w.value(name(op));
    w.end_array().key("columns").begin_object();
    for (const auto& set : column_sets()) {
        w.key(set.cs).begin_array();
        for (const auto column : set.columns)
            w.value(column);
        w.end_array();
    }
    // Units are the last part of a name; these are the ones that a name does not tell by itself.
    w.end_object().key("units").begin_object();
    w.member("_pct", "percent").member("_w", "W").member("_v", "V").member("_a", "A").member("_va", "VA");
    w.member("_var", "var").member("_hz", "Hz").member("_wh", "Wh").member("_ma", "mA").member("_c", "Cel");
    w.member("_s", "s").member("_ms", "ms").end_object();
}

std::string lamp_entry(const site::Lamp& l) {
    std::string out;
    json::Writer w{out};
    w.begin_object().member("id", l.id);
    optional_member(w, "name", l.name);
    w.member("pole", l.pole).member("head", static_cast<int>(l.head)).member("feeder", l.feeder);
    if (l.phase != site::Phase::none) w.member("phase", phase_word(l.phase));
    w.member("order", l.order);
    if (l.branch != 0) w.member("branch", l.branch);
    w.member("model", l.model);
    optional_member(w, "class", l.lamp_class);
    w.member("rated_w", l.rated_w).member("road", word(l.road_class));
    if (l.latitude && l.longitude) w.member("lat", *l.latitude).member("lon", *l.longitude);
    if (!l.tags.empty()) {
        w.key("tags").begin_array();
        for (const auto& tag : l.tags)
            w.value(tag);
        w.end_array();
    }
    optional_member(w, "serial", l.serial);
    w.end_object();
    return out;
}

std::vector<std::string> lamp_lists(const site::Config& config, std::size_t room) {
    std::vector<std::string> lists;
    std::size_t count = 0;
    for (const auto& lamp : config.plant.lamps) {
        auto entry = lamp_entry(lamp);
        const bool full =
            count == lamps_per_page || (!lists.empty() && lists.back().size() + entry.size() > room);
        if (lists.empty() || full) {
            lists.emplace_back();
            count = 0;
        }
        if (count++ > 0) lists.back() += ',';
        lists.back() += entry;
    }
    return lists;
}

}  // namespace

std::vector<std::string> meta_pages(const site::Config& config, std::span<const site::Op> executable,
                                    BodyLimits limits) {
    const auto room = std::max<std::size_t>(limits.max_record_bytes, 1'024) - envelope_bytes - 64;
    const auto lists = lamp_lists(config, room);
    const auto count = static_cast<std::int64_t>(lists.size() + 1);
    std::vector<std::string> pages(1);
    json::Writer w{pages[0]};
    w.member("page", 1).member("pages", count).member("name", config.place.name);
    w.member("zone", config.place.timezone).member("lat", config.place.latitude);
    w.member("lon", config.place.longitude)
        .member("lamp_count", static_cast<std::int64_t>(config.plant.lamps.size()));
    feeders(w, config);
    cabinet(w, config);
    models(w, config);
    rights(w, config);
    vocabulary(w, executable);
    for (const auto& list : lists) {
        auto& page = pages.emplace_back();
        json::Writer more{page};
        more.member("page", static_cast<std::int64_t>(pages.size())).member("pages", count);
        more.key("lamps").raw("[" + list + "]");
    }
    return pages;
}

}  // namespace sl::northbound
