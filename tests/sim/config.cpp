#include "tests/sim/config.hpp"

#include <algorithm>
#include <initializer_list>
#include <stdexcept>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace sl::sim {

namespace {

[[noreturn]] void refuse(const toml::node& node, const std::string& why) {
    const toml::source_region& at = node.source();
    throw std::runtime_error(
        fmt::format("{}:{}: {}", at.path ? *at.path : std::string{"?"}, at.begin.line, why));
}

void only(const toml::table& table, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : table) {
        if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
            refuse(value, fmt::format("unknown key \"{}\"", key.str()));
        }
    }
}

template <typename T>
T take(const toml::table& table, std::string_view key, T otherwise) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    const auto value = node->value<T>();
    if (!value) refuse(*node, fmt::format("\"{}\" has the wrong type", key));
    return *value;
}

int take_int(const toml::table& table, std::string_view key, int otherwise, int low, int high) {
    const auto value = take<std::int64_t>(table, key, otherwise);
    if (value < low || value > high) {
        refuse(table, fmt::format("\"{}\" must be {}..{}", key, low, high));
    }
    return static_cast<int>(value);
}

std::vector<std::string> take_list(const toml::table& table, std::string_view key) {
    std::vector<std::string> out;
    const toml::array* list = table[key].as_array();
    if (list == nullptr) return out;
    for (const toml::node& node : *list) {
        if (!node.is_string()) refuse(node, fmt::format("\"{}\" is a list of strings", key));
        out.push_back(node.value_or(std::string{}));
    }
    return out;
}

template <typename Visit>
void each(const toml::table& root, std::string_view key, Visit visit) {
    const toml::node* node = root.get(key);
    if (node == nullptr) return;
    const toml::array* list = node->as_array();
    if (list == nullptr || !list->is_array_of_tables()) refuse(*node, fmt::format("write [[{}]]", key));
    for (const toml::node& entry : *list)
        visit(*entry.as_table());
}

void read_sim(const toml::table& root, FieldConfig& config) {
    const toml::table* sim = root["sim"].as_table();
    if (sim == nullptr) return;
    only(*sim, {"start", "speed", "loss_pct", "ambient_c", "control", "faults"});
    if (const auto start = take<std::string>(*sim, "start", ""); !start.empty()) {
        config.start = parse_instant(start);
        if (!config.start) refuse(*sim, "\"start\" is not a time like 2026-11-23T16:00:00+08:00");
    }
    config.speed = take(*sim, "speed", config.speed);
    config.loss_pct = take(*sim, "loss_pct", config.loss_pct);
    config.ambient_c = take(*sim, "ambient_c", config.ambient_c);
    config.control = take(*sim, "control", config.control);
    config.faults = take_list(*sim, "faults");
}

LineSpec read_line(const toml::table& table) {
    only(table, {"id", "pty", "tcp", "rtu_over_tcp", "baud", "format", "pace", "answer_ms", "echo"});
    LineSpec line;
    line.id = take<std::string>(table, "id", "");
    line.pty = take<std::string>(table, "pty", "");
    line.tcp_port = take_int(table, "tcp", 0, 0, 65'535);
    line.rtu_over_tcp = take(table, "rtu_over_tcp", false);
    line.baud = static_cast<unsigned>(take_int(table, "baud", 9600, 300, 4'000'000));
    line.format = take<std::string>(table, "format", "8E1");
    if (!known_format(line.format)) refuse(table, "format: 8N1, 8N2, 8E1 or 8O1");
    line.pace = take(table, "pace", false);
    line.answer_ms = take(table, "answer_ms", 0.0);
    line.echo = take(table, "echo", false);
    if (line.id.empty()) refuse(table, "a line needs an id");
    return line;
}

MeterConfig read_meter(const toml::table& table) {
    only(table, {"id", "line", "protocol", "address", "feeders", "standby_w", "initial_kwh", "clock_error_s",
                 "ct_ratio", "preamble", "reply_limit", "fixed"});
    MeterConfig meter;
    meter.id = take<std::string>(table, "id", "M1");
    meter.line = take<std::string>(table, "line", "");
    const auto protocol = take<std::string>(table, "protocol", "dlt645-2007");
    if (protocol != "dlt645-2007" && protocol != "sdm630") refuse(table, "protocol: dlt645-2007 or sdm630");
    meter.kind = protocol == "sdm630" ? MeterKind::sdm630 : MeterKind::dlt645;
    meter.address = take<std::string>(table, "address", "");
    meter.feeders = take_list(table, "feeders");
    meter.standby_w = take(table, "standby_w", meter.standby_w);
    meter.initial_kwh = take(table, "initial_kwh", meter.initial_kwh);
    meter.clock_error_s = take(table, "clock_error_s", meter.clock_error_s);
    meter.ct_ratio = take_int(table, "ct_ratio", 1, 1, 10'000);
    meter.preamble = take_int(table, "preamble", 4, 0, 16);
    meter.reply_limit = static_cast<std::size_t>(take_int(table, "reply_limit", 200, 4, 200));
    if (const toml::table* fixed = table["fixed"].as_table()) {
        for (const auto& [key, value] : *fixed) {
            meter.fixed[std::string{key.str()}] = value.value_or(std::string{});
        }
    }
    return meter;
}

ModuleConfig read_module(const toml::table& table) {
    only(table, {"id", "line", "unit", "outputs", "inputs", "safe_state"});
    ModuleConfig module;
    module.id = take<std::string>(table, "id", "IO1");
    module.line = take<std::string>(table, "line", "");
    module.unit = static_cast<std::uint8_t>(take_int(table, "unit", 20, 1, 247));
    module.outputs = take_list(table, "outputs");
    module.inputs = take_list(table, "inputs");
    module.safe_state = take(table, "safe_state", false);
    return module;
}

int phase_index(const toml::table& table, const std::string& name) {
    if (name == "L1") return 0;
    if (name == "L2") return 1;
    if (name == "L3") return 2;
    refuse(table, "phases are L1, L2, L3");
}

// A range of equal lamps, one pole after the other along the cable.
void read_lamps(const toml::table& table, FieldConfig& config) {
    only(table, {"prefix", "first", "count", "line", "unit", "heads", "dali_gateway", "short_address",
                 "feeder", "phases", "order", "watts", "initial_wh", "boot_s", "fade_s", "failsafe_level",
                 "failsafe_after_s"});
    const auto prefix = take<std::string>(table, "prefix", "L");
    const int first = take_int(table, "first", 1, 0, 99'999);
    const int count = take_int(table, "count", 1, 1, 10'000);
    const int unit = take_int(table, "unit", 1, 1, 247);
    const int heads = take_int(table, "heads", 1, 1, 2);
    const int short_address = take_int(table, "short_address", 0, 0, 63);
    const int order = take_int(table, "order", 1, 1, 10'000);
    auto phases = take_list(table, "phases");
    if (phases.empty()) phases = {"L1", "L2", "L3"};
    LampConfig lamp;
    lamp.line = take<std::string>(table, "line", "");
    lamp.dali_gateway = take<std::string>(table, "dali_gateway", "");
    lamp.feeder = take<std::string>(table, "feeder", "");
    lamp.watts = take(table, "watts", lamp.watts);
    lamp.initial_wh = take(table, "initial_wh", 0.0);
    lamp.boot_s = take(table, "boot_s", lamp.boot_s);
    lamp.fade_s = take(table, "fade_s", 0.0);
    lamp.failsafe_level = take_int(table, "failsafe_level", 100, 0, 65'535);
    lamp.failsafe_after_s = take_int(table, "failsafe_after_s", 600, 0, 65'535);
    if (lamp.dali_gateway.empty() && unit + (count - 1) / heads > 247) refuse(table, "units run over 247");
    if (!lamp.dali_gateway.empty() && short_address + count > 64)
        refuse(table, "short addresses run over 63");
    for (int i = 0; i < count; ++i) {
        lamp.id = fmt::format("{}{:03}", prefix, first + i);
        lamp.unit = static_cast<std::uint8_t>(unit + i / heads);
        lamp.head = static_cast<std::uint8_t>(i % heads + 1);
        lamp.short_address = static_cast<std::uint8_t>(short_address + (lamp.dali_gateway.empty() ? 0 : i));
        const int pole = i / heads;
        lamp.order = order + pole;
        lamp.phase = phase_index(table, phases[static_cast<std::size_t>(pole) % phases.size()]);
        config.lamps.push_back(lamp);
    }
}

FieldConfig from_table(const toml::table& root) {
    only(root, {"sim", "line", "feeder", "contactor", "meter", "module", "dali_gateway", "lamps"});
    FieldConfig config;
    read_sim(root, config);
    each(root, "line", [&](const toml::table& t) { config.lines.push_back(read_line(t)); });
    each(root, "contactor", [&](const toml::table& t) {
        only(t, {"id", "close_ms", "open_ms"});
        config.contactors.push_back({take<std::string>(t, "id", ""), take(t, "close_ms", 60.0) / 1000.0,
                                     take(t, "open_ms", 30.0) / 1000.0});
    });
    each(root, "feeder", [&](const toml::table& t) {
        only(t, {"id", "contactor", "other_loads_w"});
        config.feeders.push_back({take<std::string>(t, "id", ""), take<std::string>(t, "contactor", ""),
                                  take(t, "other_loads_w", 0.0)});
    });
    each(root, "meter", [&](const toml::table& t) { config.meters.push_back(read_meter(t)); });
    each(root, "module", [&](const toml::table& t) { config.modules.push_back(read_module(t)); });
    each(root, "dali_gateway", [&](const toml::table& t) {
        only(t, {"id", "line", "unit"});
        config.dali_gateways.push_back({take<std::string>(t, "id", ""), take<std::string>(t, "line", ""),
                                        static_cast<std::uint8_t>(take_int(t, "unit", 200, 1, 247))});
    });
    each(root, "lamps", [&](const toml::table& t) { read_lamps(t, config); });
    return config;
}

}  // namespace

bool known_format(const std::string& format) {
    return format == "8N1" || format == "8N2" || format == "8E1" || format == "8O1";
}

FieldConfig read_config(const std::string& path) {
    try {
        return from_table(toml::parse_file(path));
    } catch (const toml::parse_error& error) {
        throw std::runtime_error(
            fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
    }
}

std::vector<std::uint8_t> bytes_from_hex(const std::string& text) {
    std::string digits;
    for (const char c : text) {
        if (c != ' ') digits.push_back(c);
    }
    std::vector<std::uint8_t> out;
    for (std::size_t i = 0; i + 1 < digits.size() + 1; i += 2) {
        const std::string pair = digits.substr(i, 2);
        std::size_t used = 0;
        const int value = pair.size() == 2 ? std::stoi(pair, &used, 16) : 0;
        if (used != 2) throw std::runtime_error("not hex: " + text);
        out.push_back(static_cast<std::uint8_t>(value));
    }
    return out;
}

}  // namespace sl::sim
