// [[line]] [[meter]] [[module]] [[contactor]] [[input]] [[feeder]] [lamps]
#include "gateway/settings/draft.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sl::settings {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;
using Ms = std::chrono::milliseconds;

bool good_format(std::string_view text) {
    return text.size() == 3 && (text[0] == '7' || text[0] == '8') &&
           (text[1] == 'N' || text[1] == 'E' || text[1] == 'O') && (text[2] == '1' || text[2] == '2');
}

void read_serial(Reader& in, std::uint32_t& baud, std::string& format) {
    in.integer("baud", baud, 300, 4'000'000);
    if (in.text("format", format) && !good_format(format)) {
        in.refuse("format", fmt::format("\"{}\" is not a character format", format),
                  "as in \"8N1\" or \"8E1\"");
    }
}

void read_protocol(Reader& in, std::string& protocol, const Vocabulary& vocabulary) {
    if (!in.text("protocol", protocol)) return;
    const auto& known = vocabulary.protocols;
    if (std::find(known.begin(), known.end(), protocol) != known.end()) return;
    in.unknown_word("protocol", protocol, known);
    protocol.clear();
}

bool good_device(std::string_view device) {
    constexpr std::string_view tcp = "tcp://";
    if (!device.starts_with(tcp)) return device.starts_with("/") && device.size() > 1;
    device.remove_prefix(tcp.size());
    const auto colon = device.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const auto port = parse_integer(device.substr(colon + 1));
    return port && *port >= 1 && *port <= 65535;
}

void read_line(Reader& in, site::Line& line, const Vocabulary& vocabulary) {
    in.require("id", "\"lamps\"");
    in.id("id", line.id);
    in.require("device", "\"/dev/ttyS1\"");
    if (in.text("device", line.device) && !good_device(line.device)) {
        in.refuse("device", fmt::format("\"{}\" is not a device", line.device),
                  "as in \"/dev/ttyS1\" or \"tcp://10.0.0.5:502\"");
    }
    read_protocol(in, line.protocol, vocabulary);
    read_serial(in, line.baud, line.format);
    Ms value{0};
    if (in.duration("timeout", value, 10ms, 60s)) line.timeout = value;
    if (in.duration("gap", value, 0ms, 10s)) line.gap = value;
    in.integer("retries", line.retries, 0, 10);
    in.flag("rs485", line.rs485);
    in.flag("echo", line.echo);
}

void read_device(Reader& in, site::Device& device, const Vocabulary& vocabulary) {
    in.require("id", "\"M1\"");
    in.id("id", device.id);
    in.text("name", device.name);
    in.require("line", "\"meters\"");
    in.text("line", device.line);
    in.require("model", "\"meter/dlt645-2007-3p\"");
    in.text("model", device.model);
    read_protocol(in, device.protocol, vocabulary);
    in.require("address", "\"1\", in quotes");
    in.text("address", device.address);
    read_serial(in, device.baud, device.format);
    in.text("serial", device.serial);
    in.duration("poll", device.poll, 0ms, 24h);
}

void read_meter(Reader& in, site::Device& device, const Vocabulary& vocabulary) {
    read_device(in, device, vocabulary);
    in.integer("ct_ratio", device.ct_ratio, 1, 10'000);
}

void read_module(Reader& in, site::Device& device, const Vocabulary& vocabulary) {
    device.poll = 1s;
    read_device(in, device, vocabulary);
    in.span("watchdog", device.watchdog, 0s, 24h);
}

void read_contactor(Reader& in, site::Contactor& out) {
    in.require("id", "\"K1\"");
    in.id("id", out.id);
    in.text("name", out.name);
    in.require("module", "\"IO1\"");
    in.text("module", out.module);
    in.integer("channel", out.channel, 1, 64);
    in.text("aux_module", out.aux_module);
    if (in.integer("aux_channel", out.aux_channel, 1, 64) && out.aux_module.empty())
        out.aux_module = out.module;
    if (!out.aux_module.empty()) in.require("aux_channel", "1");
    bool closed = false;
    if (in.choice<bool>("aux", closed, {{"normally-open", false}, {"normally-closed", true}}))
        out.aux_normally_open = !closed;
    in.require("dead_state",
               "\"off\", \"on\" or \"astro-timer\": what the hardware does when the gateway is dead");
    in.choice<site::DeadState>("dead_state", out.dead_state,
                               {{"off", site::DeadState::off},
                                {"on", site::DeadState::on},
                                {"astro-timer", site::DeadState::astro_timer}});
    in.span("min_on", out.min_on, 0s, 1h);
    in.span("min_off", out.min_off, 0s, 1h);
    in.integer("max_operations_per_hour", out.max_operations_per_hour, 2, 360);
}

void read_input(Reader& in, site::Input& out) {
    in.require("id", "\"DOOR\"");
    in.id("id", out.id);
    in.text("name", out.name);
    in.require("module", "\"IO1\"");
    in.text("module", out.module);
    in.require("channel", "1");
    in.integer("channel", out.channel, 1, 64);
    in.flag("inverted", out.inverted);
    in.duration("debounce", out.debounce, 0ms, 60s);
    in.choice<site::InputRole>("role", out.role,
                               {{"report", site::InputRole::report},
                                {"local-manual", site::InputRole::local_manual},
                                {"door", site::InputRole::door},
                                {"leakage-trip", site::InputRole::leakage_trip}});
}

void read_phases(Reader& in, site::Feeder& out) {
    std::vector<std::string> words;
    if (!in.words("phases", words)) return;
    for (const auto& word : words) {
        const auto phase = parse_phase(word);
        if (!phase) {
            in.unknown_word("phases", word, {"L1", "L2", "L3"});
        } else if (std::find(out.phases.begin(), out.phases.end(), *phase) != out.phases.end()) {
            in.refuse("phases", fmt::format("phase {} is named twice", word));
        } else {
            out.phases.push_back(*phase);
        }
    }
}

void read_failsafe(Reader& in, site::Feeder& out, FeederNote& note) {
    const auto* node = in.find("failsafe");
    if (node == nullptr) return;
    note.failsafe_stated = true;
    if (node->value_exact<std::string>() == std::string{"none"}) return;
    if (node->is_string()) {
        in.refuse("failsafe", "failsafe must be a level from 0 to 100 or \"none\"",
                  "the level the lamps fall back to when they hear nothing");
        return;
    }
    int level = 0;
    if (in.integer("failsafe", level, 0, 100)) out.failsafe = site::Level{level};
}

void read_accept(Reader& in, FeederNote& note) {
    std::vector<std::string> words;
    if (!in.words("accept", words)) return;
    for (const auto& word : words) {
        if (word == "dark-when-dead") {
            note.accept_dark = true;
        } else if (word == "lit-by-day-when-dead") {
            note.accept_lit = true;
        } else {
            in.unknown_word("accept", word, {"dark-when-dead", "lit-by-day-when-dead"});
        }
    }
}

void read_feeder(Reader& in, site::Feeder& out, FeederNote& note) {
    in.require("id", "\"F1\"");
    in.id("id", out.id);
    in.text("name", out.name);
    in.choice<site::FeederKind>(
        "kind", out.kind, {{"switched", site::FeederKind::switched}, {"always", site::FeederKind::always}});
    in.text("contactor", out.contactor);
    in.text("meter", out.meter);
    read_phases(in, out);
    in.number("other_loads_w", out.other_loads_w, 0.0, 1e6);
    read_failsafe(in, out, note);
    read_accept(in, note);
    in.span("failsafe_after", out.failsafe_after, 10s, 24h);
    in.span("open_delay", out.open_delay, 0s, 10min);
}

// Reads all tables of one kind; `read` fills one entity.
template <typename Entity, typename Read>
void read_all(Reader& root, std::string_view key, std::vector<Entity>& entities, std::vector<Mark>& marks,
              Read read) {
    for (const auto& part : root.tables(key)) {
        auto in = reader_of(root.report(), fmt::format("[[{}]]", key), part);
        read(in, entities.emplace_back());
        marks.push_back(in.finish());
    }
}

void read_lamp_defaults(Reader& root, Draft& draft) {
    const auto parts = root.table("lamps");
    if (parts.empty()) return;
    Reader in{root.report(), "[lamps]", parts, at_node(*parts[0].source, *parts[0].table)};
    in.require("file", "\"lamps.csv\"");
    in.text("file", draft.lamps_file);
    in.text("model", draft.default_model);
    in.text("line", draft.default_line);
    auto& polling = draft.config.polling;
    in.duration("poll", polling.lamps, 0ms, 24h);
    in.integer("offline_after", polling.offline_after, 1, 100);
    in.span("backoff_max", polling.backoff_max, 1s, 24h);
    in.number("baseline_w", polling.baseline_w, 0.0, 5'000.0);
    in.number("reach_km", draft.reach_km, 0.1, 100.0);
    draft.lamps = in.finish();
}

}  // namespace

void read_cabinet(Reader& root, Draft& draft, const Vocabulary& vocabulary) {
    auto& plant = draft.config.plant;
    read_all(root, "line", plant.lines, draft.lines,
             [&](Reader& in, site::Line& out) { read_line(in, out, vocabulary); });
    read_all(root, "meter", plant.meters, draft.meters,
             [&](Reader& in, site::Device& out) { read_meter(in, out, vocabulary); });
    read_all(root, "module", plant.modules, draft.modules,
             [&](Reader& in, site::Device& out) { read_module(in, out, vocabulary); });
    read_all(root, "contactor", plant.contactors, draft.contactors, read_contactor);
    read_all(root, "input", plant.inputs, draft.inputs, read_input);
    read_all(root, "feeder", plant.feeders, draft.feeders,
             [&](Reader& in, site::Feeder& out) { read_feeder(in, out, draft.feeder_notes.emplace_back()); });
    read_lamp_defaults(root, draft);
}

}  // namespace sl::settings
