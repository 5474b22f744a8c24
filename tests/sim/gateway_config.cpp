// Writes the gateway's configuration for a simulated field: what a person would write who had surveyed it.
#include "tests/sim/config.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace sl::sim {

namespace {

constexpr double latitude = 37.6870, longitude = 112.7528, degrees_per_pole = 0.00034;  // 30 m

constexpr std::array<const char*, 4> feeder_names{"A 路 · 迎宾西街北侧", "B 路 · 迎宾西街南侧",
                                                  "C 路 · 振兴路东侧", "D 路 · 振兴路西侧"};
constexpr std::array<const char*, 4> streets{"迎宾西街北", "迎宾西街南", "振兴路东", "振兴路西"};

// Position of the lamp's feeder, from 0.
std::size_t side_of(const FieldConfig& field, const LampConfig& lamp) {
    const auto feeder = std::find_if(field.feeders.begin(), field.feeders.end(),
                                     [&](const auto& f) { return f.id == lamp.feeder; });
    return static_cast<std::size_t>(feeder - field.feeders.begin());
}

// Every 15 poles the street crosses another; the two poles there are brighter at night.
bool at_crossing(const LampConfig& lamp) {
    return lamp.order % 15 == 0 || (lamp.order % 15 == 1 && lamp.order > 1);
}

std::string lines_toml(const FieldConfig& field, const std::map<std::string, std::string>& where) {
    std::string out;
    for (const LineSpec& line : field.lines) {
        const bool only_dlt645 =
            std::any_of(field.meters.begin(), field.meters.end(),
                        [&](const auto& m) { return m.line == line.id && m.kind == MeterKind::dlt645; }) &&
            std::none_of(field.lamps.begin(), field.lamps.end(),
                         [&](const auto& l) { return l.line == line.id; }) &&
            std::none_of(field.modules.begin(), field.modules.end(),
                         [&](const auto& m) { return m.line == line.id; });
        const bool tcp = line.pty.empty() && !line.rtu_over_tcp;
        out += fmt::format("[[line]]\nid       = \"{}\"\ndevice   = \"{}\"\nprotocol = \"{}\"\n", line.id,
                           where.at(line.id),
                           tcp           ? "modbus-tcp"
                           : only_dlt645 ? "dlt645-2007"
                                         : "modbus-rtu");
        if (!line.pty.empty()) {
            out += fmt::format("baud     = {}\nformat   = \"{}\"\n", line.baud, line.format);
        }
        if (line.echo) out += "echo     = true\n";
        out += "\n";
    }
    return out;
}

std::string cabinet_toml(const FieldConfig& field) {
    std::string out;
    for (const MeterConfig& meter : field.meters) {
        const bool sdm = meter.kind == MeterKind::sdm630;
        out += fmt::format(
            "[[meter]]\nid       = \"{}\"\nline     = \"{}\"\nmodel    = \"{}\"\naddress  = \"{}\"\n",
            meter.id, meter.line, sdm ? "meter/eastron-sdm630" : "meter/dlt645-2007-3p", meter.address);
        out += "name     = \"总表\"\n";
        if (!sdm) out += "format   = \"8E1\"\n";
        if (meter.ct_ratio != 1) out += fmt::format("ct_ratio = {}\n", meter.ct_ratio);
        out += "poll     = \"5s\"\n\n";
    }
    for (const ModuleConfig& module : field.modules) {
        out += fmt::format(
            "[[module]]\nid       = \"{}\"\nline     = \"{}\"\nmodel    = \"io/wb-mrm2\"\n"
            "address  = \"{}\"\npoll     = \"1s\"\n\n",
            module.id, module.line, module.unit);
    }
    for (const ContactorConfig& contactor : field.contactors) {
        for (const ModuleConfig& module : field.modules) {
            const auto relay = std::find(module.outputs.begin(), module.outputs.end(), contactor.id);
            if (relay == module.outputs.end()) continue;
            out +=
                fmt::format("[[contactor]]\nid          = \"{}\"\nmodule      = \"{}\"\nchannel     = {}\n",
                            contactor.id, module.id, relay - module.outputs.begin() + 1);
            const auto aux = std::find(module.inputs.begin(), module.inputs.end(), "aux:" + contactor.id);
            if (aux != module.inputs.end()) {
                out += fmt::format("aux_module  = \"{}\"\naux_channel = {}\n", module.id,
                                   aux - module.inputs.begin() + 1);
            }
            out += "dead_state  = \"astro-timer\"\n\n";
        }
    }
    for (const ModuleConfig& module : field.modules) {
        for (std::size_t i = 0; i < module.inputs.size(); ++i) {
            const std::string& input = module.inputs[i];
            const bool door = input == "door";
            if (!door && input != "selector") continue;
            out += fmt::format(
                "[[input]]\nid      = \"{}\"\nmodule  = \"{}\"\nchannel = {}\nrole    = \"{}\"\n\n",
                door ? "DOOR" : "MANUAL", module.id, i + 1, door ? "door" : "local-manual");
        }
    }
    return out;
}

std::string feeders_toml(const FieldConfig& field) {
    std::string out;
    const int failsafe = field.lamps.empty() ? 100 : std::min(field.lamps.front().failsafe_level, 100);
    for (std::size_t side = 0; side < field.feeders.size(); ++side) {
        const FeederConfig& feeder = field.feeders[side];
        const bool switched = !feeder.contactor.empty();
        out += fmt::format("[[feeder]]\nid             = \"{}\"\n", feeder.id);
        if (side < feeder_names.size()) {
            out += fmt::format("name           = \"{}\"\n", feeder_names.at(side));
        }
        out += fmt::format("kind           = \"{}\"\n", switched ? "switched" : "always");
        if (switched) out += fmt::format("contactor      = \"{}\"\n", feeder.contactor);
        for (const MeterConfig& meter : field.meters) {
            if (std::count(meter.feeders.begin(), meter.feeders.end(), feeder.id) != 0) {
                out += fmt::format("meter          = \"{}\"\n", meter.id);
            }
        }
        out += fmt::format(
            "phases         = [\"L1\", \"L2\", \"L3\"]\nfailsafe       = {}\nfailsafe_after = \"10m\"\n",
            failsafe);
        if (feeder.other_loads_w > 0) out += fmt::format("other_loads_w  = {}\n", feeder.other_loads_w);
        if (!switched) out += "accept         = [\"lit-by-day-when-dead\"]\n";
        out += "\n";
    }
    return out;
}

constexpr const char* plan_toml = R"([[profile]]
id    = "main-road"
name  = "主干路"
steps = [
  { at = "dusk",  level = 100 },
  { at = "23:00", level = 60,  fade = "30s" },
  { at = "05:00", level = 100, fade = "30s" },
  { at = "dawn",  level = 0 },
]

[[schedule]]
id       = "everyday"
priority = 10
group    = "all"
profile  = "main-road"

[astro]
event = "civil"

)";

constexpr const char* crossings_toml = R"([[group]]
id     = "crossings"
name   = "路口与斑马线"
select = "tag=crossing"

[[profile]]
id    = "crossing"
name  = "路口"
steps = [
  { at = "dusk",  level = 100 },
  { at = "00:30", level = 80,  fade = "30s" },
  { at = "05:00", level = 100, fade = "30s" },
  { at = "dawn",  level = 0 },
]

[[schedule]]
id       = "crossings-bright"
priority = 20
group    = "crossings"
profile  = "crossing"

)";

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file{path, std::ios::trunc};
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

std::string lamps_csv(const FieldConfig& field) {
    std::string out =
        "id,pole,head,name,line,address,model,feeder,phase,order,lamp_class,rated_w,road_class,tags,lat,"
        "lon\n";
    for (const LampConfig& lamp : field.lamps) {
        const bool dali = !lamp.dali_gateway.empty();
        std::string line = lamp.line;
        std::string address = std::to_string(lamp.unit);
        for (const DaliGatewayConfig& gateway : field.dali_gateways) {
            if (gateway.id != lamp.dali_gateway) continue;
            line = gateway.line;
            address = fmt::format("{}/{}", gateway.unit, lamp.short_address);
        }
        const std::size_t side = side_of(field, lamp);
        const std::string name =
            side < streets.size() ? fmt::format("{}{:02}#", streets.at(side), lamp.order) : std::string{};
        out += fmt::format("{},{}-{},{},{},{},{},{},{},L{},{},LED-{:.0f},{:.0f},main,{},{:.6f},{:.6f}\n",
                           lamp.id, lamp.feeder, lamp.order, dali ? 1 : lamp.head, name, line, address,
                           dali ? "lamp/dali-ecodim-gw2" : "lamp/generic-modbus-2ch", lamp.feeder,
                           lamp.phase + 1, lamp.order, lamp.watts, lamp.watts,
                           at_crossing(lamp) ? "crossing" : "", latitude + 0.0002 * static_cast<double>(side),
                           longitude + degrees_per_pole * (lamp.order % 50));
    }
    return out;
}

}  // namespace

void write_gateway_config(const FieldConfig& field, const std::map<std::string, std::string>& where,
                          const std::string& dir, const std::string& mqtt_url) {
    std::string out = fmt::format(
        "# Written by streetlight-sim for the field it simulates.\nschema = 1\n\n[site]\nsite      = "
        "\"SIM\"\n"
        "gateway   = \"0001\"\nname      = \"迎宾西街 17# 箱变\"\ntimezone  = \"Asia/Shanghai\"\n"
        "latitude  = {}\nlongitude = {}\nprice_per_kwh = 0.62\n\n",
        latitude, longitude);
    out += lines_toml(field, where) + cabinet_toml(field) + feeders_toml(field);
    out += "[lamps]\nfile       = \"lamps.csv\"\npoll       = \"0s\"\nbaseline_w = 275\nreach_km   = 5.0\n\n";
    out += plan_toml;
    if (std::any_of(field.lamps.begin(), field.lamps.end(), at_crossing)) out += crossings_toml;
    if (!mqtt_url.empty()) {
        out += fmt::format(
            "[mqtt]\nurl             = \"{}\"\nfirst_retry_max = \"1s\"\nretry_cap       = \"2s\"\n"
            "start_spread    = \"0s\"\n\n[[mqtt.principal]]\nid  = \"city\"\n"
            "ops = [\"lamp.set\", \"release\", \"sync\", \"read\", \"replay\"]\n\n",
            mqtt_url);
    }
    char* real = ::realpath(dir.c_str(), nullptr);
    const std::string absolute = real != nullptr ? real : dir;
    std::free(real);
    out += fmt::format("[store]\ndirectory = \"{}/state\"\n\n[api]\nsocket = \"{}/api.sock\"\n", absolute,
                       absolute);
    write_file(dir + "/gateway.toml", out);
    write_file(dir + "/lamps.csv", lamps_csv(field));
}

}  // namespace sl::sim
