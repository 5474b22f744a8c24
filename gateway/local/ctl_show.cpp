// The API's answers as tables and sentences.
#include "gateway/local/ctl.hpp"
#include "gateway/local/ctl_table.hpp"
#include "gateway/local/ctl_values.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sl::local {
namespace {

using boost::json::value;

std::string shown(const value& number, std::string_view unit, int decimals) {
    const auto n = number_of(number);
    return n ? fmt::format("{:.{}f}{}", *n, decimals, unit) : std::string{"-"};
}

std::string power(const value& watts) {
    const auto w = number_of(watts);
    if (!w) return "-";
    return *w >= 1'000.0 ? fmt::format("{:.2f} kW", *w / 1'000.0) : fmt::format("{:.1f} W", *w);
}

std::string energy(const value& watt_hours) {
    const auto wh = number_of(watt_hours);
    return wh ? fmt::format("{:.2f} kWh", *wh / 1'000.0) : std::string{"-"};
}

// "17:41:44" out of "2026-11-23T17:41:44+08:00"; "-" when there is none.
std::string clock_part(const value& time) {
    const std::string text = text_of(time);
    return text.size() < 19 ? "-" : text.substr(11, 8);
}
// "11-23 17:41"
std::string short_time(const value& time) {
    const std::string text = text_of(time);
    return text.size() < 19 ? "-" : text.substr(5, 5) + " " + text.substr(11, 5);
}

std::string age(const value& milliseconds) {
    const auto ms = number_of(milliseconds);
    if (!ms) return "never";
    const double s = *ms / 1'000.0;
    if (s < 120.0) return fmt::format("{:.0f} s", s);
    return s < 7'200.0 ? fmt::format("{:.0f} min", s / 60.0) : fmt::format("{:.0f} h", s / 3'600.0);
}

std::string ago(const value& milliseconds) {
    const std::string text = age(milliseconds);
    return text == "never" ? text : text + " ago";
}

// As many decimals as there are.
std::string brief(const value& number) {
    const auto n = number_of(number);
    return n ? fmt::format("{}", *n) : std::string{"-"};
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string joined(const value& texts) {
    std::string out;
    for (const value& text : list_of(texts))
        out += (out.empty() ? "" : ", ") + text_of(text);
    return out;
}

std::string coordinates(double latitude, double longitude, int decimals) {
    return fmt::format("{:.{}f} {} {:.{}f} {}", std::abs(latitude), decimals, latitude < 0 ? "S" : "N",
                       std::abs(longitude), decimals, longitude < 0 ? "W" : "E");
}

std::string position(const value& lamp) {
    const auto latitude = number_of(at(lamp, "latitude"));
    const auto longitude = number_of(at(lamp, "longitude"));
    return latitude && longitude ? coordinates(*latitude, *longitude, 6) : std::string{};
}

std::string plural(long long count, std::string_view word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

Tone tone_of_state(std::string_view state) {
    if (state == "fault") return Tone::bad;
    return state == "offline" ? Tone::warning : Tone::plain;
}

std::string or_dash(std::string text) {
    return text.empty() ? "-" : text;
}

std::string levels(const value& feeder) {
    const auto low = number_of(at(feeder, "level_min_pct"));
    const auto high = number_of(at(feeder, "level_max_pct"));
    if (!low || !high) return "-";
    return *low == *high ? fmt::format("{} %", *low) : fmt::format("{}-{} %", *low, *high);
}

// "3.3/3.4/3.3 A" out of current_a_l1 and so on.
std::string phases(const value& object, const std::string& quantity, std::string_view unit) {
    std::string text;
    bool any = false;
    for (const char* phase : {"_l1", "_l2", "_l3"}) {
        const value& number = at(object, quantity + phase);
        any = any || number_of(number).has_value();
        text += (text.empty() ? "" : "/") + shown(number, "", 1);
    }
    return any ? text.append(unit) : "-";
}

Cell feeder_state(const value& feeder) {
    if (flag_of(at(feeder, "held_off"))) return {"held off", Tone::warning};
    const bool energised = flag_of(at(feeder, "energised"));
    if (energised != flag_of(at(feeder, "wanted"))) return {energised ? "still on" : "not on", Tone::warning};
    return energised ? Cell{"on", Tone::good} : Cell{"off"};
}

Table feeder_table(const value& feeders) {
    Table table(
        {"FEEDER", "NAME", "STATE", "LEVEL", ">LAMPS", ">OK", ">FAULT", ">OFFLINE", ">POWER", "I L1/L2/L3"});
    const auto count = [](const value& lamps, const char* key, Tone tone) {
        const long long n = integer_of(at(lamps, key));
        return Cell{std::to_string(n), n > 0 ? tone : Tone::plain};
    };
    for (const value& feeder : list_of(feeders)) {
        const value& lamps = at(feeder, "lamps");
        table.row({text_of(at(feeder, "id")), text_of(at(feeder, "name")), feeder_state(feeder),
                   levels(feeder), count(lamps, "total", Tone::plain), count(lamps, "ok", Tone::plain),
                   count(lamps, "fault", Tone::bad), count(lamps, "offline", Tone::warning),
                   power(at(feeder, "power_w")), phases(feeder, "current_a", " A")});
    }
    return table;
}

std::string night_words(const value& night) {
    if (night.is_null()) return "";
    const bool lit = text_of(at(night, "phase")) == "night";
    const auto reason = [&night](const char* key) {
        const std::string text = text_of(at(night, key));
        return text.empty() ? text : " (" + text + ")";
    };
    const std::string on = clock_part(at(night, "on_at"));
    const std::string off = clock_part(at(night, "off_at"));
    if (!lit) return "day, on at " + on + reason("on_reason");
    return "night, on since " + on + reason("on_reason") + ", off " + off + reason("off_reason");
}

std::string uplink_words(const value& status) {
    const value& uplink = at(status, "uplink");
    std::string text = "uplink ";
    if (!flag_of(at(uplink, "enabled"))) {
        text += "off";
    } else if (flag_of(at(uplink, "connected"))) {
        text += "ok";
    } else {
        text += "down since " + clock_part(at(uplink, "since")) + " (" +
                or_dash(text_of(at(uplink, "reason"))) + ")";
    }
    if (!at(status, "outbox").is_null())
        text += fmt::format(", outbox {}", integer_of(at(at(status, "outbox"), "pending")));
    return text;
}

// Site and gateway, unless the gateway's id says both.
std::string full_id(const value& status) {
    const std::string site = text_of(at(status, "site"));
    const std::string gateway = text_of(at(status, "gateway"));
    return gateway.starts_with(site + "-") ? gateway : site + " " + gateway;
}

std::string energy_words(const value& tonight) {
    std::string text =
        fmt::format("{} since {:.5}", energy(at(tonight, "metered_wh")), clock_part(at(tonight, "from")));
    if (const auto saving = number_of(at(tonight, "saving_pct")))
        text += fmt::format(", {:.1f} % less than the former lamps ({})", *saving,
                            energy(at(tonight, "baseline_wh")));
    return text + "\n";
}

std::string alarm_words(const value& alarms) {
    const long long open = integer_of(at(alarms, "unacknowledged"));
    if (alarms.is_null() || integer_of(at(alarms, "active")) == 0) return "No alarm stands.";
    if (open == 0) return plural(integer_of(at(alarms, "active")), "alarm") + ", all acknowledged.";
    return plural(open, "alarm") + " not acknowledged: streetlightctl alarm list";
}

}  // namespace

std::string View::status(const value& document) const {
    const value& clock = at(document, "clock");
    const bool trusted = flag_of(at(clock, "trusted"));
    const value& energy_now = at(document, "energy");
    std::string out = fmt::format("{}  {}    {}\n", full_id(document), text_of(at(document, "name")),
                                  night_words(at(document, "night")));
    out +=
        fmt::format("{} {}    clock {} ({})    config {:.12}    {}\n",
                    paint("●", trusted ? Tone::good : Tone::warning, colour), text_of(at(document, "mode")),
                    trusted ? "ok" : "not trusted", text_of(at(clock, "quality")),
                    or_dash(text_of(at(document, "config"))), uplink_words(document));
    if (!energy_now.is_null()) {
        out += energy_words(energy_now);
    }
    out += "\n" + feeder_table(at(document, "feeders")).text(colour);
    if (legend) {
        out += fmt::format("{}, {}. {}\n",
                           plural(static_cast<long long>(list_of(at(document, "feeders")).size()), "feeder"),
                           plural(integer_of(at(at(document, "lamps"), "total")), "lamp"),
                           alarm_words(at(document, "alarms")));
    }
    return out;
}

std::string View::lamps(const value& document) const {
    Table table({"LAMP", "NAME", "FEEDER", "STATE", ">WANTED", ">LEVEL", "BY", ">POWER", ">VOLTAGE", ">PF",
                 ">ENERGY", ">SEEN", "FAULTS"});
    for (const value& lamp : list_of(at(document, "lamps"))) {
        const std::string state = text_of(at(lamp, "state"));
        std::string faults;
        for (const value& fault : list_of(at(lamp, "faults")))
            faults += (faults.empty() ? "" : ",") + text_of(fault);
        table.row({text_of(at(lamp, "id")), text_of(at(lamp, "name")), text_of(at(lamp, "feeder")),
                   Cell{state, tone_of_state(state)}, shown(at(lamp, "target_pct"), " %", 0),
                   shown(at(lamp, "level_pct"), " %", 0), text_of(at(lamp, "source")),
                   power(at(lamp, "power_w")), shown(at(lamp, "voltage_v"), " V", 1),
                   shown(at(lamp, "power_factor"), "", 2), energy(at(lamp, "energy_wh")),
                   age(at(lamp, "age_ms")), Cell{or_dash(faults), faults.empty() ? Tone::plain : Tone::bad}});
    }
    const auto count = static_cast<long long>(list_of(at(document, "lamps")).size());
    return table.text(colour) + (legend ? plural(count, "lamp") + " listed.\n" : "");
}

std::string View::lamp(const value& document) const {
    std::string out = fmt::format("{}  {}\n", text_of(at(document, "id")), text_of(at(document, "name")));
    const auto line = [&out](std::string_view what, const std::string& text) {
        if (!text.empty()) out += fmt::format("  {:<18} {}\n", what, text);
    };
    line("place",
         fmt::format("pole {}, feeder {}, phase {}, position {}", or_dash(text_of(at(document, "pole"))),
                     text_of(at(document, "feeder")), or_dash(upper(text_of(at(document, "phase")))),
                     integer_of(at(document, "order"))));
    line("position", position(document));
    line("luminaire", fmt::format("{}, {} rated", or_dash(text_of(at(document, "lamp_class"))),
                                  shown(at(document, "rated_w"), " W", 0)));
    line("tags", joined(at(document, "tags")));
    line("controller", fmt::format("{} at address {} on line {}, head {}",
                                   or_dash(text_of(at(document, "model"))), text_of(at(document, "address")),
                                   text_of(at(document, "line")), integer_of(at(document, "head"))));
    line("serial", text_of(at(document, "serial")));
    line("installed", text_of(at(document, "installed")));
    line("state",
         fmt::format("{}, last answer {}", text_of(at(document, "state")), ago(at(document, "age_ms"))));
    line("faults", joined(at(document, "faults")));
    line("level", fmt::format("{} wanted by {}, {} reported", shown(at(document, "target_pct"), " %", 0),
                              text_of(at(document, "source")), shown(at(document, "level_pct"), " %", 0)));
    if (const auto* values = at(document, "values").if_object()) {
        for (const auto& member : *values) {
            const std::string_view name{member.key().data(), member.key().size()};
            if (name == "faults") continue;  // named above
            line(name,
                 fmt::format("{:<9} {}, {}", brief(at(member.value(), "value")),
                             text_of(at(member.value(), "quality")), ago(at(member.value(), "age_ms"))));
        }
    }
    return out;
}

std::string View::feeders(const value& document) const {
    const auto count = static_cast<long long>(list_of(at(document, "feeders")).size());
    return feeder_table(at(document, "feeders")).text(colour) +
           (legend ? plural(count, "feeder") + " listed.\n" : "");
}

std::string View::meters(const value& document) const {
    Table table(
        {"METER", "NAME", "MODEL", "STATE", ">POWER", "U L1/L2/L3", "I L1/L2/L3", ">PF", ">ENERGY", ">SEEN"});
    for (const value& meter : list_of(at(document, "meters"))) {
        const bool online = flag_of(at(meter, "online"));
        table.row({text_of(at(meter, "id")), text_of(at(meter, "name")), text_of(at(meter, "model")),
                   Cell{online ? "online" : "offline", online ? Tone::good : Tone::bad},
                   power(at(meter, "power_w")), phases(meter, "voltage_v", " V"),
                   phases(meter, "current_a", " A"), shown(at(meter, "power_factor"), "", 2),
                   energy(at(meter, "energy_wh")), age(at(meter, "age_ms"))});
    }
    const auto count = static_cast<long long>(list_of(at(document, "meters")).size());
    return table.text(colour) + (legend ? plural(count, "meter") + " listed.\n" : "");
}

std::string View::alarms(const value& document) const {
    if (list_of(at(document, "alarms")).empty()) return legend ? "No alarm stands.\n" : "";
    Table table({"SINCE", "LAST", ">N", "SEV", "WHAT", "WHERE", "ACK", "TEXT"});
    for (const value& alarm : list_of(at(document, "alarms"))) {
        const std::string severity = text_of(at(alarm, "severity"));
        const Tone tone = severity == "critical" || severity == "fault" ? Tone::bad
                          : severity == "warning"                       ? Tone::warning
                                                                        : Tone::plain;
        table.row({short_time(at(alarm, "since")), short_time(at(alarm, "last")),
                   std::to_string(integer_of(at(alarm, "count"))), Cell{severity, tone},
                   text_of(at(alarm, "name")), text_of(at(alarm, "object")),
                   flag_of(at(alarm, "acknowledged")) ? "yes" : "-", text_of(at(alarm, "text"))});
    }
    const auto count = static_cast<long long>(list_of(at(document, "alarms")).size());
    return table.text(colour) + (legend ? plural(count, "alarm") + " listed.\n" : "");
}

std::string View::sun(const value& document) const {
    Table table({"DATE", "CIVIL DAWN", "SUNRISE", "NOON", "SUNSET", "CIVIL DUSK", ">NOON HEIGHT"});
    const auto event = [](const value& day, const char* key) {
        std::string reason = text_of(at(at(day, key), "reason"));
        std::replace(reason.begin(), reason.end(), '_', ' ');
        return Cell{reason.empty() ? clock_part(at(at(day, key), "at")) : reason};
    };
    for (const value& day : list_of(at(document, "days"))) {
        table.row({text_of(at(day, "date")), event(day, "civil_dawn"), event(day, "sunrise"),
                   clock_part(at(day, "noon")), event(day, "sunset"), event(day, "civil_dusk"),
                   shown(at(day, "noon_elevation_deg"), " °", 1)});
    }
    std::string out = table.text(colour);
    if (legend) {
        out += fmt::format("{} at {}, times in {}.\n",
                           plural(static_cast<long long>(list_of(at(document, "days")).size()), "day"),
                           coordinates(number_of(at(document, "latitude")).value_or(0.0),
                                       number_of(at(document, "longitude")).value_or(0.0), 4),
                           text_of(at(document, "zone")));
    }
    return out;
}

}  // namespace sl::local
