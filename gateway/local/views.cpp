#include "gateway/local/views.hpp"

#include "gateway/local/time_text.hpp"
#include "gateway/local/view_parts.hpp"

#include <algorithm>

namespace sl::local {
namespace {

using json::Writer;

void write_clock(Writer& out, const ApiContext& api) {
    const auto quality = api.clock_quality ? api.clock_quality() : site::TimeQuality::none;
    out.key("clock").begin_object();
    out.member("quality", site::name(quality)).member("trusted", site::trusted(quality)).end_object();
}

void write_night(Writer& out, const ApiContext& api) {
    out.key("night");
    if (!api.night) {
        out.null();
        return;
    }
    const NightInfo info = api.night();
    out.begin_object().member("phase", info.night ? "night" : "day");
    write_time(out, "on_at", info.on_at, api);
    out.member("on_reason", info.on_reason);
    write_time(out, "off_at", info.off_at, api);
    out.member("off_reason", info.off_reason);
    write_time(out, "next_change", info.next_change, api);
    out.end_object();
}

void write_alarm_counts(Writer& out, const ApiContext& api) {
    out.key("alarms");
    if (!api.alarms) {
        out.null();
        return;
    }
    const auto alarms = api.alarms();
    const auto open =
        std::count_if(alarms.begin(), alarms.end(), [](const ActiveAlarm& a) { return !a.acknowledged; });
    const auto worst = std::max_element(alarms.begin(), alarms.end(), [](const auto& a, const auto& b) {
        return site::severity(a.alarm.code) < site::severity(b.alarm.code);
    });
    out.begin_object()
        .member("active", alarms.size())
        .member("unacknowledged", static_cast<std::int64_t>(open));
    out.key("worst");
    if (worst == alarms.end()) {
        out.null();
    } else {
        out.value(site::name(site::severity(worst->alarm.code)));
    }
    out.end_object();
}

void write_uplink(Writer& out, const ApiContext& api) {
    out.key("uplink");
    if (!api.uplink) {
        out.null();
        return;
    }
    const UplinkInfo info = api.uplink();
    out.begin_object().member("enabled", info.enabled).member("connected", info.connected);
    write_time(out, "since", info.since, api);
    out.member("reason", info.reason).end_object();
}

void write_outbox(Writer& out, const ApiContext& api) {
    if (!api.outbox) {
        out.null();
        return;
    }
    const OutboxInfo info = api.outbox();
    std::int64_t pending = 0;
    for (const StreamInfo& stream : info.streams)
        pending += stream.pending;
    out.begin_object().member("epoch", info.epoch).member("pending", pending);
    out.member("store_ok", info.store_ok).member("store_text", info.store_text);
    out.member("store_bytes", info.store_bytes).key("streams").begin_array();
    for (const StreamInfo& stream : info.streams) {
        out.begin_object().member("stream", site::name(stream.stream)).member("next_seq", stream.next_seq);
        out.member("pending", stream.pending).member("lost", stream.lost).end_object();
    }
    out.end_array().end_object();
}

void write_energy(Writer& out, const ApiContext& api) {
    if (!api.energy_tonight) {
        out.null();
        return;
    }
    const EnergyInfo info = api.energy_tonight();
    out.begin_object();
    write_time(out, "from", info.from, api);
    out.member("metered_wh", info.metered_wh)
        .member("lamps_wh", info.lamps_wh)
        .member("baseline_wh", info.baseline_wh);
    out.key("saving_pct");
    if (info.baseline_wh > 0) {
        out.value(100.0 * static_cast<double>(info.baseline_wh - info.metered_wh) /
                      static_cast<double>(info.baseline_wh),
                  1);
    } else {
        out.null();
    }
    out.key("saving").value(info.saving, 2).key("coverage_pct").value(info.coverage_pct, 2).end_object();
}

void write_identity(Writer& out, const ApiContext& api) {
    const site::Place& place = api.config->place;
    out.member("site", place.site).member("gateway", place.gateway).member("name", place.name);
    out.member("version", api.version).member("zone", place.timezone);
    write_time(out, "time", api.now(), api);
    out.member("now_ms", site::to_ms(api.now()));
    out.key("uptime_s");
    if (api.uptime) {
        out.value(static_cast<std::int64_t>(api.uptime().count()));
    } else {
        out.null();
    }
    out.member("mode", api.mode ? api.mode() : std::string{"auto"}).member("config", api.config->sha256);
}

template <typename Write>
std::string document(Write write) {
    std::string text;
    Writer out(text);
    write(out);
    return text += '\n';
}

void write_alarm(Writer& out, const ApiContext& api, const ActiveAlarm& active) {
    const site::AlarmTransition& alarm = active.alarm;
    out.begin_object().member("id", alarm.alarm_id).member("code", static_cast<int>(alarm.code));
    out.member("name", site::name(alarm.code)).member("severity", site::name(site::severity(alarm.code)));
    out.member("object", alarm.object);
    write_time(out, "since", alarm.since, api);
    write_time(out, "last", active.last, api);
    out.member("count", alarm.count).member("acknowledged", active.acknowledged);
    out.member("cause", alarm.cause).member("text", alarm.text);
    for (const auto& [key, number] : {std::pair{"value", alarm.value}, {"limit", alarm.limit}}) {
        out.key(key);
        if (number) {
            out.value(*number, 3);
        } else {
            out.null();
        }
    }
    out.end_object();
}

void write_line(Writer& out, const LineInfo& line) {
    out.begin_object().member("id", line.id).member("device", line.device).member("open", line.open);
    out.member("exchanges", line.exchanges).member("answered", line.answered).member("retries", line.retries);
    out.member("timeouts", line.timeouts)
        .member("bad_frames", line.bad_frames)
        .member("foreign", line.foreign);
    out.key("load_pct").value(line.load_pct, 1).key("cycle_s").value(line.cycle_s, 3);
    out.member("error", line.error).end_object();
}

}  // namespace

std::string error_json(std::string_view code, std::string_view message, std::string_view hint) {
    return document([&](Writer& out) {
        out.begin_object().key("error").begin_object().member("code", code).member("message", message);
        out.member("hint", hint).end_object().end_object();
    });
}

std::string status_json(const ApiContext& api) {
    return document([&api](Writer& out) {
        out.begin_object();
        write_identity(out, api);
        write_clock(out, api);
        write_night(out, api);
        const LampCounts counts = count_lamps(api, "");
        double power_w = 0.0;
        out.key("feeders").begin_array();
        for (std::size_t i = 0; i < api.config->plant.feeders.size(); ++i) {
            const site::Feeder& feeder = api.config->plant.feeders[i];
            write_feeder(out, api, i);
            power_w += feeder_power(api, feeder, count_lamps(api, feeder.id)).watts;
        }
        out.end_array().key("lamps");
        write_counts(out, counts);
        out.key("power_w").value(power_w, 1);
        out.key("energy");
        write_energy(out, api);
        write_alarm_counts(out, api);
        write_uplink(out, api);
        out.key("outbox");
        write_outbox(out, api);
        out.end_object();
    });
}

std::string alarms_json(const ApiContext& api) {
    return document([&api](Writer& out) {
        out.begin_object().key("alarms").begin_array();
        for (const ActiveAlarm& active : api.alarms())
            write_alarm(out, api, active);
        out.end_array().end_object();
    });
}

std::string outbox_json(const ApiContext& api) {
    return document([&api](Writer& out) { write_outbox(out, api); });
}

std::string energy_json(const ApiContext& api) {
    return document([&api](Writer& out) { write_energy(out, api); });
}

std::string lines_json(const ApiContext& api) {
    return document([&api](Writer& out) {
        out.begin_object().key("lines").begin_array();
        for (const LineInfo& line : api.lines())
            write_line(out, line);
        out.end_array().end_object();
    });
}

}  // namespace sl::local
