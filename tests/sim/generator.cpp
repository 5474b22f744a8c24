#include "tests/sim/config.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace sl::sim {

namespace {

constexpr int max_units = 200;  // per line; 200 itself is left to a DALI gateway
constexpr std::uint8_t dali_unit = 201, sdm630_unit = 203, inputs_unit = 210, first_io_unit = 211;

LineSpec pty_line(const Generate& wish, const std::string& id) {
    LineSpec line;
    line.id = id;
    line.pty = wish.dir + "/" + id;
    line.baud = wish.baud;
    line.format = wish.format;
    line.pace = wish.pace;
    return line;
}

// Lamp lines, enough of them for the units.
std::vector<std::string> lamp_lines(const Generate& wish, FieldConfig& field) {
    const int units = (wish.lamps - wish.dali + wish.heads - 1) / wish.heads;
    const int needed = std::max(1, (units + max_units - 1) / max_units);
    const int count = wish.tcp_lines > 0 ? wish.tcp_lines : needed;
    if (count < needed) throw std::runtime_error(fmt::format("{} units need {} lines", units, needed));
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) {
        const std::string id = count == 1 ? "lamps" : fmt::format("lamps{}", i + 1);
        LineSpec line = pty_line(wish, id);
        if (wish.tcp_lines > 0) {
            line.pty.clear();
            line.tcp_port = wish.base_port == 0 ? 0 : wish.base_port + i;
        }
        field.lines.push_back(line);
        ids.push_back(id);
    }
    return ids;
}

void add_cabinet(const Generate& wish, const std::string& lamp_line, FieldConfig& field) {
    LineSpec meter_line = pty_line(wish, "meter");
    meter_line.format = "8E1";
    const std::string line = wish.shared_line ? lamp_line : meter_line.id;
    if (!wish.shared_line) field.lines.push_back(meter_line);
    MeterConfig meter;
    meter.id = "M1";
    meter.line = line;
    meter.kind = wish.sdm630 ? MeterKind::sdm630 : MeterKind::dlt645;
    meter.address = wish.sdm630 ? std::to_string(sdm630_unit) : "202410170042";
    meter.initial_kwh = 1234.56;
    for (const FeederConfig& feeder : field.feeders)
        meter.feeders.push_back(feeder.id);
    field.meters.push_back(meter);
    if (field.contactors.empty()) return;
    // Modules of two relays and two inputs each; one more for the door and the selector.
    const std::string io_line = wish.shared_line ? lamp_line : "io";
    for (std::size_t i = 0; i < field.contactors.size(); ++i) {
        if (i % 2 == 0) {
            ModuleConfig module;
            module.id = fmt::format("IO{}", i / 2 + 1);
            module.line = io_line;
            module.unit = static_cast<std::uint8_t>(first_io_unit + i / 2);
            field.modules.push_back(module);
        }
        field.modules.back().outputs.push_back(field.contactors[i].id);
        field.modules.back().inputs.push_back("aux:" + field.contactors[i].id);
    }
    for (ModuleConfig& module : field.modules) {
        module.outputs.resize(2);
        module.inputs.resize(2);
    }
    field.modules.push_back({"IN1", io_line, inputs_unit, {"", ""}, {"door", "selector"}});
    if (!wish.shared_line) field.lines.push_back(pty_line(wish, "io"));
}

}  // namespace

FieldConfig generate(const Generate& wish) {
    FieldConfig field;
    const bool cabinet = !wish.dir.empty();
    if (!cabinet && wish.tcp_lines == 0) throw std::runtime_error("say --dir, or --tcp-lines");
    if (cabinet) field.control = wish.dir + "/control";
    const int feeders = std::max(1, wish.feeders);
    for (int i = 0; i < feeders; ++i) {
        FeederConfig feeder;
        feeder.id = fmt::format("F{}", i + 1);
        if (cabinet && wish.feeders > 0) {
            feeder.contactor = fmt::format("K{}", i + 1);
            field.contactors.push_back({feeder.contactor});
        }
        field.feeders.push_back(feeder);
    }
    const auto lines = lamp_lines(wish, field);
    if (wish.dali > 0) field.dali_gateways.push_back({"D1", lines.front(), dali_unit});
    const int modbus = wish.lamps - wish.dali;
    const int units = (modbus + wish.heads - 1) / wish.heads;
    const int per_line = (units + static_cast<int>(lines.size()) - 1) / static_cast<int>(lines.size());
    const int per_feeder = (wish.lamps + feeders - 1) / feeders;
    for (int i = 0; i < wish.lamps; ++i) {
        LampConfig lamp;
        const int pole = i % per_feeder / wish.heads;
        lamp.id = fmt::format("L{:03}", i + 1);
        lamp.feeder = field.feeders[static_cast<std::size_t>(i / per_feeder)].id;
        lamp.watts = wish.watts;
        lamp.boot_s = wish.boot_s;
        lamp.order = pole + 1;
        lamp.phase = pole % 3;
        const int unit = i / wish.heads;
        if (i < modbus) {
            lamp.line = lines[static_cast<std::size_t>(unit / per_line)];
            lamp.unit = static_cast<std::uint8_t>(unit % per_line + 1);
            lamp.head = static_cast<std::uint8_t>(i % wish.heads + 1);
        } else {
            lamp.dali_gateway = "D1";
            lamp.short_address = static_cast<std::uint8_t>(i - modbus);
        }
        field.lamps.push_back(lamp);
    }
    if (cabinet) add_cabinet(wish, lines.front(), field);
    return field;
}

}  // namespace sl::sim
